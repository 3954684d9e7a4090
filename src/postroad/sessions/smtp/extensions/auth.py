"""AUTH (RFC 4954) with PLAIN (RFC 4616) and LOGIN, for submission.

Security: it is neither offered nor taken without TLS, but for a peer on this machine where the
settings say so.
"""

from collections.abc import Awaitable, Callable

from postroad.base.errors import MailError, NotPermitted
from postroad.sessions.smtp.context import (
    Answer,
    Context,
    Extension,
    Hangup,
    MailOptions,
    ReadSecret,
    Verb,
    may_log_in_without_tls,
)
from postroad.wire.errors import BadSyntax
from postroad.wire.sasl.plain import PlainCredentials, decode_response, parse_login, parse_plain
from postroad.wire.smtp.commands import Auth, BadCommand, decode_xtext
from postroad.wire.smtp.paths import parse_address
from postroad.wire.smtp.replies import Reply

_ASK_NAME = "VXNlcm5hbWU6"  # "Username:" in base64
_ASK_PASSWORD = "UGFzc3dvcmQ6"  # noqa: S105  # "Password:", the question
_Then = Callable[[bytes], Awaitable[Answer]]


def _may_log_in(context: Context) -> bool:
    return context.tls is not None or may_log_in_without_tls(context)


def _offer(context: Context) -> str | None:
    if not context.role.is_submission or not _may_log_in(context):
        return None
    return "AUTH " + " ".join(_MECHANISMS)


async def _auth(context: Context, command: Auth) -> Answer:
    refusal = _may_not_auth(context)
    if refusal is not None:
        return Answer(refusal)
    mechanism = _MECHANISMS.get(command.mechanism)
    if mechanism is None:
        return Answer(Reply(504, "5.5.4", "No such mechanism here"))
    initial = command.initial_response
    return await mechanism(context, initial.octets() if initial else None)


def _may_not_auth(context: Context) -> Reply | None:
    if not context.role.is_submission:
        return Reply(502, "5.5.1", "AUTH is not available here")
    if not _may_log_in(context):
        return Reply(538, "5.7.11", "Encryption is required: say STARTTLS first")
    if context.hello is None or not context.hello.is_extended:
        return Reply(503, "5.5.1", "Say EHLO first")
    if context.principal is not None:
        return Reply(503, "5.5.1", "You are logged in already")
    if context.mail is not None:
        return Reply(503, "5.5.1", "A transaction is open")
    return None


async def _plain(context: Context, initial: bytes | None) -> Answer:
    async def then(line: bytes) -> Answer:
        return await _log_in(context, lambda: parse_plain(decode_response(line)))

    return await _ask("", then) if initial is None else await then(initial)


async def _login(context: Context, initial: bytes | None) -> Answer:
    async def name_came(name: bytes) -> Answer:
        async def password_came(password: bytes) -> Answer:
            return await _log_in(
                context, lambda: parse_login(decode_response(name), decode_response(password))
            )

        return await _ask(_ASK_PASSWORD, password_came)

    return await _ask(_ASK_NAME, name_came) if initial is None else await name_came(initial)


async def _ask(question: str, then: _Then) -> Answer:
    async def unless_cancelled(line: bytes) -> Answer:
        if line == b"*":  # RFC 4954 section 4
            return Answer(Reply(501, "5.7.0", "Authentication cancelled"))
        return await then(line)

    return Answer(Reply(334, "", question), ReadSecret(unless_cancelled))


async def _log_in(context: Context, parse: Callable[[], PlainCredentials]) -> Answer:
    try:
        credentials = parse()
    except BadSyntax:
        return Answer(Reply(501, "5.5.2", "The response is malformed"))
    wanted, name = credentials.authorization_identity, credentials.authentication_identity
    if wanted and wanted.lower() != name.lower():
        return _failed(context)  # nobody acts for another (RFC 4616 section 2)
    try:
        context.principal = await context.authenticator.authenticate(
            name,
            credentials.password,
            protocol="smtp",
            peer=context.peer.address,
        )
    except NotPermitted:
        return _failed(context)
    except MailError as error:
        if not error.temporary:
            return _failed(context)
        return Answer(Reply(454, "4.7.0", "Authentication is not possible now, try again later"))
    return Answer(Reply(235, "2.7.0", "Authentication succeeded"))


def _failed(context: Context) -> Answer:
    """It is not said whether the name or the password was wrong."""
    context.failed_logins += 1
    if context.failed_logins >= context.settings.max_failed_logins:
        return Answer(Reply(421, "4.7.0", "Too many failed logins"), Hangup())
    return Answer(Reply(535, "5.7.8", "Authentication failed"))


def _auth_parameter(context: Context, options: MailOptions, value: str | None) -> MailOptions:
    """``AUTH=`` of MAIL (RFC 4954 section 5): checked, and not passed on.

    Deviation: we trust nobody's word on who wrote a message, which section 5 allows by treating
    it as ``<>``.
    """
    try:
        text = decode_xtext(value or "")
        if text != "<>":
            parse_address(text, utf8=True)
    except BadSyntax as error:
        raise BadCommand(501, "5.5.4", "Syntax: AUTH=address or <>") from error
    return options


_MECHANISMS: dict[str, Callable[[Context, bytes | None], Awaitable[Answer]]] = {
    "PLAIN": _plain,
    "LOGIN": _login,
}
EXTENSION = Extension(
    "AUTH", _offer, mail_parameters={"AUTH": _auth_parameter}, verbs=(Verb("AUTH", Auth, _auth),)
)
