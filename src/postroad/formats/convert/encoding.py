"""Encode the body of a part for any server, in chunks (RFC 2045 section 6)."""

import re
from collections.abc import Iterable, Iterator

from postroad.formats.compose.parts import base64_lines, quoted_printable

_ASCII = bytes(range(128))
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_BASE64_GROUP = 57
_LONGEST_LINE = 64 * 1024


def base64_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Base64 in whole lines, wherever the chunks were cut."""
    held = b""
    for chunk in chunks:
        octets = held + chunk
        whole = len(octets) // _BASE64_GROUP * _BASE64_GROUP
        held = octets[whole:]
        yield from base64_lines(octets[:whole])
    yield from base64_lines(held)


def quoted_printable_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Quoted-printable of a text with CRLF line ends; holds a line of at most 64 KiB."""
    held = b""
    for chunk in chunks:
        octets = held + chunk
        whole = octets.rfind(b"\r\n") + 2
        if whole > 1:
            yield quoted_printable(octets[:whole])
            held = octets[whole:]
        elif len(octets) > _LONGEST_LINE and not octets.endswith(b"\r"):
            yield quoted_printable(octets) + b"=\r\n"
            held = b""
        else:
            held = octets
    yield quoted_printable(held)


def suits_quoted_printable(chunks: Iterable[bytes]) -> bool:
    """Whether it is a text with whole line ends, of which most is ASCII."""
    total = beyond_ascii = 0
    before = b""
    for chunk in chunks:
        octets = before + chunk
        before = b"\r" if octets.endswith(b"\r") else b""
        if _BARE.search(octets[: len(octets) - len(before)]):
            return False
        total += len(chunk)
        beyond_ascii += len(chunk.translate(None, _ASCII))
    return not before and beyond_ascii * 6 <= total
