"""The server's side of one SMTP connection: framing, dispatch, limits and errors.

The driver writes what `greet` and `receive` give, in order; at `UpgradeToTls` it does the
handshake and calls `tls_started`; at `CloseConnection` it closes; at the end, however it comes,
it calls `close`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from postroad.base.errors import MailError
from postroad.model.principal import Principal
from postroad.sessions.sasl.exchange import Authenticator
from postroad.sessions.smtp.commands import VERBS
from postroad.sessions.smtp.context import (
    Answer,
    AnyVerb,
    Context,
    Hangup,
    ReadChunk,
    ReadData,
    ReadSecret,
    StartHandshake,
    finish_mail,
)
from postroad.sessions.smtp.errors import reply_to
from postroad.sessions.smtp.ports import Peer, Reception, Tls
from postroad.sessions.smtp.settings import Role, SmtpSettings
from postroad.wire.errors import LimitExceeded
from postroad.wire.smtp.commands import BadCommand, Data, StartTls, parse_command
from postroad.wire.smtp.framing import (
    CommandReceiver,
    Content,
    ContentEnd,
    DataReceiver,
    Event,
    Line,
    OverlongLine,
)
from postroad.wire.smtp.replies import Reply

_VERBS: dict[type, AnyVerb] = {verb.command: verb for verb in VERBS}


@dataclass(frozen=True, slots=True)
class UpgradeToTls:
    """All replies before it are to be written, then comes the handshake."""


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """All replies before it are to be written, then the connection is closed."""


Output = Reply | UpgradeToTls | CloseConnection
_CLOSE = CloseConnection()


class SmtpSession:
    """One connection. `tls` is given when the listener has done the handshake already."""

    def __init__(
        self,
        settings: SmtpSettings,
        role: Role,
        peer: Peer,
        *,
        reception: Reception,
        authenticator: Authenticator,
        can_start_tls: bool,
        tls: Tls | None = None,
    ) -> None:
        self._context = Context(
            settings, role, peer, reception, authenticator, can_start_tls, tls=tls
        )
        self._receiver = CommandReceiver()
        self._commands = 0
        self._is_closed = False
        # At most one of the three is set: what the next event belongs to, if not a command.
        self._data: DataReceiver | None = None
        self._chunk: ReadChunk | None = None
        self._secret: Callable[[bytes], Awaitable[Answer]] | None = None

    @property
    def principal(self) -> Principal | None:
        """Who has logged in on this connection."""
        return self._context.principal

    @property
    def is_receiving(self) -> bool:
        """Whether the client is in the middle of a message, for the choice of a deadline."""
        return self._data is not None or self._chunk is not None

    def greet(self) -> Reply:
        return Reply(220, "", f"{self._context.settings.hostname} ESMTP Postroad")

    async def receive(self, octets: bytes) -> AsyncIterator[Output]:
        """All there is to say to these octets, which may be nothing.

        The caller feeds pieces of a bounded size, and takes all outputs before the next piece.
        Errors that are not `MailError` are the caller's to handle, with `internal_error`.
        """
        self._receiver.feed(octets)
        while not self._is_closed:
            try:
                event = self._receiver.next_event()
            except LimitExceeded:
                yield Reply(500, "5.5.6", "The line is too long")
                yield self._hang_up()
                return
            if event is None:
                return
            for output in await self._take(event):
                yield output

    def tls_started(self, tls: Tls) -> None:
        """The handshake is done; what was said before is forgotten (RFC 3207 section 4.2)."""
        before = self._context
        self._receiver.discard()
        self._context = Context(
            before.settings,
            before.role,
            before.peer,
            before.reception,
            before.authenticator,
            before.can_start_tls,
            tls=tls,
            errors=before.errors,
            failed_logins=before.failed_logins,
        )

    def close(self) -> None:
        """Give up what is open. Calling it again does nothing."""
        self._is_closed = True
        self._context.abort_mail()

    def timed_out(self) -> Reply:
        return Reply(421, "4.4.2", f"{self._context.settings.hostname} closes: nothing came")

    def shutting_down(self) -> Reply:
        return Reply(421, "4.3.2", f"{self._context.settings.hostname} shuts down")

    def internal_error(self) -> Reply:
        """For a mistake of ours: the client may try again, and learns nothing."""
        return Reply(421, "4.3.0", "Internal error, try again later")

    async def _take(self, event: Event) -> list[Output]:
        match event:
            case Content(octets):
                await self._take_content(octets)
                return []
            case ContentEnd():
                return self._count_error(await self._end_content())
            case OverlongLine(limit):
                self._secret = None
                return self._count_error(Reply(500, "5.5.6", f"The line is over {limit} octets"))
            case Line(text):
                return await self._take_line(text)

    async def _take_line(self, text: bytes) -> list[Output]:
        if self._secret is not None:
            then, self._secret = self._secret, None
            return self._follow(await then(text))
        self._commands += 1
        if self._commands > self._context.settings.max_commands:
            return [Reply(421, "4.7.0", "Too many commands"), self._hang_up()]
        return self._follow(await self._carry_out(text))

    async def _carry_out(self, text: bytes) -> Answer:
        mail = self._context.mail
        try:
            command = parse_command(text, utf8=mail is not None and mail.options.smtputf8)
            # Security: what is sent before our answer belongs to no protocol state that both
            # sides agree on (RFC 2920 section 3.1, RFC 3207 section 4.2).
            if isinstance(command, Data | StartTls) and self._receiver.has_pending:
                return Answer(
                    Reply(554, "5.5.0", "Nothing may be sent before the reply"), Hangup()
                )
            return await _VERBS[type(command)].handle(self._context, command)
        except BadCommand as error:
            # Security: after a BDAT that we cannot read, its octets would be read as commands.
            is_bdat = text[:4].upper() == b"BDAT"
            return Answer(error.reply, Hangup() if is_bdat else None)
        except MailError as error:
            return Answer(reply_to(error))

    def _follow(self, answer: Answer) -> list[Output]:
        outputs: list[Output] = self._count_error(answer.reply) if answer.reply else []
        if self._is_closed:
            return outputs
        match answer.then:
            case None:
                pass
            case ReadData():
                self._data = self._receiver.expect_data()
            case ReadChunk() as chunk:
                self._chunk = chunk
                self._receiver.expect_chunk(chunk.octets)
            case ReadSecret(then):
                self._secret = then
                self._receiver.expect_secret()
            case StartHandshake():
                outputs.append(UpgradeToTls())
            case Hangup():
                outputs.append(self._hang_up())
        return outputs

    def _count_error(self, reply: Reply) -> list[Output]:
        """The reply, and the end of the connection if it was one refusal too many."""
        if not reply.is_permanent:
            return [reply]
        self._context.errors += 1
        if self._context.errors <= self._context.settings.max_errors:
            return [reply]
        return [reply, Reply(421, "4.7.0", "Too many errors"), self._hang_up()]

    async def _take_content(self, octets: bytes) -> None:
        incoming = self._context.mail.incoming if self._context.mail else None
        if self._chunk is not None:
            incoming = self._chunk.incoming
            if incoming is not None:
                incoming.line_ends.update(octets)
        if incoming is not None:
            await incoming.write(octets)

    async def _end_content(self) -> Reply:
        if self._chunk is not None:
            chunk, self._chunk = self._chunk, None
            return await chunk.at_end()
        data, self._data = self._data, None
        return await finish_mail(self._context, bare=data is not None and data.is_bare)

    def _hang_up(self) -> CloseConnection:
        self._is_closed = True
        return _CLOSE
