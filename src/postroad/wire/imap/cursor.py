"""Read the pieces of an IMAP command. One method for one rule of RFC 9051 section 9."""

import datetime
import re
from calendar import timegm
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from postroad.wire.errors import BadSyntax
from postroad.wire.imap import utf7
from postroad.wire.imap.framing import Literal, RawCommand
from postroad.wire.imap.sequence import STAR, SequenceSet, Span

ItemT = TypeVar("ItemT")

_ATOM = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_TAG = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+]+")
_ASTRING = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\]+")
_LIST_CHARS = re.compile(rb"[^\x00-\x20\x7f-\xff(){\"\\]+")
_QUOTED = re.compile(rb'"((?:[^\x00\r\n"\\\x80-\xff]|\\["\\])*+)"')
_QUOTED_UTF8 = re.compile(rb'"((?:[^\x00\r\n"\\]|\\["\\])*+)"')
_ESCAPED = re.compile(rb"\\(.)")
_LITERAL = re.compile(rb"(~?)\{\d{1,20}\+?\}")
_NUMBER = re.compile(rb"\d{1,20}")
_RANGE = re.compile(rb"(\*|[1-9]\d{0,9})(?::(\*|[1-9]\d{0,9}))?")
_SYSTEM_LABEL = re.compile(rb"\\[A-Za-z]+")
_FLAG = re.compile(rb"\\?[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_DATE = re.compile(rb'("?)(\d{1,2})-([A-Za-z]{3})-(\d{4})\1')
_DATE_TIME = re.compile(
    rb'"([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"'
)
_MONTHS = {
    name: number
    for number, name in enumerate(
        b"JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), start=1
    )
}
_SYSTEM_FLAGS = {
    flag.lower(): flag.decode()
    for flag in (b"\\Answered", b"\\Flagged", b"\\Deleted", b"\\Seen", b"\\Draft")
}
_MAX_32 = 2**32 - 1
_MAX_63 = 2**63 - 1
_MAX_FLAGS = 200
_MAX_FLAG_OCTETS = 255


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cursor was; it stays true when more of the same command has come."""

    position: int
    next_literal: int


class Cursor:
    """A place in one command. Methods consume what they name, or raise `BadSyntax`.

    `utf8` says that the client enabled IMAP4rev2 or UTF8=ACCEPT: mailbox names and quoted
    strings are UTF-8 then, instead of modified UTF-7 and ASCII (RFC 6855 section 3).
    `cut_names` leaves out separators at the end of mailbox names.
    """

    def __init__(
        self, command: RawCommand, *, utf8: bool = False, cut_names: bool = False
    ) -> None:
        self._text = command.text
        self._literals = command.literals
        self._next_literal = 0
        self._utf8 = utf8
        self._cut_names = cut_names
        self.position = 0

    # Places

    def place(self) -> Place:
        return Place(self.position, self._next_literal)

    def go_to(self, place: Place) -> None:
        self.position, self._next_literal = place.position, place.next_literal

    # Marks and words

    def sp(self) -> None:
        self.expect(b" ")

    def take(self, octets: bytes) -> bool:
        """Consume `octets` if they stand here, whatever their case."""
        end = self.position + len(octets)
        if self._text[self.position : end].upper() != octets:
            return False
        self.position = end
        return True

    def expect(self, octets: bytes) -> None:
        if not self.take(octets):
            raise self.wrong(octets.decode() if octets != b" " else "a space")

    def sees(self, octets: bytes) -> bool:
        """Whether `octets` stand here; consumes nothing."""
        return self._text.startswith(octets, self.position)

    def sees_word(self, octets: bytes) -> bool:
        """As `sees`, whatever the case."""
        end = self.position + len(octets)
        return self._text[self.position : end].upper() == octets

    def sees_digit(self) -> bool:
        return self._text[self.position : self.position + 1].isdigit()

    def match(self, pattern: re.Pattern[bytes], expected: str) -> re.Match[bytes]:
        """Consume what `pattern` matches here."""
        if (match := pattern.match(self._text, self.position)) is None:
            raise self.wrong(expected)
        self.position = match.end()
        return match

    def rest(self) -> bytes:
        """Everything up to the end of the command, consumed unread."""
        start, self.position = self.position, len(self._text)
        return self._text[start:]

    def at_end(self) -> bool:
        return self.position == len(self._text)

    def end(self) -> None:
        if not self.at_end():
            raise self.wrong("the end of the command")

    def wrong(self, expected: str) -> BadSyntax:
        """The error to raise when what stands here is not `expected`."""
        return BadSyntax(expected, self.position)

    def tag(self) -> bytes:
        return self.match(_TAG, "a tag")[0]

    def atom(self) -> bytes:
        return self.match(_ATOM, "an atom")[0]

    def word(self) -> bytes:
        """An atom in upper case: the name of a command, an item or an option."""
        return self.atom().upper()

    def parenthesized(self, read: Callable[[], ItemT], *, limit: int) -> list[ItemT]:
        """``"(" item *(SP item) ")"``, at least one item and at most `limit`."""
        self.expect(b"(")
        items = [read()]
        while not self.take(b")"):
            self.sp()
            items.append(read())
            if len(items) > limit:
                raise self.wrong(f"at most {limit} items")
        return items

    def maybe_empty(self, read: Callable[[], ItemT], *, limit: int) -> list[ItemT]:
        """As `parenthesized`, but ``()`` is allowed."""
        if self.take(b"()"):
            return []
        return self.parenthesized(read, limit=limit)

    # Strings

    def astring(self) -> bytes:
        if self.sees(b'"') or self.sees(b"{"):
            return self.string()
        return self.match(_ASTRING, "a string")[0]

    def string(self) -> bytes:
        if self.sees(b"{"):
            return self._literal(binary=False)
        return self.quoted()

    def quoted(self) -> bytes:
        match = self.match(_QUOTED_UTF8 if self._utf8 else _QUOTED, "a string")
        octets = match[1]
        if self._utf8 and not octets.isascii():
            self._require_utf8(octets)
        return _ESCAPED.sub(rb"\1", octets) if b"\\" in octets else octets

    def nstring(self) -> bytes | None:
        if self.sees(b'"') or self.sees(b"{"):
            return self.string()
        if not self.take(b"NIL"):
            raise self.wrong("a string or NIL")
        return None

    def nstring8(self) -> bytes | None:
        """``nstring / literal8`` (RFC 5464 section 5)."""
        return self._literal(binary=True) if self.sees(b"~{") else self.nstring()

    def streamed_literal(self) -> Literal:
        """The announcement of a literal whose octets went elsewhere, literal8 included."""
        literal = self._pop_literal()
        if literal.octets is not None:
            raise self.wrong("a literal")
        return literal

    def text(self) -> str:
        """An astring that is text: UTF-8, without NUL."""
        octets = self.astring()
        self._require_utf8(octets)
        return octets.decode()

    # Mailboxes

    def mailbox(self) -> str:
        """A mailbox name as text; any spelling of INBOX comes back as ``INBOX``."""
        name = self._mailbox_text(self.astring())
        if self._cut_names:
            name = name.rstrip("/")
        return "INBOX" if name.upper() == "INBOX" else name

    def label(self) -> str:
        """A label of X-GM-LABELS: a name as of a mailbox, or a system label such as \\Inbox."""
        if self.sees(b"\\"):
            return self.match(_SYSTEM_LABEL, "a label")[0].decode()
        return self._mailbox_text(self.astring())

    def list_mailbox(self) -> str:
        """A mailbox name in which ``*`` and ``%`` are wildcards."""
        if self.sees(b'"') or self.sees(b"{"):
            octets = self.string()
        else:
            octets = self.match(_LIST_CHARS, "a mailbox pattern")[0]
        try:
            return self._mailbox_text(octets)
        except utf7.BadName:
            return octets.decode("latin-1")  # nothing is called so

    # Numbers

    def number(self) -> int:
        return self._integer(0, _MAX_32, "a number")

    def nz_number(self) -> int:
        return self._integer(1, _MAX_32, "a number that is not zero")

    def number64(self) -> int:
        return self._integer(0, _MAX_63, "a number")

    def mod_sequence_value(self) -> int:
        """RFC 7162 section 7; zero is never a modification sequence."""
        return self._integer(1, _MAX_63, "a modification sequence")

    def sequence_set(self) -> SequenceSet:
        if self.take(b"$"):
            return SequenceSet((), saved=True)
        ranges = [self._range()]
        while self.take(b","):
            ranges.append(self._range())
        return SequenceSet(tuple(ranges))

    def uid_set(self) -> SequenceSet:
        """``uid-set``: as a sequence set, without ``*`` and ``$`` (RFC 4315 section 4)."""
        numbers = self.sequence_set()
        if numbers.saved or numbers.has_star:
            raise self.wrong("UIDs without * and $")
        return numbers

    # Flags and dates

    def flag(self) -> str:
        """A flag that may be stored: a system flag in its own spelling, or a keyword."""
        octets = self.match(_FLAG, "a flag")[0]
        if len(octets) > _MAX_FLAG_OCTETS:
            raise self.wrong(f"a flag of at most {_MAX_FLAG_OCTETS} octets")
        if octets.startswith(b"\\"):
            if (flag := _SYSTEM_FLAGS.get(octets.lower())) is None:
                raise self.wrong("a flag that can be set")
            return flag
        return octets.decode("ascii")

    def flag_list(self) -> tuple[str, ...]:
        return tuple(self.maybe_empty(self.flag, limit=_MAX_FLAGS))

    def date(self) -> datetime.date:
        match = self.match(_DATE, "a date")
        return self._day(match[2], match[3], match[4])

    def date_time(self) -> int:
        """``date-time`` as microseconds since 1970 in UTC."""
        match = self.match(_DATE_TIME, "a date and time")
        day = self._day(match[1].strip(), match[2], match[3])
        hour, minute, second = int(match[4]), int(match[5]), int(match[6])
        zone = int(match[8]) * 60 + int(match[9])
        if hour > 23 or minute > 59 or second > 60 or int(match[9]) > 59:
            raise self.wrong("a date and time that exist")
        seconds = timegm((day.year, day.month, day.day, hour, minute, second))
        offset = zone * 60 if match[7] == b"+" else -zone * 60
        return (seconds - offset) * 1_000_000

    # Helpers

    def _integer(self, low: int, high: int, expected: str) -> int:
        start = self.position
        number = int(self.match(_NUMBER, expected)[0])
        if not low <= number <= high:
            raise BadSyntax(expected, start)
        return number

    def _range(self) -> Span:
        match = self.match(_RANGE, "a message number")
        first = STAR if match[1] == b"*" else int(match[1])
        last = first if match[2] is None else STAR if match[2] == b"*" else int(match[2])
        if first > _MAX_32 or last > _MAX_32:
            raise self.wrong("a message number below 2^32")
        return first, last

    def _day(self, day: bytes, month: bytes, year: bytes) -> datetime.date:
        try:
            return datetime.date(int(year), _MONTHS[month.upper()], int(day))
        except (ValueError, KeyError):
            raise self.wrong("a date that exists") from None

    def _mailbox_text(self, octets: bytes) -> str:
        if not self._utf8:
            return utf7.decode(octets)
        self._require_utf8(octets)
        return octets.decode()

    def _require_utf8(self, octets: bytes) -> None:
        try:
            octets.decode()
        except UnicodeDecodeError:
            raise self.wrong("text in UTF-8") from None
        if b"\x00" in octets:
            raise self.wrong("text without NUL")

    def _literal(self, *, binary: bool) -> bytes:
        literal = self._pop_literal()
        if literal.octets is None or literal.binary != binary:
            raise self.wrong("a literal")
        if not binary and b"\0" in literal.octets:  # RFC 9051 section 4.3
            raise self.wrong("a literal without NUL")
        return literal.octets

    def _pop_literal(self) -> Literal:
        match = self.match(_LITERAL, "a literal")
        if self._next_literal < len(self._literals):
            literal = self._literals[self._next_literal]
            if literal.end == match.end():
                self._next_literal += 1
                return literal
        raise self.wrong("a literal")
