"""The parts of a message that we build, encoded so that any server carries them (RFC 2045)."""

import re
import secrets
from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from postroad.formats.compose.fields import with_parameters

_LINE_END = re.compile(r"\r\n?|\n")
_LONG_LINE = re.compile(rb"[^\r\n]{999}")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n|\x00")
_BASE64_LINE = 76
# How many octets are turned into base64 at once: a whole number of lines.
_BASE64_STEP = 57 * 4096


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part without parts: its fields, each with its CRLF, and its encoded octets."""

    fields: bytes
    chunks: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Multipart:
    """A part of parts (RFC 2046 section 5.1)."""

    subtype: str
    parts: Sequence["Leaf | Multipart"]
    parameters: tuple[tuple[str, str], ...] = ()


Part = Leaf | Multipart


def text_part(text: str, subtype: str) -> Leaf:
    """A text in UTF-8, with CRLF as its line ends."""
    normal = _LINE_END.sub("\r\n", text)
    if normal and not normal.endswith("\r\n"):
        normal += "\r\n"
    octets = normal.encode("utf-8")
    encoding, body = _encode_text(octets)
    field = with_parameters("Content-Type", f"text/{subtype}", [("charset", "utf-8")])
    return Leaf(field + _encoding_field(encoding), [body])


def octets_part(content_type: bytes, fields: bytes, octets: bytes) -> Leaf:
    """Octets as base64; `content_type` and `fields` are whole fields."""
    return Leaf(content_type + _encoding_field("base64") + fields, list(base64_lines(octets)))


def message_part(content_type: bytes, fields: bytes, octets: bytes) -> Leaf | None:
    """A message within the message, which must not be encoded (RFC 2046 section 5.2.1).

    None if only an encoding could carry it.
    """
    if not octets.isascii() or _LONG_LINE.search(octets) or _BARE.search(octets):
        return None
    return Leaf(content_type + _encoding_field("7bit") + fields, [octets])


def base64_lines(octets: bytes) -> Iterator[bytes]:
    """Base64 in lines of 76 characters, each with its CRLF."""
    for start in range(0, len(octets), _BASE64_STEP):
        encoded = b64encode(octets[start : start + _BASE64_STEP])
        step = _BASE64_LINE
        lines = [encoded[at : at + step] for at in range(0, len(encoded), step)]
        yield b"\r\n".join(lines) + b"\r\n"


def quoted_printable(octets: bytes) -> bytes:
    """Octets whose line ends are CRLF, as quoted-printable (RFC 2045 section 6.7)."""
    if not octets:
        return b""
    # b2a_qp writes soft line breaks as the first line end it sees, so there must be one.
    if octets.endswith(b"\r\n"):
        return b2a_qp(octets, istext=True)
    return b2a_qp(octets + b"\r\n", istext=True)[:-2]


def encode(part: Part) -> tuple[bytes, list[bytes]]:
    """The part's own fields, and its body in chunks."""
    if isinstance(part, Leaf):
        return part.fields, list(part.chunks)
    # "=_" can stand neither in base64 nor in quoted-printable (RFC 2045 section 6.7).
    boundary = f"=_{secrets.token_hex(16)}"
    parameters = [("boundary", boundary), *part.parameters]
    field = with_parameters("Content-Type", f"multipart/{part.subtype}", parameters)
    delimiter = f"--{boundary}".encode("ascii")
    chunks: list[bytes] = []
    for child in part.parts:
        fields, body = encode(child)
        chunks.append(delimiter + b"\r\n" + fields + b"\r\n")
        chunks += body
        chunks.append(b"\r\n")
    chunks.append(delimiter + b"--\r\n")
    return field, chunks


def _encode_text(octets: bytes) -> tuple[str, bytes]:
    if octets.isascii() and not _LONG_LINE.search(octets) and b"\x00" not in octets:
        return "7bit", octets
    encoded = quoted_printable(octets)
    if len(encoded) <= len(octets) * 7 // 5:
        return "quoted-printable", encoded
    return "base64", b"".join(base64_lines(octets))


def _encoding_field(encoding: str) -> bytes:
    return f"Content-Transfer-Encoding: {encoding}\r\n".encode("ascii")
