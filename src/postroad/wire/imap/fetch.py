"""FETCH and UID FETCH as the client writes them (RFC 9051 section 6.4.5)."""

import re
from dataclasses import dataclass
from enum import Enum

from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.partial import PartialRange, partial_range
from postroad.wire.imap.sequence import SequenceSet

_MAX_ITEMS = 200
_MAX_FIELDS = 200
_MAX_PATH = 100
_ITEM = re.compile(rb"[A-Za-z0-9.\-]+")


class Item(Enum):
    """What can be fetched of a message besides its octets; the value is its name on the wire."""

    BODY = b"BODY"
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    EMAILID = b"EMAILID"  # RFC 8474 section 5.1
    ENVELOPE = b"ENVELOPE"
    FLAGS = b"FLAGS"
    INTERNALDATE = b"INTERNALDATE"
    MODSEQ = b"MODSEQ"  # RFC 7162 section 3.1.5
    PREVIEW = b"PREVIEW"  # RFC 8970
    RFC822_SIZE = b"RFC822.SIZE"
    SAVEDATE = b"SAVEDATE"  # RFC 8514 section 4.2
    THREADID = b"THREADID"  # RFC 8474 section 5.2
    UID = b"UID"
    X_GM_LABELS = b"X-GM-LABELS"
    X_GM_MSGID = b"X-GM-MSGID"
    X_GM_THRID = b"X-GM-THRID"


GMAIL_ITEMS = frozenset((Item.X_GM_LABELS, Item.X_GM_MSGID, Item.X_GM_THRID))


class What(Enum):
    """Which octets of a part ``section-spec`` names."""

    WHOLE = b""
    HEADER = b"HEADER"
    FIELDS = b"HEADER.FIELDS"
    FIELDS_NOT = b"HEADER.FIELDS.NOT"
    TEXT = b"TEXT"
    MIME = b"MIME"


class Form(Enum):
    """As stored, decoded (RFC 3516), or only how long it is when decoded."""

    BODY = b"BODY"
    BINARY = b"BINARY"
    BINARY_SIZE = b"BINARY.SIZE"


@dataclass(frozen=True, slots=True)
class Partial:
    """``<first.count>``: `count` octets from `first` on."""

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Section:
    """``BODY[...]``, ``BINARY[...]`` and the old RFC822 items, which mean sections.

    `label` is what the response calls it, without the origin octet, which follows it with
    `tells_origin`. Unless `peek`, fetching it sets \\Seen.
    """

    form: Form
    path: tuple[int, ...]
    what: What
    label: bytes
    fields: tuple[bytes, ...] = ()
    partial: Partial | None = None
    peek: bool = False
    tells_origin: bool = True


FetchAtt = Item | Section


@dataclass(frozen=True, slots=True)
class Fetch:
    """`changed_since` and `vanished` are modifiers of RFC 7162 sections 3.1.4.1 and 3.2.6.

    `partial` is the one of RFC 9394 section 3.3.
    """

    messages: SequenceSet
    items: tuple[FetchAtt, ...]
    changed_since: int | None = None
    vanished: bool = False
    partial: PartialRange | None = None


_FAST = (Item.FLAGS, Item.INTERNALDATE, Item.RFC822_SIZE)
_MACROS: dict[bytes, tuple[FetchAtt, ...]] = {
    b"ALL": (*_FAST, Item.ENVELOPE),
    b"FAST": _FAST,
    b"FULL": (*_FAST, Item.ENVELOPE, Item.BODY),
}
_OLD: dict[bytes, Section] = {
    b"RFC822": Section(Form.BODY, (), What.WHOLE, b"RFC822"),
    b"RFC822.HEADER": Section(Form.BODY, (), What.HEADER, b"RFC822.HEADER", peek=True),
    b"RFC822.TEXT": Section(Form.BODY, (), What.TEXT, b"RFC822.TEXT"),
    # Interop: Outlook, which reads messages by these of RFC 1730; answered without PEEK.
    b"RFC822.PEEK": Section(Form.BODY, (), What.WHOLE, b"RFC822", peek=True),
    b"RFC822.TEXT.PEEK": Section(Form.BODY, (), What.TEXT, b"RFC822.TEXT", peek=True),
}
_SECTIONS = {
    b"BODY": (Form.BODY, False),
    b"BODY.PEEK": (Form.BODY, True),
    b"BINARY": (Form.BINARY, False),
    b"BINARY.PEEK": (Form.BINARY, True),
    b"BINARY.SIZE": (Form.BINARY_SIZE, True),
}
_WHATS = {what.value: what for what in What if what is not What.WHOLE}


def parse_fetch(cursor: Cursor) -> Fetch:
    cursor.sp()
    messages = cursor.sequence_set()
    cursor.sp()
    items = _items(cursor)
    modifiers = _Modifiers()
    if not cursor.at_end():  # RFC 4466 section 2.4
        cursor.sp()
        cursor.parenthesized(lambda: modifiers.read(cursor), limit=10)
        modifiers.check(cursor)
    cursor.end()
    return Fetch(messages, items, modifiers.changed_since, modifiers.vanished, modifiers.partial)


def parse_section(cursor: Cursor) -> Section:
    """``[section]<partial>`` as after BODY.PEEK: what URLs and others name parts with."""
    return _section(cursor, Form.BODY, peek=True)


def parse_attributes(cursor: Cursor) -> tuple[FetchAtt, ...]:
    """``(fetch-att ...)`` of NOTIFY and of UPDATE (RFC 5465)."""
    items = _attributes(cursor)
    if not GMAIL_ITEMS.isdisjoint(items):
        raise cursor.wrong("fetch items without those of X-GM-EXT-1")
    return items


def _attributes(cursor: Cursor) -> tuple[FetchAtt, ...]:
    """Each once."""
    items = cursor.parenthesized(lambda: _att(cursor, _name(cursor)), limit=_MAX_ITEMS)
    return tuple(dict.fromkeys(items))


def _items(cursor: Cursor) -> tuple[FetchAtt, ...]:
    if cursor.sees(b"("):
        return _attributes(cursor)
    name = _name(cursor)
    return _MACROS.get(name) or (_att(cursor, name),)


def _name(cursor: Cursor) -> bytes:
    return cursor.match(_ITEM, "a fetch item")[0].upper()


def _att(cursor: Cursor, name: bytes) -> FetchAtt:
    if name in _SECTIONS and cursor.sees(b"["):
        form, peek = _SECTIONS[name]
        return _section(cursor, form, peek=peek)
    if (old := _OLD.get(name)) is not None:
        return old
    try:
        item = Item(name)
    except ValueError:
        raise cursor.wrong("a known fetch item") from None
    if item is Item.PREVIEW:
        # RFC 8970 section 4.1: previews are made at arrival, so none is ever late.
        cursor.take(b" (LAZY)")
    return item


def _section(cursor: Cursor, form: Form, *, peek: bool) -> Section:
    cursor.expect(b"[")
    path = _path(cursor)
    what = What.WHOLE
    fields: tuple[bytes, ...] = ()
    if form is Form.BODY and not cursor.sees(b"]"):
        what, fields = _text(cursor, path)
    cursor.expect(b"]")
    partial = None
    if form is not Form.BINARY_SIZE and cursor.take(b"<"):
        partial = Partial(cursor.number64(), _count(cursor))
    label = _label(form, path, what, fields)
    return Section(form, path, what, label, fields, partial, peek)


def _count(cursor: Cursor) -> int:
    cursor.expect(b".")
    count = cursor.number64()
    if not count:
        raise cursor.wrong("a count that is not zero")
    cursor.expect(b">")
    return count


def _path(cursor: Cursor) -> tuple[int, ...]:
    """Part numbers, up to the dot before a text such as MIME, which is consumed."""
    path: list[int] = []
    while cursor.sees_digit():
        path.append(cursor.nz_number())
        if len(path) > _MAX_PATH:
            raise cursor.wrong(f"at most {_MAX_PATH} part numbers")
        if not cursor.take(b"."):
            if not cursor.sees(b"]"):
                raise cursor.wrong("]")
            return tuple(path)
    if path and cursor.sees(b"]"):
        raise cursor.wrong("a part")
    return tuple(path)


def _text(cursor: Cursor, path: tuple[int, ...]) -> tuple[What, tuple[bytes, ...]]:
    what = _WHATS.get(_name(cursor))
    if what is None or (what is What.MIME and not path):
        raise cursor.wrong("a section")
    if what not in (What.FIELDS, What.FIELDS_NOT):
        return what, ()
    cursor.sp()
    return what, tuple(cursor.parenthesized(cursor.astring, limit=_MAX_FIELDS))


def _label(form: Form, path: tuple[int, ...], what: What, fields: tuple[bytes, ...]) -> bytes:
    words = [b"%d" % number for number in path]
    if what is not What.WHOLE:
        words.append(what.value)
    names = b" (%b)" % b" ".join(map(_field_name, fields)) if fields else b""
    return b"%b[%b%b]" % (form.value, b".".join(words), names)


def _field_name(name: bytes) -> bytes:
    if re.fullmatch(rb"[!#$&'+\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~,]+", name):
        return name
    if re.search(rb"[\x00\r\n\x80-\xff]", name):
        return b"{%d}\r\n%b" % (len(name), name)
    return b'"%b"' % re.sub(rb'(["\\])', rb"\\\1", name)


class _Modifiers:
    """What the modifiers of one command say."""

    def __init__(self) -> None:
        self.changed_since: int | None = None
        self.vanished = False
        self.partial: PartialRange | None = None

    def read(self, cursor: Cursor) -> None:
        match cursor.word():
            case b"CHANGEDSINCE":
                cursor.sp()
                self.changed_since = cursor.number64()
            case b"VANISHED":
                self.vanished = True
            case b"PARTIAL":
                cursor.sp()
                self.partial = partial_range(cursor)
            case _:
                raise cursor.wrong("a known fetch modifier")

    def check(self, cursor: Cursor) -> None:
        if self.vanished and self.changed_since is None:
            raise cursor.wrong("CHANGEDSINCE beside VANISHED")  # RFC 7162 section 3.2.6
