"""STARTTLS (RFC 3207)."""

from postroad.sessions.smtp.context import Answer, Context, Extension, StartHandshake, Verb
from postroad.wire.smtp.commands import StartTls
from postroad.wire.smtp.replies import Reply


def _offer(context: Context) -> str | None:
    return "STARTTLS" if context.can_start_tls and context.tls is None else None


async def _starttls(context: Context, command: StartTls) -> Answer:
    if context.tls is not None:
        return Answer(Reply(503, "5.5.1", "TLS is on already"))
    if not context.can_start_tls:
        return Answer(Reply(502, "5.5.1", "TLS is not available here"))
    context.abort_mail()
    return Answer(Reply(220, "2.0.0", "Go ahead with TLS"), StartHandshake())


EXTENSION = Extension("STARTTLS", _offer, verbs=(Verb("STARTTLS", StartTls, _starttls),))
