"""What an SMTP client writes: commands and message content (RFC 5321 sections 4.1 and 4.5.2)."""

from postroad.wire.errors import BadSyntax
from postroad.wire.smtp.commands import Parameter
from postroad.wire.smtp.lineends import LineEndMender
from postroad.wire.smtp.paths import parse_address

END_OF_DATA = b".\r\n"
DATA = b"DATA\r\n"
RSET = b"RSET\r\n"
QUIT = b"QUIT\r\n"
STARTTLS = b"STARTTLS\r\n"


def hello(verb: str, name: str) -> bytes:
    """EHLO, HELO or LHLO with our name. Raises `BadSyntax` for a name that is not one word."""
    if not name or not name.isascii() or not name.isprintable() or " " in name:
        raise BadSyntax("a host name", 0)
    return f"{verb} {name}\r\n".encode()


def mail(reverse_path: str, *parameters: Parameter, utf8: bool = False) -> bytes:
    """MAIL; the empty path is the null path.

    Security: the address is parsed again, so that nothing in it can become a second command.
    Raises `BadSyntax`.
    """
    address = parse_address(reverse_path, utf8=utf8).address if reverse_path else ""
    return f"MAIL FROM:<{address}>{_spell(parameters)}\r\n".encode()


def rcpt(forward_path: str, *parameters: Parameter, utf8: bool = False) -> bytes:
    """RCPT. Raises `BadSyntax` as `mail` does."""
    address = parse_address(forward_path, utf8=utf8).address
    return f"RCPT TO:<{address}>{_spell(parameters)}\r\n".encode()


def bdat(octets: int, *, is_last: bool) -> bytes:
    return b"BDAT %d LAST\r\n" % octets if is_last else b"BDAT %d\r\n" % octets


def auth(mechanism: str, initial_response: bytes | None = None) -> bytes:
    """AUTH; the response is already in base64."""
    if initial_response is None:
        return f"AUTH {mechanism}\r\n".encode()
    return b"AUTH %b %b\r\n" % (mechanism.encode(), initial_response or b"=")


def _spell(parameters: tuple[Parameter, ...]) -> str:
    return "".join(
        f" {parameter.keyword}" + ("" if parameter.value is None else f"={parameter.value}")
        for parameter in parameters
    )


class DotStuffer:
    """Makes DATA content out of a message that comes in pieces.

    Security: a bare CR or LF leaves as CRLF, so that no server can take one for the end of the
    message. The message is closed with CRLF where it lacks one.
    """

    __slots__ = ("_mender", "_tail")

    def __init__(self) -> None:
        self._mender = LineEndMender()
        self._tail = b"\r\n"  # the last octets that were written, two at most

    def update(self, piece: bytes) -> bytes:
        return self._stuff(self._mender.update(piece))

    def finish(self) -> bytes:
        rest = self._stuff(self._mender.finish())
        if self._tail == b"\r\n":
            return rest + END_OF_DATA
        return rest + b"\r\n" + END_OF_DATA

    def _stuff(self, piece: bytes) -> bytes:
        if not piece:
            return b""
        before = self._tail
        whole = before + piece
        self._tail = whole[-2:]
        return whole.replace(b"\r\n.", b"\r\n..")[len(before) :]
