"""The message of EXTERNAL (RFC 4422 appendix A)."""

from postroad.wire.errors import BadSyntax

_MAX_NAME = 255


def parse_external(message: bytes) -> str:
    """The identity to act as, "" for the one that the channel proves. Raises `BadSyntax`."""
    if len(message) > _MAX_NAME or b"\0" in message:
        raise BadSyntax(f"at most {_MAX_NAME} octets without NUL", 0)
    try:
        return message.decode()
    except UnicodeDecodeError as error:
        raise BadSyntax("UTF-8", error.start) from error
