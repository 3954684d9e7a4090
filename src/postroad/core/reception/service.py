"""Taking mail in over SMTP: who may send what to whom, and when a 250 is true."""

from dataclasses import dataclass, field

from postroad.base.errors import Invalid, MailLoop, NotPermitted, TooLarge, TooMany
from postroad.base.identifiers import new_trace_id
from postroad.core.delivery.local import LocalMail
from postroad.core.delivery.routing import Route, Router
from postroad.core.message.binary import encode_binary
from postroad.core.message.facts import Facts, MailParameters, Receipt, Way, received
from postroad.core.message.headers import count_received
from postroad.core.sending.identity import Identities
from postroad.core.sending.submission import SubmittedMail
from postroad.formats.mailaddress import normalise_address
from postroad.model.ids import TraceId
from postroad.ports.clock import Clock
from postroad.ports.counters import Counter, Counters, NoCounters
from postroad.ports.spool import Octets, Spool, Spools
from postroad.ports.tasks import Tasks

# RFC 5321 section 6.3 asks for a limit of at least 100.
_MAX_RECEIVED = 100


@dataclass(frozen=True, slots=True)
class ReceptionSettings:
    hostname: str
    max_octets: int  # of one message
    max_recipients: int  # of one transaction


@dataclass(frozen=True, slots=True)
class Parts:
    """The services that a transaction works with."""

    router: Router
    local: LocalMail
    submitted: SubmittedMail
    identities: Identities
    spools: Spools
    clock: Clock
    tasks: Tasks
    counters: Counters = field(default_factory=NoCounters)


class Reception:
    def __init__(self, settings: ReceptionSettings, parts: Parts) -> None:
        self.settings = settings
        self._parts = parts

    async def open(
        self, facts: Facts, reverse_path: str, parameters: MailParameters
    ) -> "Transaction":
        """MAIL: begin a transaction. `reverse_path` is "" for the null reverse path.

        Raises `TooLarge` (SIZE over the limit), `NotPermitted` (a submitter who may not use that
        address, or is not authenticated), `LowSpace`, `TryLater`.
        """
        if parameters.size > self.settings.max_octets:
            raise TooLarge(f"a message has at most {self.settings.max_octets} octets")
        if facts.way is Way.SUBMISSION:
            if facts.principal is None:
                raise NotPermitted("authenticate first")
            # The null reverse path is for reports of programs, of which a person sends none.
            if not await self._parts.identities.may_use(facts.principal.account, reverse_path):
                raise NotPermitted(f"you may not send as {reverse_path or '<>'}")
        spool = self._parts.spools.open()
        return Transaction(self.settings, self._parts, facts, reverse_path, parameters, spool)


class Transaction:
    """One mail transaction. `abort` must be called at its end, whatever happened; it is harmless.

    mail -> rcpt* -> write* -> finish
    """

    def __init__(
        self,
        settings: ReceptionSettings,
        parts: Parts,
        facts: Facts,
        reverse_path: str,
        parameters: MailParameters,
        spool: Spool,
    ) -> None:
        self.trace_id = TraceId(new_trace_id())
        self._settings = settings
        self._parts = parts
        self._facts = facts
        self._reverse_path = reverse_path
        self._parameters = parameters
        self._spool = spool
        self._routes: dict[str, Route] = {}  # MX: by normalised forward path
        self._forward_paths: dict[str, str] = {}  # normalised -> as the client wrote it
        self._body_octets = 0
        self._has_begun = False

    @property
    def recipients(self) -> int:
        return len(self._forward_paths)

    async def add_recipient(self, forward_path: str) -> None:
        """RCPT. The same recipient twice counts once.

        Raises `TooMany`, `NotFound`, `NotPermitted` (no relaying), `OverQuota`, `TryLater`.
        """
        key = normalise_address(forward_path)
        if key in self._forward_paths:
            return
        # Limit: RFC 5321 section 4.5.3.1.8 asks for at least 100 recipients.
        if len(self._forward_paths) >= self._settings.max_recipients:
            raise TooMany(f"at most {self._settings.max_recipients} recipients")
        if self._facts.way is Way.MX:
            self._routes[key] = await self._parts.router.route(forward_path, self._parameters.size)
        else:
            await self._parts.submitted.check_recipient(self._facts, forward_path)
        self._forward_paths[key] = forward_path

    async def write(self, chunk: bytes) -> None:
        """Octets of the message, dots already removed. Raises `TooLarge`, `LowSpace`, `TryLater`.

        After an error the rest of the data must still be read from the client, but not given here.
        """
        if not self._has_begun and self._facts.way is Way.MX:
            await self._spool.write(self._trace_fields())
        self._has_begun = True
        self._body_octets += len(chunk)
        if self._body_octets > self._settings.max_octets:
            raise TooLarge(f"a message has at most {self._settings.max_octets} octets")
        await self._spool.write(chunk)

    async def finish(self) -> Receipt:
        """Make the message durable for all its recipients; only then may 250 be said.

        Raises `MailLoop`, `NotPermitted` (a From that is not the submitter's), `LowSpace`,
        `TryLater`.
        """
        if not self._body_octets:
            await self.write(b"\r\n")
        octets = await self._spool.octets()
        if count_received(octets) > _MAX_RECEIVED:
            raise MailLoop("too many Received fields: this message is in a loop")
        if self._facts.way is Way.MX:
            octets = await self._without_binary(octets)
            await self._parts.local.deliver(
                self.trace_id, self._facts, self._reverse_path, list(self._routes.items()), octets
            )
        else:
            await self._parts.submitted.submit(
                self.trace_id,
                self._facts,
                self._reverse_path,
                tuple(self._forward_paths.values()),
                octets,
                received(
                    self._facts, self._settings.hostname, self.trace_id, self._parts.clock.now()
                ),
            )
        self._parts.counters.count(Counter.RECEIVED, self._facts.way.value)
        return Receipt(self.trace_id)

    async def _without_binary(self, octets: Octets) -> Octets:
        """What cannot be encoded is kept as it came: better odd than lost."""
        try:
            encoded = await encode_binary(octets, self._parts.spools, self._parts.tasks)
        except Invalid:
            return octets
        if encoded is None:
            return octets
        self._spool.close()
        self._spool = encoded
        return await encoded.octets()

    def abort(self) -> None:
        """Give the spool back."""
        self._spool.close()

    def _trace_fields(self) -> bytes:
        """Return-Path and Received, which go above everything (RFC 5321 section 4.4)."""
        now = self._parts.clock.now()
        line = received(self._facts, self._settings.hostname, self.trace_id, now)
        return f"Return-Path: <{self._reverse_path}>\r\n".encode() + line
