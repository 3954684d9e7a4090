"""What a session knows of its client, and what a command handler may use and answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Generic, TypeVar

from postroad.base.errors import MailError, TooLarge
from postroad.model.principal import Principal
from postroad.sessions.sasl.exchange import NO_EVIDENCE, Authenticator, Circumstances
from postroad.sessions.smtp.errors import reply_to
from postroad.sessions.smtp.ports import (
    Peer,
    Reception,
    Tls,
    Transaction,
)
from postroad.sessions.smtp.settings import BareNewlines, Cleartext, Role, SmtpSettings
from postroad.wire.smtp.lineends import LineEndCheck, LineEndMender
from postroad.wire.smtp.replies import Reply

CommandT = TypeVar("CommandT")


@dataclass(frozen=True, slots=True)
class Hello:
    """The client has said who it is; `is_extended` when by EHLO."""

    name: str
    is_extended: bool


class Body(Enum):
    """What the client says of the content (RFC 6152 section 2, RFC 3030 section 3)."""

    SEVEN_BIT = "7BIT"
    EIGHT_BIT = "8BITMIME"
    BINARY = "BINARYMIME"


@dataclass(frozen=True, slots=True)
class MailOptions:
    """What the parameters of MAIL asked for."""

    announced_octets: int = 0  # 0: it did not say
    body: Body = Body.SEVEN_BIT
    smtputf8: bool = False


class Incoming:
    """The content of one message while it comes in; it is passed on, never held.

    Once there is a refusal, the rest is read past: an answer is only due at the end.
    """

    def __init__(
        self, transaction: Transaction, *, max_octets: int, mender: LineEndMender | None
    ) -> None:
        """With a mender, bare CRs and LFs are repaired and not a reason to refuse."""
        self._transaction = transaction
        self._max_octets = max_octets
        self._mender = mender
        self.line_ends = LineEndCheck()  # for BDAT; DATA has its own
        self.octets = 0
        self.refusal: Reply | None = None

    @classmethod
    def of(cls, mail: "OpenMail", settings: SmtpSettings) -> "Incoming":
        """For the content of this transaction; binary content has no lines to repair."""
        repairs = settings.bare_newlines is BareNewlines.REPAIR
        mender = LineEndMender() if repairs and mail.options.body is not Body.BINARY else None
        return cls(mail.transaction, max_octets=settings.max_octets, mender=mender)

    async def write(self, chunk: bytes) -> None:
        await self._pass_on(chunk if self._mender is None else self._mender.update(chunk))

    async def finish(self, *, bare: bool) -> Reply | None:
        """The content has come; `bare` if a CR or LF stood alone. The refusal, if there is one.

        Security: what is not repaired is refused, as a server behind us may end a line, or the
        message, there (RFC 5321 section 2.3.8).
        """
        if self._mender is not None:
            await self._pass_on(self._mender.finish())
        elif bare and self.refusal is None:
            self.refusal = Reply(550, "5.6.11", "The message has a bare CR or LF")
        return self.refusal

    async def _pass_on(self, chunk: bytes) -> None:
        self.octets += len(chunk)
        if self.refusal is not None or not chunk:
            return
        try:
            if self.octets > self._max_octets:
                raise TooLarge(f"The message is over {self._max_octets} octets")
            await self._transaction.write(chunk)
        except MailError as error:
            self.refusal = reply_to(error)


@dataclass(slots=True)
class OpenMail:
    """The mail transaction that MAIL has opened."""

    options: MailOptions
    transaction: Transaction
    tried_recipients: int = 0
    recipients: int = 0
    incoming: Incoming | None = None  # there since the first BDAT chunk, or during DATA


@dataclass(slots=True)
class Context:
    """One client's connection. All but the first group is forgotten when TLS starts."""

    settings: SmtpSettings
    role: Role
    peer: Peer
    reception: Reception
    authenticator: Authenticator
    can_start_tls: bool
    tls: Tls | None = None

    hello: Hello | None = None
    principal: Principal | None = None
    mail: OpenMail | None = None
    offered: "tuple[Extension, ...]" = ()  # to this client, by the last EHLO

    errors: int = 0
    failed_logins: int = 0

    def abort_mail(self) -> None:
        """Drop the open transaction, if there is one."""
        mail, self.mail = self.mail, None
        if mail is not None:
            mail.transaction.abort()

    @property
    def circumstances(self) -> Circumstances:
        """What may prove somebody on this connection."""
        evidence = NO_EVIDENCE if self.tls is None else self.tls.evidence
        return replace(self.settings.sasl, evidence=evidence)

    @property
    def protocol(self) -> str:
        """The protocol of RFC 3848 for a transaction without SMTPUTF8."""
        if self.hello is None or not self.hello.is_extended:
            return "SMTP"
        return "ESMTP" + ("S" if self.tls else "") + ("A" if self.principal else "")


@dataclass(frozen=True, slots=True)
class ReadData:
    """The content follows, until CRLF.CRLF."""


@dataclass(frozen=True, slots=True)
class ReadChunk:
    """This many octets follow; they are read past when `incoming` is None."""

    octets: int
    incoming: Incoming | None
    at_end: Callable[[], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class ReadSecret:
    """A line of an AUTH exchange follows, for `then`."""

    then: "Callable[[bytes], Awaitable[Answer]]"


@dataclass(frozen=True, slots=True)
class StartHandshake:
    """The TLS handshake follows."""


@dataclass(frozen=True, slots=True)
class Hangup:
    """Nothing follows."""


Next = ReadData | ReadChunk | ReadSecret | StartHandshake | Hangup


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say to a command now, if anything, and what is to come if not a command."""

    reply: Reply | None
    then: Next | None = None


@dataclass(frozen=True, slots=True)
class Verb(Generic[CommandT]):
    """One command and how it is carried out."""

    name: str
    command: type[CommandT]
    handle: Callable[[Context, CommandT], Awaitable[Answer]]


AnyVerb = Verb[Any]  # a verb is generic in its command, and a table of them is not

MailParameter = Callable[[Context, MailOptions, str | None], MailOptions]
"""Adds one parameter of MAIL to the options. Raises `BadCommand` and `MailError`."""


@dataclass(frozen=True, slots=True)
class Extension:
    """One SMTP extension: a file of its own, and a line in `extensions/__init__.py`."""

    name: str
    ehlo: Callable[[Context], str | None]  # its EHLO line; None: not offered to this client now
    mail_parameters: Mapping[str, MailParameter] = field(default_factory=dict)
    verbs: tuple[AnyVerb, ...] = ()


def may_log_in_without_tls(context: Context) -> bool:
    return context.settings.cleartext is Cleartext.LOOPBACK and context.peer.is_loopback


def may_not_begin_content(mail: OpenMail | None) -> Reply | None:
    """Why no content can be taken now, or None (RFC 5321 section 3.3)."""
    if mail is None:
        return Reply(503, "5.5.1", "Say MAIL first")
    if mail.tried_recipients == 0:
        return Reply(503, "5.5.1", "Say RCPT first")
    if mail.recipients == 0:
        return Reply(554, "5.5.1", "No valid recipients")
    return None


async def finish_mail(context: Context, *, bare: bool) -> Reply:
    """The answer to the whole of a message, when all of its content has come."""
    mail = context.mail
    if mail is None or mail.incoming is None:
        raise RuntimeError("content came without a transaction")
    if refusal := await mail.incoming.finish(bare=bare):
        context.abort_mail()
        return refusal
    try:
        receipt = await mail.transaction.finish()
    except MailError as error:
        return reply_to(error)
    finally:
        context.abort_mail()
    context.errors = 0
    return Reply(250, "2.0.0", f"Ok, taken as {receipt.trace_id}")
