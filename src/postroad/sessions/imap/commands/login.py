"""LOGIN (RFC 9051 section 6.2.3) and AUTHENTICATE (section 6.2.2, RFC 4959)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from postroad.base.errors import AuthenticationFailed
from postroad.sessions.imap.errors import code_of, words_of
from postroad.sessions.imap.feature import (
    BEFORE_LOGIN,
    Context,
    Done,
    Feature,
    Next,
    Pending,
    Replies,
)
from postroad.sessions.sasl import mechanisms
from postroad.sessions.sasl.exchange import Ask, Client, Outcome
from postroad.wire.errors import BadSyntax
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.responses import Condition, Continue, Status
from postroad.wire.sasl.plain import PlainCredentials, parse_login
from postroad.wire.sasl.responses import decode_response, encode_challenge

_PRIVACY = Done("Use TLS before you send a password", b"PRIVACYREQUIRED", Condition.NO)


@dataclass(frozen=True, slots=True)
class Authenticate:
    """`initial` is the initial response as it was sent, None without one."""

    mechanism: bytes
    initial: bytes | None


def login_capabilities(context: Context) -> tuple[bytes, ...]:
    return () if context.may_log_in or context.principal is not None else (b"LOGINDISABLED",)


def sasl_capabilities(context: Context) -> tuple[bytes, ...]:
    if context.principal is not None or not context.may_log_in:
        return (b"SASL-IR",)
    names = mechanisms.offered(context.circumstances)
    return b"SASL-IR", *(b"AUTH=" + name.encode() for name in names)


def parse_password(cursor: Cursor) -> PlainCredentials:
    cursor.sp()
    name = cursor.astring()
    cursor.sp()
    password = cursor.astring()
    cursor.end()
    return parse_login(name, password)


def parse_authenticate(cursor: Cursor) -> Authenticate:
    cursor.sp()
    mechanism = cursor.word()
    initial = None
    if not cursor.at_end():
        cursor.sp()
        initial = cursor.rest()
    return Authenticate(mechanism, initial)


async def handle_login(context: Context, command: PlainCredentials) -> Replies:
    if not context.may_log_in:
        yield _PRIVACY
        return
    proof = _client(context).authenticator.authenticate(
        command.authentication_identity,
        command.password,
        protocol="imap",
        peer=context.peer.address,
    )
    async for reply in _follow(context, proof):
        yield reply


async def handle_authenticate(context: Context, command: Authenticate) -> Replies:
    mechanism = mechanisms.find(
        command.mechanism.decode("ascii", "replace"), context.circumstances
    )
    if mechanism is None:
        yield Done("That mechanism is not known here", b"CANNOT", Condition.NO)
        return
    if not context.may_log_in:
        yield _PRIVACY
        return
    ask = mechanism.begin(_client(context))
    if command.initial is None:
        yield _question(context, ask)
        return
    async for reply in _follow(context, ask.then(decode_response(command.initial))):
        yield reply


def _client(context: Context) -> Client:
    return Client(
        context.services.authenticator, "imap", context.peer.address, context.circumstances
    )


def _question(context: Context, ask: Ask) -> Continue:
    """Ask, and leave the answer to the client's next line."""
    context.pending = Pending(_answered(context, ask))
    return Continue(encode_challenge(ask.challenge))


def _answered(context: Context, ask: Ask) -> Callable[[bytes], Replies]:
    async def step(line: bytes) -> Replies:
        if line == b"*":  # RFC 9051 section 6.2.2
            raise BadSyntax("a response; authentication was given up", 0)
        async for reply in _follow(context, ask.then(decode_response(line))):
            yield reply

    return step


async def _follow(context: Context, outcome: Awaitable[Outcome]) -> Replies:
    try:
        result = await outcome
    except AuthenticationFailed as error:
        context.failed_logins += 1
        if context.failed_logins >= context.settings.max_failed_logins:
            context.next = Next.CLOSE
            yield Status(Condition.BYE, "Too many failed logins")
        yield Done(words_of(error), code_of(error), Condition.NO)
        return
    if isinstance(result, Ask):
        yield _question(context, result)
        return
    context.principal = result
    capabilities = b" ".join(context.capabilities(context))
    yield Done("Logged in", b"CAPABILITY " + capabilities)


LOGIN = Feature(b"LOGIN", BEFORE_LOGIN, parse_password, handle_login, login_capabilities)
AUTHENTICATE = Feature(
    b"AUTHENTICATE", BEFORE_LOGIN, parse_authenticate, handle_authenticate, sasl_capabilities
)
