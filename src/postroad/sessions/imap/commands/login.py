"""LOGIN (RFC 9051 section 6.2.3) and AUTHENTICATE (section 6.2.2, RFC 4959), by password."""

from collections.abc import Callable
from dataclasses import dataclass

from postroad.base.errors import AuthenticationFailed
from postroad.sessions.imap.errors import code_of
from postroad.sessions.imap.feature import (
    BEFORE_LOGIN,
    Context,
    Done,
    Feature,
    Next,
    Pending,
    Replies,
)
from postroad.wire.errors import BadSyntax
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.responses import Condition, Continue, Status
from postroad.wire.sasl.plain import (
    PlainCredentials,
    decode_response,
    encode_response,
    parse_login,
    parse_plain,
)

_PRIVACY = Done("Use TLS before you send a password", b"PRIVACYREQUIRED", Condition.NO)
_MECHANISMS = (b"PLAIN", b"LOGIN")


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
    return b"SASL-IR", *(b"AUTH=" + mechanism for mechanism in _MECHANISMS)


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
    async for reply in _prove(context, command):
        yield reply


async def handle_authenticate(context: Context, command: Authenticate) -> Replies:
    if command.mechanism not in _MECHANISMS:
        yield Done("That mechanism is not known here", b"CANNOT", Condition.NO)
        return
    if not context.may_log_in:
        yield _PRIVACY
        return
    plain = command.mechanism == b"PLAIN"
    step = _plain(context) if plain else _login_name(context)
    if command.initial is not None:
        async for reply in step(command.initial):
            yield reply
        return
    context.pending = Pending(step)
    yield Continue("" if plain else encode_response("Username:").decode())


Step = Callable[[bytes], Replies]


def _plain(context: Context) -> Step:
    async def step(line: bytes) -> Replies:
        async for reply in _prove(context, parse_plain(_response(line))):
            yield reply

    return step


def _login_name(context: Context) -> Step:
    async def step(line: bytes) -> Replies:
        context.pending = Pending(_login_password(context, _response(line)))
        yield Continue(encode_response("Password:").decode())

    return step


def _login_password(context: Context, name: bytes) -> Step:
    async def step(line: bytes) -> Replies:
        async for reply in _prove(context, parse_login(name, _response(line))):
            yield reply

    return step


def _response(line: bytes) -> bytes:
    """The octets of a client's response. Raises `BadSyntax`, also when the client gives up."""
    if line == b"*":
        raise BadSyntax("a response; authentication was given up", 0)
    return decode_response(line)


async def _prove(context: Context, credentials: PlainCredentials) -> Replies:
    if credentials.authorization_identity not in ("", credentials.authentication_identity):
        # RFC 4616 section 2: nobody may act for somebody else here.
        yield Done("You cannot act for another", b"AUTHORIZATIONFAILED", Condition.NO)
        return
    try:
        context.principal = await context.services.authenticator.authenticate(
            credentials.authentication_identity,
            credentials.password,
            protocol="imap",
            peer=context.peer.address,
        )
    except AuthenticationFailed as error:
        context.failed_logins += 1
        if context.failed_logins >= context.settings.max_failed_logins:
            context.next = Next.CLOSE
            yield Status(Condition.BYE, "Too many failed logins")
        yield Done(str(error), code_of(error), Condition.NO)
        return
    capabilities = b" ".join(context.capabilities(context))
    yield Done("Logged in", b"CAPABILITY " + capabilities)


LOGIN = Feature(b"LOGIN", BEFORE_LOGIN, parse_password, handle_login, login_capabilities)
AUTHENTICATE = Feature(
    b"AUTHENTICATE", BEFORE_LOGIN, parse_authenticate, handle_authenticate, sasl_capabilities
)
