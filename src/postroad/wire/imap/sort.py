"""SORT and THREAD as the client writes them, and their answers (RFC 5256, RFC 5267, RFC 5957)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.responses import hits
from postroad.wire.imap.search import NO_OPTIONS, Search, charset, program, return_options

_MAX_CRITERIA = 20


class SortKey(Enum):
    """What messages are sorted by (RFC 5256 section 3, RFC 5957 section 4)."""

    ARRIVAL = b"ARRIVAL"
    CC = b"CC"
    DATE = b"DATE"
    DISPLAYFROM = b"DISPLAYFROM"
    DISPLAYTO = b"DISPLAYTO"
    FROM = b"FROM"
    RELEVANCY = b"RELEVANCY"  # RFC 6203 section 6
    SIZE = b"SIZE"
    SUBJECT = b"SUBJECT"
    TO = b"TO"


class Algorithm(Enum):
    """How messages are threaded (RFC 5256 section 3; REFS: draft-ietf-morg-inthread)."""

    ORDEREDSUBJECT = b"ORDEREDSUBJECT"
    REFERENCES = b"REFERENCES"
    REFS = b"REFS"


@dataclass(frozen=True, slots=True)
class Criterion:
    key: SortKey
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    criteria: tuple[Criterion, ...]
    search: Search


@dataclass(frozen=True, slots=True)
class Thread:
    algorithm: Algorithm
    search: Search


def parse_sort(cursor: Cursor) -> Sort:
    """Raises `BadCharset` too. The charset is not optional here, as it is in SEARCH."""
    cursor.sp()
    options = return_options(cursor)
    criteria = cursor.parenthesized(lambda: _criterion(cursor), limit=_MAX_CRITERIA)
    cursor.sp()
    charset(cursor)
    cursor.sp()
    return Sort(tuple(criteria), program(cursor, options))


def parse_thread(cursor: Cursor) -> Thread:
    """Raises `BadCharset` too."""
    cursor.sp()
    try:
        algorithm = Algorithm(cursor.word())
    except ValueError:
        raise cursor.wrong("a known threading algorithm") from None
    cursor.sp()
    charset(cursor)
    cursor.sp()
    return Thread(algorithm, program(cursor, NO_OPTIONS))


def _criterion(cursor: Cursor) -> Criterion:
    reverse = cursor.take(b"REVERSE ")
    try:
        return Criterion(SortKey(cursor.word()), reverse)
    except ValueError:
        raise cursor.wrong("a known sort criterion") from None


@dataclass(frozen=True, slots=True)
class Sorted:
    """SORT (RFC 5256 section 4); the highest mod-sequence if MODSEQ was asked for."""

    numbers: Sequence[int]
    mod_seq: int | None = None

    def encode(self) -> bytes:
        return b"* SORT" + hits(self.numbers, self.mod_seq)


@dataclass(frozen=True, slots=True)
class Threads:
    """THREAD (RFC 5256 section 4), its lists encoded already."""

    lists: bytes

    def encode(self) -> bytes:
        return b"* THREAD %b\r\n" % self.lists if self.lists else b"* THREAD\r\n"
