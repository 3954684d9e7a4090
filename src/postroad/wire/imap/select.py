"""SELECT and EXAMINE as the client writes them (RFC 9051 section 6.3.2, RFC 7162)."""

from dataclasses import dataclass

from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.sequence import SequenceSet


@dataclass(frozen=True, slots=True)
class QResync:
    """What the client still knows of the mailbox (RFC 7162 section 3.2.5).

    `match` pairs sequence numbers with the UIDs they had, both ascending.
    """

    uid_validity: int
    mod_seq: int
    known_uids: SequenceSet | None = None
    match: tuple[SequenceSet, SequenceSet] | None = None


@dataclass(frozen=True, slots=True)
class Select:
    mailbox: str
    condstore: bool = False
    qresync: QResync | None = None


def parse_select(cursor: Cursor) -> Select:
    cursor.sp()
    mailbox = cursor.mailbox()
    if cursor.at_end():
        return Select(mailbox)
    cursor.sp()
    params = dict(cursor.parenthesized(lambda: _parameter(cursor), limit=10))
    cursor.end()
    return Select(mailbox, b"CONDSTORE" in params, params.get(b"QRESYNC"))


def _parameter(cursor: Cursor) -> tuple[bytes, QResync | None]:
    match name := cursor.word():
        case b"CONDSTORE":
            return name, None
        case b"QRESYNC":
            cursor.sp()
            return name, _qresync(cursor)
        case _:
            raise cursor.wrong("a known select parameter")


def _qresync(cursor: Cursor) -> QResync:
    cursor.expect(b"(")
    uid_validity = cursor.nz_number()
    cursor.sp()
    mod_seq = cursor.mod_sequence_value()
    known_uids = match = None
    if cursor.take(b" ") and not cursor.sees(b"("):
        known_uids = cursor.uid_set()
        more = cursor.take(b" ")
    else:
        more = cursor.sees(b"(")
    if more:
        match = _match(cursor)
    cursor.expect(b")")
    return QResync(uid_validity, mod_seq, known_uids, match)


def _match(cursor: Cursor) -> tuple[SequenceSet, SequenceSet]:
    cursor.expect(b"(")
    numbers = cursor.uid_set()
    cursor.sp()
    uids = cursor.uid_set()
    cursor.expect(b")")
    return numbers, uids
