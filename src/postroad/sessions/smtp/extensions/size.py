"""SIZE (RFC 1870): a message that is too large is refused before it is sent."""

from dataclasses import replace

from postroad.base.errors import TooLarge
from postroad.sessions.smtp.context import Context, Extension, MailOptions
from postroad.wire.smtp.commands import BadCommand


def _size(context: Context, options: MailOptions, value: str | None) -> MailOptions:
    if value is None or not (value.isascii() and value.isdigit()) or len(value) > 20:
        raise BadCommand(501, "5.5.4", "Syntax: SIZE=octets")
    octets = int(value)
    if octets > context.settings.max_octets:
        raise TooLarge(f"The message is over {context.settings.max_octets} octets")
    return replace(options, announced_octets=octets)


EXTENSION = Extension(
    "SIZE",
    lambda context: f"SIZE {context.settings.max_octets}",
    mail_parameters={"SIZE": _size},
)
