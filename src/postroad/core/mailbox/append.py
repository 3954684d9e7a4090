"""APPEND: a message that its owner's program puts into a mailbox."""

from postroad.base.errors import Invalid, NoSuchTarget, OverQuota, TooLarge
from postroad.base.identifiers import new_trace_id
from postroad.base.moments import Moment
from postroad.core.message.prepared import new_email, parse
from postroad.model.events import EventKind, NewEvent
from postroad.model.ids import AccountId, MailboxName, TraceId
from postroad.model.mailbox import Appended, Flags, Mailbox
from postroad.ports.bus import Bus
from postroad.ports.clock import Clock
from postroad.ports.spool import Octets, Spool, Spools
from postroad.ports.tasks import Tasks
from postroad.stores.blobs import BlobStore
from postroad.stores.mail import MailStore


class Appending:
    def __init__(
        self,
        store: MailStore,
        blobs: BlobStore,
        spools: Spools,
        bus: Bus,
        tasks: Tasks,
        clock: Clock,
        *,
        max_octets: int,
    ) -> None:
        self.max_octets = max_octets
        self._store = store
        self._blobs = blobs
        self._spools = spools
        self._bus = bus
        self._tasks = tasks
        self._clock = clock

    async def open(
        self, account: AccountId, mailbox: MailboxName, octets: int
    ) -> "AppendedMessage":
        """Begin a message of `octets` octets, after all that can be known beforehand.

        Raises `NoSuchTarget`, `OverQuota`, `TooLarge`, `LowSpace`.
        """
        if octets > self.max_octets:
            raise TooLarge(f"a message has at most {self.max_octets} octets")
        target = await self._store.find_mailbox(account, mailbox)
        if target is None or not target.selectable:
            raise NoSuchTarget(f"there is no mailbox {mailbox}")
        used, allowed = await self._store.quota(account)
        if allowed is not None and used + octets > allowed:
            raise OverQuota("the account has no room left")
        return AppendedMessage(self, account, target, self._spools.open())

    async def store(
        self,
        account: AccountId,
        target: Mailbox,
        octets: Octets,
        flags: Flags,
        keywords: frozenset[str],
        internal_date: Moment | None,
    ) -> Appended:
        """Blob first, then the rows, then the news of it."""
        parsed = await parse(octets, self._tasks)
        blob_id = await self._blobs.put([memoryview(octets)])
        now = self._clock.now()
        email = new_email(parsed, blob_id, internal_date or now, None)
        trace_id = TraceId(new_trace_id())
        event = NewEvent(
            trace_id, EventKind.STORED, now, None, {"way": "append", "mailbox": target.name}
        )
        done = await self._store.append(
            account, target.mailbox_id, [(email, flags, keywords)], [event]
        )
        self._bus.announce(account)
        return done


class AppendedMessage:
    """One message on its way in; `close` must be called at its end and is harmless."""

    def __init__(
        self, appending: Appending, account: AccountId, target: Mailbox, spool: Spool
    ) -> None:
        self._appending = appending
        self._account = account
        self._target = target
        self._spool = spool

    async def write(self, chunk: bytes) -> None:
        """Raises `TooLarge`, `LowSpace`, `TryLater`."""
        if self._spool.size + len(chunk) > self._appending.max_octets:
            raise TooLarge(f"a message has at most {self._appending.max_octets} octets")
        await self._spool.write(chunk)

    async def finish(
        self, flags: Flags, keywords: frozenset[str], internal_date: Moment | None
    ) -> Appended:
        """Make the message durable in its mailbox; None is now.

        Raises `NoSuchTarget`, `OverQuota`, `Invalid` (nothing in it), `LowSpace`, `TryLater`.
        """
        if not self._spool.size:
            raise Invalid("an empty message cannot be appended")
        octets = await self._spool.octets()
        return await self._appending.store(
            self._account, self._target, octets, flags, keywords, internal_date
        )

    def close(self) -> None:
        self._spool.close()
