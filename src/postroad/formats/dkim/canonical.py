"""The two canonicalisations of header fields and of the body (RFC 6376 section 3.4)."""

import hashlib
import re
from collections.abc import Iterator
from enum import Enum

# Anchored at the start of a line, so that a long line without a colon is looked at once.
_FIELD = re.compile(rb"(?m)^[^\r\n: \t][^\n:]*:[^\n]*(?:\n(?=[ \t])[^\n]*)*(?:\n|\Z)")
_WSP_RUN = re.compile(rb"[ \t]+")
_SPACES = re.compile(rb"  +")
_WINDOW = 1 << 18


class Canonicalisation(Enum):
    """RFC 6376 section 3.4; the value is its name in the c= tag."""

    SIMPLE = "simple"
    RELAXED = "relaxed"


def split_fields(header: bytes) -> list[tuple[bytes, bytes]]:
    """Each field of a header block as (name in lower case, whole field with its line end).

    Lines that are no field are left out; a bare LF ends a line, and stays what it is.
    """
    return [(name_of(field), field) for field in _FIELD.findall(header)]


def name_of(field: bytes) -> bytes:
    """The name of a field, in lower case."""
    return field.partition(b":")[0].strip(b" \t").lower()


def header_field(field: bytes, how: Canonicalisation) -> bytes:
    """The canonical form of one field, with its CRLF (RFC 6376 section 3.4.1, section 3.4.2)."""
    if how is Canonicalisation.SIMPLE:
        return field if field.endswith(b"\r\n") else field.rstrip(b"\r\n") + b"\r\n"
    name, _, value = field.partition(b":")
    unfolded = value.replace(b"\r\n", b"").replace(b"\n", b"")
    reduced = _WSP_RUN.sub(b" ", unfolded).strip(b" ")
    return name.strip(b" \t").lower() + b":" + reduced + b"\r\n"


class BodyHasher:
    """The bh= value of a body that comes in pieces, whatever their sizes.

    Linear in the body; what is kept between two pieces is at most two octets and the number of
    empty lines that may turn out to be the last ones. Only CRLF ends a line.
    `limit` is the l= tag: octets of the canonical body that count; None takes all.
    """

    def __init__(self, how: Canonicalisation, limit: int | None = None) -> None:
        self._relaxed = how is Canonicalisation.RELAXED
        self._limit = limit
        self._hash = hashlib.sha256()
        self._held = b""
        self._empty_lines = 0
        self.octets = 0
        """Length of the canonical body so far; complete after `finish`."""

    def update(self, chunk: bytes) -> None:
        """Take the next octets of the body."""
        for start in range(0, len(chunk), _WINDOW):
            self._take(chunk[start : start + _WINDOW])

    def finish(self) -> bytes:
        """The SHA-256 of the whole body; to be called once."""
        if self._held.endswith(b"\r"):
            self._emit_with_lines(self._held)
        if self.octets or not self._relaxed:
            self._emit(b"\r\n")
        return self._hash.digest()

    def _take(self, chunk: bytes) -> None:
        octets = self._held + chunk
        end = len(octets) - octets.endswith(b"\r")
        self._held = octets[end:]
        octets = octets[:end]
        if self._relaxed:
            kept = octets.rstrip(b" \t")
            if len(kept) < len(octets):
                self._held = b" " + self._held
            octets = _reduced(kept).replace(b" \r\n", b"\r\n")
        text = octets[: _end_of_text(octets)]
        empty_lines = (len(octets) - len(text)) // 2
        if text:
            self._emit_with_lines(text)
        self._empty_lines += empty_lines

    def _emit_with_lines(self, text: bytes) -> None:
        for lines in _crlfs(self._empty_lines):
            self._emit(lines)
        self._empty_lines = 0
        self._emit(text)

    def _emit(self, octets: bytes) -> None:
        room = len(octets) if self._limit is None else max(0, self._limit - self.octets)
        self._hash.update(octets[:room])
        self.octets += len(octets)


def _reduced(octets: bytes) -> bytes:
    """Each run of white space as one space; a text that has none costs two searches."""
    if b"\t" in octets:
        octets = octets.replace(b"\t", b" ")
    return _SPACES.sub(b" ", octets) if b"  " in octets else octets


def _end_of_text(octets: bytes) -> int:
    """Where the CRLFs at the very end begin."""
    end = len(octets.rstrip(b"\r\n"))
    tail = octets[end:]
    if tail == b"\r\n" * (len(tail) // 2):
        return end
    end = len(octets)
    while octets.endswith(b"\r\n", 0, end):
        end -= 2
    return end


def _crlfs(count: int) -> Iterator[bytes]:
    block = 4096
    for _ in range(count // block):
        yield b"\r\n" * block
    yield b"\r\n" * (count % block)
