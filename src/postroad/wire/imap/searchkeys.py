"""The keys of SEARCH, SORT and THREAD as the client writes them (RFC 9051 section 6.4.4)."""

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto

from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.sequence import SequenceSet

# An atom without a slash (RFC 5466 section 4).
_FILTER = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]/]+")
MAX_KEYS = 2000
MAX_DEPTH = 50


class Where(Enum):
    """Where a text is looked for."""

    BODY = auto()  # the body of the message, decoded
    TEXT = auto()  # header and body


class Side(Enum):
    """How a message's date or size lies to the one asked for."""

    BEFORE = auto()  # also: smaller
    ON = auto()
    SINCE = auto()  # for sizes: larger


@dataclass(frozen=True, slots=True)
class All:
    """Every message, or (`wanted` False) none."""

    wanted: bool = True


@dataclass(frozen=True, slots=True)
class HasFlag:
    flag: str
    wanted: bool


@dataclass(frozen=True, slots=True)
class HasHeader:
    """`field` in lower case; an empty `text` matches wherever the field is there."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class HasText:
    where: Where
    text: str


@dataclass(frozen=True, slots=True)
class Sized:
    side: Side
    octets: int


@dataclass(frozen=True, slots=True)
class Dated:
    """By the internal date, or (`sent`) by the Date field without its time and zone."""

    side: Side
    day: date
    sent: bool


@dataclass(frozen=True, slots=True)
class Saved:
    """By the day on which the message came into the mailbox (RFC 8514 section 4.3)."""

    side: Side
    day: date


@dataclass(frozen=True, slots=True)
class Within:
    """OLDER and (`younger`) YOUNGER: the internal date, in seconds before now (RFC 5032)."""

    seconds: int
    younger: bool


@dataclass(frozen=True, slots=True)
class IsRecent:
    """RECENT and OLD (RFC 3501 section 6.4.4)."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class InSet:
    """By UID, or by sequence number."""

    messages: SequenceSet
    uid: bool


@dataclass(frozen=True, slots=True)
class ModifiedSince:
    """MODSEQ (RFC 7162 section 3.1.5): at least this modification sequence."""

    mod_seq: int


@dataclass(frozen=True, slots=True)
class HasId:
    """EMAILID or (`thread`) THREADID (RFC 8474 section 5.3)."""

    object_id: str
    thread: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """FILTER (RFC 5466 section 3.1): a search that is kept on the server, in lower case."""

    name: str


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """RFC 6203 section 3: also what is nearly so."""

    key: "Key"


@dataclass(frozen=True, slots=True)
class HasNumber:
    """X-GM-MSGID and (`thread`) X-GM-THRID."""

    number: int
    thread: bool


@dataclass(frozen=True, slots=True)
class HasLabel:
    """X-GM-LABELS; with `is_loose` a hyphen stands for any sign, as in X-GM-RAW."""

    label: str
    is_loose: bool = False


@dataclass(frozen=True, slots=True)
class HasAttachment:
    """A file is attached, its name containing `filename`."""

    filename: str = ""


@dataclass(frozen=True, slots=True)
class GmailRaw:
    """X-GM-RAW, to be read by `gmailsearch`."""

    text: str


@dataclass(frozen=True, slots=True)
class HasEmail:
    """Among these emails of an account; stands for what only the mailboxes tell."""

    owner: int
    email_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Not:
    key: "Key"


@dataclass(frozen=True, slots=True)
class And:
    keys: "tuple[Key, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    keys: "tuple[Key, Key]"


Key = (
    All
    | HasFlag
    | IsRecent
    | HasHeader
    | HasText
    | Sized
    | Dated
    | Saved
    | Within
    | InSet
    | ModifiedSince
    | HasId
    | Filter
    | Fuzzy
    | HasNumber
    | HasLabel
    | HasAttachment
    | GmailRaw
    | HasEmail
    | Not
    | And
    | Or
)


_FLAGS = {
    b"ANSWERED": "\\Answered",
    b"DELETED": "\\Deleted",
    b"DRAFT": "\\Draft",
    b"FLAGGED": "\\Flagged",
    b"SEEN": "\\Seen",
}
_SIMPLE: dict[bytes, Key] = {
    b"ALL": All(),
    b"OLD": IsRecent(wanted=False),
    b"RECENT": IsRecent(wanted=True),
    b"NEW": And((IsRecent(wanted=True), HasFlag("\\Seen", wanted=False))),
    b"SAVEDATESUPPORTED": All(),  # RFC 8514 section 4.3
    **{name: HasFlag(flag, wanted=True) for name, flag in _FLAGS.items()},
    **{b"UN" + name: HasFlag(flag, wanted=False) for name, flag in _FLAGS.items()},
}
_ADDRESSES = frozenset((b"BCC", b"CC", b"FROM", b"SUBJECT", b"TO"))
_DATES = {
    b"BEFORE": (Side.BEFORE, False),
    b"ON": (Side.ON, False),
    b"SINCE": (Side.SINCE, False),
    b"SENTBEFORE": (Side.BEFORE, True),
    b"SENTON": (Side.ON, True),
    b"SENTSINCE": (Side.SINCE, True),
}
_SAVED = {b"SAVEDBEFORE": Side.BEFORE, b"SAVEDON": Side.ON, b"SAVEDSINCE": Side.SINCE}
_SIZES = {b"LARGER": Side.SINCE, b"SMALLER": Side.BEFORE}


class KeyParser:
    """Reads keys; counts them, so that a small command cannot ask for unbounded work."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._count = 0
        self.uses_mod_seq = False
        self.uses_filters = False
        self.uses_fuzzy = False
        self.uses_gmail = False
        self.uses_numbers = False  # message numbers, which `$` is not

    def key(self, depth: int) -> Key:
        cursor = self._cursor
        self._count += 1
        if self._count > MAX_KEYS or depth > MAX_DEPTH:
            raise cursor.wrong(f"at most {MAX_KEYS} keys, nested at most {MAX_DEPTH} deep")
        if cursor.sees(b"("):
            keys = cursor.parenthesized(lambda: self.key(depth + 1), limit=MAX_KEYS)
            return keys[0] if len(keys) == 1 else And(tuple(keys))
        if cursor.sees_digit() or cursor.sees(b"*") or cursor.sees(b"$"):
            messages = cursor.sequence_set()
            self.uses_numbers |= not messages.saved
            return InSet(messages, uid=False)
        name = cursor.word()
        if (simple := _SIMPLE.get(name)) is not None:
            return simple
        cursor.sp()
        return self._with_argument(name, depth)

    def _with_argument(self, name: bytes, depth: int) -> Key:
        cursor = self._cursor
        if name in _ADDRESSES:
            return HasHeader(name.decode().lower(), cursor.text())
        if name in _DATES:
            side, sent = _DATES[name]
            return Dated(side, cursor.date(), sent)
        if name in _SIZES:
            return Sized(_SIZES[name], cursor.number64())
        return self._special(name, depth)

    def _special(self, name: bytes, depth: int) -> Key:
        cursor = self._cursor
        match name:
            case b"FUZZY":
                self.uses_fuzzy = True
                return Fuzzy(self.key(depth + 1))
            case b"NOT":
                return Not(self.key(depth + 1))
            case b"OR":
                first = self.key(depth + 1)
                cursor.sp()
                return Or((first, self.key(depth + 1)))
            case b"UID":
                return InSet(cursor.sequence_set(), uid=True)
            case b"BODY" | b"TEXT":
                return HasText(Where[name.decode()], cursor.text())
            case b"HEADER":
                return self._header()
            case b"KEYWORD" | b"UNKEYWORD":
                return HasFlag(cursor.flag(), wanted=name == b"KEYWORD")
            case _:
                return self._extension(name)

    def _extension(self, name: bytes) -> Key:
        cursor = self._cursor
        match name:
            case b"MODSEQ":
                self.uses_mod_seq = True
                return self._mod_seq()
            case b"EMAILID" | b"THREADID":
                return HasId(cursor.text(), thread=name == b"THREADID")
            case b"OLDER" | b"YOUNGER":
                return Within(cursor.nz_number(), younger=name == b"YOUNGER")
            case b"FILTER":
                self.uses_filters = True
                return Filter(cursor.match(_FILTER, "the name of a filter")[0].decode().lower())
            case b"X-GM-RAW" | b"X-GM-LABELS" | b"X-GM-MSGID" | b"X-GM-THRID":
                self.uses_gmail = True
                return self._gmail(name)
            case b"SAVEDBEFORE" | b"SAVEDON" | b"SAVEDSINCE":
                return Saved(_SAVED[name], cursor.date())
            case _:
                raise cursor.wrong("a known search key")

    def _gmail(self, name: bytes) -> Key:
        cursor = self._cursor
        match name:
            case b"X-GM-RAW":
                return GmailRaw(cursor.text())
            case b"X-GM-LABELS":
                return HasLabel(cursor.label())
            case _:
                return HasNumber(cursor.number64(), thread=name == b"X-GM-THRID")

    def _header(self) -> Key:
        field = self._cursor.text().lower()
        self._cursor.sp()
        return HasHeader(field, self._cursor.text())

    def _mod_seq(self) -> Key:
        cursor = self._cursor
        if cursor.sees(b'"'):
            # Per-flag sequences are not kept, so the one of the message decides:
            # RFC 7162 section 3.1.5 allows it.
            cursor.quoted()
            cursor.sp()
            if cursor.word() not in (b"PRIV", b"SHARED", b"ALL"):
                raise cursor.wrong("priv, shared or all")
            cursor.sp()
        return ModifiedSince(cursor.number64())
