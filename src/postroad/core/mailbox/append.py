"""APPEND: messages that their owner's program puts into a mailbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import cast

from postroad.base.errors import Invalid, MailError, NotFound, OverQuota, TooLarge, TryLater
from postroad.base.identifiers import new_trace_id
from postroad.base.moments import Moment
from postroad.base.phrases import phrase
from postroad.core.mailbox.happenings import Cause, Happening, Happenings
from postroad.core.mailbox.permitted import permitted_flags
from postroad.core.message.binary import encode_binary
from postroad.core.message.prepared import new_email, parse
from postroad.model.events import EventKind, NewEvent, Value
from postroad.model.ids import BlobId, TraceId
from postroad.model.mailbox import (
    Appended,
    Column,
    FlagAction,
    FlagChange,
    Flags,
    NewEmail,
    Replaced,
)
from postroad.model.quota import Quota
from postroad.model.sharing import Place, Rights
from postroad.ports.bus import Bus
from postroad.ports.clock import Clock
from postroad.ports.spool import Octets, Spool, Spools
from postroad.ports.tasks import Tasks
from postroad.stores.blobs import BlobStore
from postroad.stores.mail import MailStore

Prepared = tuple[NewEmail, Flags, frozenset[str]]
_TOGETHER, _TOGETHER_OCTETS = 100, 2**20
"""What of one command waits to be made durable by the same sync: messages, and their octets."""
_PUT_DEADLINE = timedelta(seconds=60)
_SEEN = FlagChange(FlagAction.ADD, Flags.SEEN, frozenset())


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
        happenings: Happenings | None = None,
    ) -> None:
        self.max_octets = max_octets
        self._happenings = happenings or Happenings(bus)
        self._store = store
        self._blobs = blobs
        self._spools = spools
        self._bus = bus
        self._tasks = tasks
        self._clock = clock

    async def open(
        self, target: Place, octets: int, replaces: Replaced | None = None
    ) -> "AppendedMessages":
        """Begin a message of `octets` octets, after all that can be known beforehand.

        Raises `OverQuota`, `TooLarge`, `LowSpace`, `NotFound`.
        """
        if octets > self.max_octets:
            raise TooLarge(phrase("a message has at most {most} octets", most=self.max_octets))
        freed = 0 if replaces is None else await self._size(replaces)
        more = 1
        if replaces is not None and replaces.account == target.owner:
            octets, more = octets - freed, 0  # else it made room in another account
        quota = await self._store.quota(target.owner)
        _require_room(quota, octets, more)
        return AppendedMessages(self, target, quota, replaces)

    async def _size(self, message: Replaced) -> int:
        """Raises `NotFound`."""
        rows = await self._store.rows(
            message.account, message.mailbox_id, [message.uid], [Column.SIZE]
        )
        if not rows:
            raise NotFound("the message to be replaced is gone")
        return cast("int", rows[0][1])  # see Column

    async def prepare(self, messages: "Sequence[_Whole]") -> list[Prepared]:
        """Make the octets of all durable, by as few syncs as can be; nothing refers to them yet.

        Raises what the store of blobs raises, of the first that failed.
        """
        parsed = [await parse(message.octets, self._tasks) for message in messages]
        blob_ids = await self._put([message.octets for message in messages])
        now = self._clock.now()
        return [
            (
                new_email(known, blob_id, message.internal_date or now, None),
                message.flags,
                message.keywords,
            )
            for known, blob_id, message in zip(parsed, blob_ids, messages, strict=True)
        ]

    async def _put(self, octets: Sequence[Octets]) -> list[BlobId]:
        failed: list[MailError] = []

        async def put(one: Octets) -> BlobId | None:
            try:
                return await self._blobs.put([memoryview(one)])
            except MailError as error:
                failed.append(error)
                return None

        if len(octets) == 1:
            return [await self._blobs.put([memoryview(octets[0])])]
        done = await self._tasks.together([partial(put, one) for one in octets], _PUT_DEADLINE)
        if failed:
            raise failed[0]
        blob_ids = [blob_id for blob_id in done if blob_id is not None]
        if len(blob_ids) < len(octets):
            raise TryLater("the messages could not be kept in time")
        return blob_ids

    async def store(
        self, target: Place, messages: Sequence[Prepared], replaces: Replaced | None
    ) -> Appended:
        """The rows of all, in one step, then the news of it."""
        now, account, mailbox = self._clock.now(), target.owner, target.mailbox
        facts: dict[str, Value] = {"way": "append", "mailbox": mailbox.name}
        events = [
            NewEvent(TraceId(new_trace_id()), EventKind.STORED, now, None, facts) for _ in messages
        ]
        common = [_common(message, target) for message in messages]
        done = await self._store.append(account, mailbox.mailbox_id, common, events, replaces)
        await self._mark_seen(target, messages, done)
        self._happenings.happened(Happening(Cause.APPEND, target, done.uids))
        if replaces is not None and replaces.account != account:
            self._bus.announce(replaces.account)
        return done

    async def _mark_seen(
        self, target: Place, messages: Sequence[Prepared], done: Appended
    ) -> None:
        """Where \\Seen is everybody's own, it is that of whoever brought the message."""
        if target.viewer is None or Rights.SEEN not in target.rights:
            return
        seen = [
            uid
            for (_, flags, _), uid in zip(messages, done.uids, strict=True)
            if Flags.SEEN in flags
        ]
        if seen:
            mailbox = target.mailbox.mailbox_id
            await self._store.store_flags(target.owner, mailbox, seen, _SEEN, None, target.viewer)

    async def encode_binary(self, octets: Octets) -> Spool | None:
        """Raises `Invalid`, `LowSpace`, `TryLater`."""
        return await encode_binary(octets, self._spools, self._tasks)

    def open_spool(self) -> Spool:
        return self._spools.open()


def _require_room(quota: Quota, octets: int, messages: int) -> None:
    if not quota.has_room(octets, messages):
        raise OverQuota("the account has no room left")


def _common(message: Prepared, target: Place) -> Prepared:
    """The message with the flags that everybody sees, as far as the rights go."""
    email, flags, keywords = message
    if target.viewer is not None:
        flags &= ~Flags.SEEN
    return email, *permitted_flags(flags, keywords, target.rights)


@dataclass(frozen=True, slots=True)
class _Whole:
    """A message that is not durable yet. `octets` are valid until the spool is closed."""

    spool: Spool
    octets: Octets
    flags: Flags
    keywords: frozenset[str]
    internal_date: Moment | None


class AppendedMessages:
    """Messages on their way in; `close` must be called at their end and is harmless."""

    def __init__(
        self, appending: Appending, target: Place, quota: Quota, replaces: Replaced | None
    ) -> None:
        self._appending = appending
        self._target = target
        # As it was at the beginning; the store looks again when the messages are put in.
        self._quota = quota
        self._replaces = replaces
        self._spool = appending.open_spool()
        self._whole: list[_Whole] = []  # their spools are open still
        self._prepared: list[Prepared] = []
        self._octets = 0  # of all messages that are whole
        self._held = 0  # of those in `_whole`

    async def write(self, chunk: bytes) -> None:
        """Raises `TooLarge`, `LowSpace`, `TryLater`."""
        if self._spool.size + len(chunk) > self._appending.max_octets:
            raise TooLarge(
                phrase(
                    "a message has at most {most} octets",
                    most=self._appending.max_octets,
                )
            )
        await self._spool.write(chunk)

    async def next(
        self,
        flags: Flags,
        keywords: frozenset[str],
        internal_date: Moment | None,
        octets: int,
    ) -> None:
        """The message is whole, and another of `octets` octets begins (RFC 3502).

        Raises `OverQuota`, `TooLarge`, `Invalid` (nothing in it), `LowSpace`, `TryLater`.
        """
        if octets > self._appending.max_octets:
            raise TooLarge(
                phrase(
                    "a message has at most {most} octets",
                    most=self._appending.max_octets,
                )
            )
        await self._end(flags, keywords, internal_date)
        count = len(self._prepared) + len(self._whole) + 1
        _require_room(self._quota, self._octets + octets, count)
        if len(self._whole) >= _TOGETHER or self._held >= _TOGETHER_OCTETS:
            await self._prepare()
        self._spool = self._appending.open_spool()

    async def finish(
        self, flags: Flags, keywords: frozenset[str], internal_date: Moment | None
    ) -> Appended:
        """Make all messages durable in their mailbox, or none; None is now.

        Raises `NoSuchTarget`, `OverQuota`, `Invalid` (nothing in it), `NotFound` (what is to be
        replaced), `LowSpace`, `TryLater`.
        """
        await self._end(flags, keywords, internal_date)
        await self._prepare()
        return await self._appending.store(self._target, self._prepared, self._replaces)

    def close(self) -> None:
        self._spool.close()
        for message in self._whole:
            message.spool.close()

    async def _end(
        self, flags: Flags, keywords: frozenset[str], internal_date: Moment | None
    ) -> None:
        """All octets of a message are there."""
        if not self._spool.size:
            raise Invalid("an empty message cannot be appended")
        octets = await self._spool.octets()
        encoded = await self._appending.encode_binary(octets)
        if encoded is not None:
            self._spool.close()
            self._spool = encoded
            octets = await encoded.octets()
        self._octets += len(octets)
        self._held += len(octets)
        self._whole.append(_Whole(self._spool, octets, flags, keywords, internal_date))

    async def _prepare(self) -> None:
        self._prepared += await self._appending.prepare(self._whole)
        whole, self._whole, self._held = self._whole, [], 0
        for message in whole:
            message.spool.close()
