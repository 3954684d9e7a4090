"""APPEND as the client writes it (RFC 9051 section 6.3.12, RFC 3502, RFC 6855 section 4).

And REPLACE (RFC 8508), whose message is written in the same ways.
"""

from dataclasses import dataclass

from postroad.wire.imap.cursor import Cursor, Place
from postroad.wire.imap.framing import Literal
from postroad.wire.imap.sequence import STAR, SequenceSet

# Limit: pieces of one message in CATENATE.
_MAX_PARTS = 500


@dataclass(frozen=True, slots=True)
class Url:
    """A piece of a message that lies here already (RFC 4469 section 3); it is not read yet."""

    octets: bytes


Part = Literal | Url


@dataclass(frozen=True, slots=True)
class AppendMessage:
    """One message, whose literals are streamed; there are several parts with CATENATE.

    `internal_date` is in microseconds UTC, None when the client leaves it to us. `utf8` says
    that the message was given as ``UTF8 (~{n}``.
    """

    flags: tuple[str, ...]
    internal_date: int | None
    parts: tuple[Part, ...]
    utf8: bool = False

    @property
    def octets(self) -> int:
        """What its literals announce together."""
        return sum(part.size for part in self.parts if isinstance(part, Literal))


@dataclass(frozen=True, slots=True)
class Append:
    """One message, or several that are appended together or not at all (RFC 3502)."""

    mailbox: str
    messages: tuple[AppendMessage, ...]


@dataclass(frozen=True, slots=True)
class Replace:
    """`message` names one message, by number or UID; another is put into a mailbox instead."""

    message: SequenceSet
    append: Append


class AppendReader:
    """Reads one command again each time more of it is there, but only what is new.

    The last message it has seen may go on, so that one is read anew; all before are settled.
    """

    def __init__(self) -> None:
        self._mailbox = ""
        self._settled: list[AppendMessage] = []
        self._place: Place | None = None  # behind what is settled

    def read(self, cursor: Cursor, *, whole: bool) -> Append:
        """Without `whole`, the command ends with the announcement of a literal."""
        if self._place is None:
            cursor.sp()
            self._mailbox = cursor.mailbox()
            self._place = cursor.place()
        cursor.go_to(self._place)
        message: AppendMessage | None = None
        while message is None or not cursor.at_end():
            if message is not None:
                self._settled.append(message)
                self._place = cursor.place()
            cursor.sp()
            message = _message(cursor, whole=whole)
        return Append(self._mailbox, (*self._settled, message))


def parse_append(cursor: Cursor, *, whole: bool = True) -> Append:
    """Read a command; without `whole`, one that ends with the announcement of a literal."""
    return AppendReader().read(cursor, whole=whole)


def parse_replace(cursor: Cursor, *, uid: bool, whole: bool = True) -> Replace:
    """As `parse_append`, with one message only (RFC 8508 section 6)."""
    cursor.sp()
    number = STAR if not uid and cursor.take(b"*") else cursor.nz_number()
    append = parse_append(cursor, whole=whole)
    if len(append.messages) > 1:
        raise cursor.wrong("one message only")
    return Replace(SequenceSet(((number, number),)), append)


def _message(cursor: Cursor, *, whole: bool) -> AppendMessage:
    flags: tuple[str, ...] = ()
    if cursor.sees(b"("):
        flags = tuple(dict.fromkeys(cursor.flag_list()))
        cursor.sp()
    internal_date = None
    if cursor.sees(b'"'):
        internal_date = cursor.date_time()
        cursor.sp()
    if cursor.take(b"CATENATE ("):
        return AppendMessage(flags, internal_date, _parts(cursor, whole=whole))
    utf8 = cursor.take(b"UTF8 (")
    literal = cursor.streamed_literal()
    if utf8 and not literal.binary:
        raise cursor.wrong("a literal8 in UTF8")
    if utf8 and (whole or not cursor.at_end()):
        cursor.expect(b")")
    return AppendMessage(flags, internal_date, (literal,), utf8)


def _parts(cursor: Cursor, *, whole: bool) -> tuple[Part, ...]:
    parts = [_part(cursor)]
    while not (cursor.at_end() and not whole) and not cursor.take(b")"):
        cursor.sp()
        parts.append(_part(cursor))
        if len(parts) > _MAX_PARTS:
            raise cursor.wrong(f"at most {_MAX_PARTS} parts")
    return tuple(parts)


def _part(cursor: Cursor) -> Part:
    if cursor.take(b"TEXT "):
        return cursor.streamed_literal()
    if cursor.take(b"URL "):
        return Url(cursor.astring())
    raise cursor.wrong("TEXT or URL")
