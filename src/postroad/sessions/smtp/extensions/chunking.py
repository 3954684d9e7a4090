"""CHUNKING (RFC 3030 section 2): the message in counted pieces."""

from functools import partial

from postroad.sessions.smtp.context import (
    Answer,
    Body,
    Context,
    Extension,
    Incoming,
    ReadChunk,
    Verb,
    finish_mail,
    may_not_begin_content,
)
from postroad.wire.smtp.commands import Bdat
from postroad.wire.smtp.replies import Reply


async def _bdat(context: Context, command: Bdat) -> Answer:
    """The octets follow whatever we think of them, so they are read before anything is said."""
    mail = context.mail
    refusal = may_not_begin_content(mail)
    if mail is None or refusal is not None:
        return Answer(None, ReadChunk(command.octets, None, partial(_refuse, context, refusal)))
    if mail.incoming is None:
        mail.incoming = Incoming.of(mail, context.settings)
    at_end = partial(_end_of_chunk, context, mail.incoming, command)
    return Answer(None, ReadChunk(command.octets, mail.incoming, at_end))


async def _refuse(context: Context, refusal: Reply | None) -> Reply:
    """RFC 3030 section 2: after a refused chunk the whole transaction has failed."""
    context.abort_mail()
    return refusal or Reply(503, "5.5.1", "Say MAIL first")


async def _end_of_chunk(context: Context, incoming: Incoming, command: Bdat) -> Reply:
    if command.is_last:
        mail = context.mail
        is_binary = mail is not None and mail.options.body is Body.BINARY
        return await finish_mail(context, bare=incoming.line_ends.is_bare and not is_binary)
    if incoming.refusal is not None:
        context.abort_mail()
        return incoming.refusal
    return Reply(250, "2.0.0", f"{command.octets} octets received")


EXTENSION = Extension("CHUNKING", lambda context: "CHUNKING", verbs=(Verb("BDAT", Bdat, _bdat),))
