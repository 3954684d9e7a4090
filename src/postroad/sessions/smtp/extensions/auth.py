"""AUTH (RFC 4954), for submission.

Security: it is neither offered nor taken without TLS, but for a peer on this machine where the
settings say so.
"""

from collections.abc import Awaitable

from postroad.base.errors import MailError, NotPermitted
from postroad.sessions.sasl import mechanisms
from postroad.sessions.sasl.exchange import Ask, Client, Outcome
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
from postroad.wire.errors import BadSyntax, LimitExceeded, WireError
from postroad.wire.sasl.responses import decode_response, encode_challenge
from postroad.wire.smtp.commands import Auth, BadCommand, decode_xtext
from postroad.wire.smtp.paths import parse_address
from postroad.wire.smtp.replies import Reply


def _may_log_in(context: Context) -> bool:
    return context.tls is not None or may_log_in_without_tls(context)


def _offer(context: Context) -> str | None:
    if not context.role.is_submission or not _may_log_in(context):
        return None
    return "AUTH " + " ".join(mechanisms.offered(context.circumstances))


async def _auth(context: Context, command: Auth) -> Answer:
    refusal = _may_not_auth(context)
    if refusal is not None:
        return Answer(refusal)
    mechanism = mechanisms.find(command.mechanism, context.circumstances)
    if mechanism is None:
        return Answer(Reply(504, "5.5.4", "No such mechanism here"))
    ask = mechanism.begin(_client(context))
    if command.initial_response is None:
        return _question(context, ask)
    return await _respond(context, ask, command.initial_response.octets())


def _client(context: Context) -> Client:
    return Client(context.authenticator, "smtp", context.peer.address, context.circumstances)


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


def _question(context: Context, ask: Ask) -> Answer:
    async def then(line: bytes) -> Answer:
        if line == b"*":  # RFC 4954 section 4
            return Answer(Reply(501, "5.7.0", "Authentication cancelled"))
        return await _respond(context, ask, line)

    return Answer(Reply(334, "", encode_challenge(ask.challenge)), ReadSecret(then))


async def _respond(context: Context, ask: Ask, line: bytes) -> Answer:
    try:
        return await _follow(context, ask.then(decode_response(line)))
    except LimitExceeded:
        return Answer(Reply(500, "5.5.6", "The response is too long"))
    except WireError:
        return Answer(Reply(501, "5.5.2", "The response is malformed"))


async def _follow(context: Context, outcome: Awaitable[Outcome]) -> Answer:
    try:
        result = await outcome
    except NotPermitted:
        return _failed(context)
    except MailError as error:
        if not error.temporary:
            return _failed(context)
        return Answer(Reply(454, "4.7.0", "Authentication is not possible now, try again later"))
    if isinstance(result, Ask):
        return _question(context, result)
    context.principal = result
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


EXTENSION = Extension(
    "AUTH", _offer, mail_parameters={"AUTH": _auth_parameter}, verbs=(Verb("AUTH", Auth, _auth),)
)
