"""SMTPUTF8 (RFC 6531): addresses and headers in UTF-8."""

from dataclasses import replace

from postroad.sessions.smtp.context import Context, Extension, MailOptions
from postroad.wire.smtp.commands import BadCommand


def _smtputf8(context: Context, options: MailOptions, value: str | None) -> MailOptions:
    if value is not None:
        raise BadCommand(501, "5.5.4", "SMTPUTF8 takes no value")
    return replace(options, smtputf8=True)


EXTENSION = Extension(
    "SMTPUTF8", lambda context: "SMTPUTF8", mail_parameters={"SMTPUTF8": _smtputf8}
)
