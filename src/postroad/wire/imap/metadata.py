"""Annotations, as commands ask for them and responses tell them (RFC 5464 section 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.mailbox_responses import mailbox_name
from postroad.wire.imap.responses import astring, string

_MAX_ENTRIES = 1000  # of one command
_MAX_ENTRY_OCTETS = 255
_MAX_OPTIONS = 10
_VENDOR_LEVELS = 4  # RFC 5464 section 3.2
_DEPTHS: dict[bytes, int | None] = {b"0": 0, b"1": 1, b"INFINITY": None}


@dataclass(frozen=True, slots=True)
class GetMetadata:
    mailbox: str  # empty: the server
    entries: tuple[str, ...]
    max_size: int | None = None
    depth: int | None = 0  # levels below the entries; None: all

    def wants(self, name: str) -> bool:
        """Whether an annotation of this name is asked for."""
        return any(name == entry or self._is_below(name, entry) for entry in self.entries)

    def _is_below(self, name: str, entry: str) -> bool:
        if self.depth == 0 or not name.startswith(f"{entry}/"):
            return False
        return self.depth is None or "/" not in name[len(entry) + 1 :]


@dataclass(frozen=True, slots=True)
class SetMetadata:
    mailbox: str  # empty: the server
    values: Mapping[str, bytes | None]  # None: to be removed


def parse_get_metadata(cursor: Cursor) -> GetMetadata:
    """RFC 5464 section 4.2; options stand before the mailbox, or as in its examples behind it."""
    cursor.sp()
    size: int | None = None
    depth: int | None = 0
    if before := cursor.sees(b"("):
        size, depth = _options(cursor)
        cursor.sp()
    mailbox = cursor.mailbox()
    cursor.sp()
    if not before and any(cursor.sees_word(word) for word in (b"(MAXSIZE", b"(DEPTH")):
        size, depth = _options(cursor)
        cursor.sp()
    entries = _entries(cursor)
    cursor.end()
    return GetMetadata(mailbox, entries, size, depth)


def parse_set_metadata(cursor: Cursor) -> SetMetadata:
    """RFC 5464 section 4.3. The last value of an entry that is named twice counts."""
    values: dict[str, bytes | None] = {}

    def pair() -> None:
        entry = parse_entry(cursor, whole=True)
        cursor.sp()
        values[entry] = cursor.nstring8()

    cursor.sp()
    mailbox = cursor.mailbox()
    cursor.sp()
    cursor.parenthesized(pair, limit=_MAX_ENTRIES)
    cursor.end()
    return SetMetadata(mailbox, values)


def parse_entry(cursor: Cursor, *, whole: bool = False) -> str:
    """The name of an annotation in lower case; unless `whole`, also what only has some below."""
    octets = cursor.astring().lower()
    if len(octets) > _MAX_ENTRY_OCTETS:
        raise cursor.wrong(f"an entry name of at most {_MAX_ENTRY_OCTETS} octets")
    if not octets.isascii() or any(octet < 0x20 or octet in b"*%\x7f" for octet in octets):
        raise cursor.wrong("an entry name in ASCII without * and %")
    empty, *levels = octets.decode().split("/")
    if empty or not all(levels) or levels[:1] not in (["private"], ["shared"]):
        raise cursor.wrong("an entry name below /private or /shared")
    if whole and len(levels) < (_VENDOR_LEVELS if levels[1:2] == ["vendor"] else 2):
        raise cursor.wrong("a whole entry name")
    return octets.decode()


def parse_entry_list(cursor: Cursor) -> tuple[str, ...]:
    """The argument of LIST's METADATA (RFC 9590 section 5)."""
    return tuple(cursor.parenthesized(lambda: parse_entry(cursor), limit=_MAX_ENTRIES))


def _entries(cursor: Cursor) -> tuple[str, ...]:
    if cursor.sees(b"("):
        return parse_entry_list(cursor)
    entries = [parse_entry(cursor)]
    while not cursor.at_end() and len(entries) < _MAX_ENTRIES:  # as in the examples of 4.4.1
        cursor.sp()
        entries.append(parse_entry(cursor))
    return tuple(entries)


def _options(cursor: Cursor) -> tuple[int | None, int | None]:
    size: list[int] = []
    depth: list[int | None] = [0]

    def option() -> None:
        word = cursor.word()
        cursor.sp()
        if word == b"MAXSIZE":
            size.append(cursor.number())
        elif word == b"DEPTH":
            value = cursor.atom().upper()
            if value not in _DEPTHS:
                raise cursor.wrong("0, 1 or infinity")
            depth.append(_DEPTHS[value])
        else:
            raise cursor.wrong("MAXSIZE or DEPTH")

    cursor.parenthesized(option, limit=_MAX_OPTIONS)
    return size[-1] if size else None, depth[-1]


@dataclass(frozen=True, slots=True)
class Metadata:
    """METADATA with values (RFC 5464 section 4.4.1)."""

    mailbox: str
    values: Mapping[str, bytes | None]
    utf8: bool

    def encode(self) -> bytes:
        pairs = [b"%b %b" % (astring(n.encode()), _value(v)) for n, v in self.values.items()]
        return b"* METADATA %b (%b)\r\n" % (_name(self.mailbox, utf8=self.utf8), b" ".join(pairs))


@dataclass(frozen=True, slots=True)
class MetadataChanged:
    """METADATA that names what changed (RFC 5464 section 4.4.2)."""

    mailbox: str
    entries: Sequence[str]
    utf8: bool

    def encode(self) -> bytes:
        names = b" ".join(astring(name.encode()) for name in self.entries)
        return b"* METADATA %b %b\r\n" % (_name(self.mailbox, utf8=self.utf8), names)


def _name(mailbox: str, *, utf8: bool) -> bytes:
    return mailbox_name(mailbox, utf8=utf8) if mailbox else b'""'


def _value(value: bytes | None) -> bytes:
    if value is None:
        return b"NIL"
    if b"\0" in value:
        return b"~{%d}\r\n%b" % (len(value), value)
    return string(value)
