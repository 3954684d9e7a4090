"""Header blocks: fields, their places, and their text (RFC 5322 section 2.2, RFC 6532)."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from postroad.formats.mime import encodedwords
from postroad.formats.mime.octets import Octets
from postroad.formats.text import charset

HEADER_LIMIT = 1024 * 1024
"""Octets of one header block that are read; what follows belongs to it, but is not looked at."""

FIELDS_LIMIT = 10_000
"""Fields of one header block that are read."""

# A name, a colon, and a value with its continuation lines. Lines that are no field are skipped.
_FIELD = re.compile(rb"^([!-9;-~]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.MULTILINE)
_WHOLE_FIELD = re.compile(rb"^([!-9;-~]++)[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+\n?", re.MULTILINE)
_BLANK = re.compile(rb"\n\r?\n")

_CONTENT_NAMES = frozenset(
    b"content-" + name
    for name in (b"type", b"transfer-encoding", b"id", b"description", b"disposition", b"md5")
) | {b"content-language", b"content-location"}

_EAGER_OCTETS = 64 * 1024
_NOT_IN_TEXT = {0: None, 10: None, 13: None}


@dataclass(frozen=True, slots=True)
class HeaderField:
    """A field and where it stands: `octets[start:end]` is all of it, with its last line end."""

    name: str
    start: int
    value_start: int
    end: int

    def raw(self, octets: Octets) -> bytes:
        """The value as it stands, folded, without the last line end."""
        return octets[self.value_start : self.end].rstrip(b"\r\n")


class Header:
    """The fields of one header block by name, as octets; decoded when they are asked for."""

    __slots__ = ("_by_name", "has_content", "is_ascii")

    def __init__(self, block: bytes) -> None:
        """Read at most `FIELDS_LIMIT` fields of the block; linear, never raises."""
        by_name: dict[bytes, list[bytes]] = {}
        fields: Collection[tuple[bytes, bytes]]
        if len(block) <= _EAGER_OCTETS:
            fields = _FIELD.findall(block)[:FIELDS_LIMIT]
        else:
            found = islice(_FIELD.finditer(block), FIELDS_LIMIT)
            fields = [(match[1], match[2]) for match in found]
        for name, value in fields:
            key = name.lower()
            if key in by_name:
                by_name[key].append(value)
            else:
                by_name[key] = [value]
        self._by_name = by_name
        self.has_content = not _CONTENT_NAMES.isdisjoint(by_name)
        self.is_ascii = block.isascii()

    def __contains__(self, name: str) -> bool:
        return name.lower().encode("ascii", "replace") in self._by_name

    def find(self, name: str) -> bytes | None:
        """The first field of that lower-case name, unfolded, without white space around it."""
        values = self._by_name.get(name.encode("ascii"))
        return None if values is None else unfold(values[0])

    def find_all(self, name: str) -> list[bytes]:
        """As `find`, all fields of that name, in order."""
        return [unfold(value) for value in self._by_name.get(name.encode("ascii"), ())]

    def text(self, name: str) -> str | None:
        """The first field of that name as text, encoded words as they stand."""
        values = self._by_name.get(name.encode("ascii"))
        return None if values is None else to_text(unfold(values[0]))

    def decoded(self, name: str) -> str | None:
        """The first field of that name as text for people: encoded words decoded."""
        text = self.text(name)
        return None if text is None else encodedwords.decode(text)

    def names(self) -> list[str]:
        """The names of the fields, in lower case, once each, in the order of their first field."""
        return [name.decode("ascii") for name in self._by_name]


def unfold(raw: bytes) -> bytes:
    """The value without line ends (RFC 5322 section 2.2.3) and without white space around it."""
    if b"\n" in raw:
        raw = raw.replace(b"\r\n", b"").replace(b"\n", b"")
    return raw.strip()


def to_text(value: bytes) -> str:
    """The text of an unfolded value: UTF-8 (RFC 6532), else a guess; without NUL, CR and LF."""
    text = value.decode("ascii") if value.isascii() else charset.guess(value)
    if b"\0" in value or b"\r" in value:
        text = text.translate(_NOT_IN_TEXT)
    return text


def decode(value: bytes) -> str:
    """The text of a value, folded or not, with its encoded words decoded."""
    return encodedwords.decode(to_text(unfold(value)))


def find_body(octets: Octets, start: int = 0) -> int:
    """Where the body of the message at `start` begins: behind the first empty line."""
    first = octets[start : start + 2]
    if first[:1] == b"\n":
        return start + 1
    if first == b"\r\n":
        return start + 2
    found = _BLANK.search(octets, start)
    return len(octets) if found is None else found.end()


def fields(octets: Octets, start: int = 0, end: int | None = None) -> Iterator[HeaderField]:
    """The fields of the header block `octets[start:end]` in order, with their places.

    Without `end`, the block ends where the body begins. At most `HEADER_LIMIT` octets and
    `FIELDS_LIMIT` fields are looked at.
    """
    if end is None:
        end = find_body(octets, start)
    block = octets[start : min(end, start + HEADER_LIMIT)]
    for found in islice(_WHOLE_FIELD.finditer(block), FIELDS_LIMIT):
        name = found[1].decode("ascii")
        value_start = block.index(b":", found.end(1)) + 1
        yield HeaderField(name, start + found.start(), start + value_start, start + found.end())


@lru_cache(256)
def _selector(names: frozenset[str]) -> re.Pattern[bytes]:
    """Finds the fields of these names behind a line end, which the search leaps to in C."""
    either = b"|".join(re.escape(name.encode("utf-8", "replace")) for name in sorted(names))
    pattern = rb"\n((?:%b)[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+)" % either
    return re.compile(pattern, re.IGNORECASE)


def _selected(block: bytes, names: frozenset[str]) -> bytes:
    kept = _selector(names).findall(b"\n" + block)
    if not kept:
        return b"\r\n"
    if not block.endswith(b"\n") and block.endswith(kept[-1]):
        kept[-1] = kept[-1].rstrip(b"\r") + b"\r"
    return b"\n".join(kept) + b"\n\r\n"


def select_fields(block: bytes, names: Collection[str], *, negate: bool = False) -> bytes:
    """The fields with these names, or all others, as they stand, and the empty line.

    HEADER.FIELDS and HEADER.FIELDS.NOT of RFC 9051 section 6.4.5.1: names match without regard to
    the case of ASCII letters. Lines that are no field are in neither.
    """
    if not negate:
        return _selected(block, frozenset(names)) if names else b"\r\n"
    wanted = {name.lower().encode("utf-8", "replace") for name in names}
    kept = []
    for found in _WHOLE_FIELD.finditer(block):
        if found[1].lower() not in wanted:
            field = found[0]
            kept.append(field if field.endswith(b"\n") else field.rstrip(b"\r") + b"\r\n")
    kept.append(b"\r\n")
    return b"".join(kept)
