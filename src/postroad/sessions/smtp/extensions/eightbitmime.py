"""8BITMIME (RFC 6152): the BODY parameter, with the value that BINARYMIME adds."""

from dataclasses import replace

from postroad.sessions.smtp.context import Body, Context, Extension, MailOptions
from postroad.wire.smtp.commands import BadCommand


def _body(context: Context, options: MailOptions, value: str | None) -> MailOptions:
    """The values are without case (RFC 6152 section 3)."""
    try:
        return replace(options, body=Body((value or "").upper()))
    except ValueError as error:
        raise BadCommand(501, "5.5.4", "Syntax: BODY=7BIT, 8BITMIME or BINARYMIME") from error


EXTENSION = Extension("8BITMIME", lambda context: "8BITMIME", mail_parameters={"BODY": _body})
