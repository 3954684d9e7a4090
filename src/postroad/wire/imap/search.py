"""SEARCH and UID SEARCH as the client writes them (RFC 9051 section 6.4.4, RFC 3501)."""

from dataclasses import dataclass
from enum import Flag, auto

from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.fetch import FetchAtt, parse_attributes
from postroad.wire.imap.framing import CommandReceiver, RawCommand
from postroad.wire.imap.partial import PartialRange, partial_range
from postroad.wire.imap.searchkeys import And, Key, KeyParser

CHARSETS = (b"US-ASCII", b"UTF-8")


class BadCharset(WireError):
    """The strings are in a charset we do not read; to be answered with NO (RFC 9051)."""


class Return(Flag):
    """Result options (RFC 9051 section 6.4.4, RFC 5182, RFC 5267, RFC 9394 section 3.1)."""

    MIN = auto()
    MAX = auto()
    ALL = auto()
    COUNT = auto()
    SAVE = auto()
    PARTIAL = auto()
    CONTEXT = auto()  # RFC 5267 section 4.2: a hint, which needs nothing here
    UPDATE = auto()
    RELEVANCY = auto()  # RFC 6203 section 4


@dataclass(frozen=True, slots=True)
class Search:
    """`returns` is None when the client used no RETURN: it may be answered as of old.

    `uses_mod_seq` says that MODSEQ was among the keys (RFC 7162 section 3.1.5). `partial` is
    there with `Return.PARTIAL`. `uses_numbers` says that messages are named by their numbers.
    `attributes` are those of `Return.UPDATE` (RFC 5465 section 7).
    """

    key: Key
    returns: Return | None
    uses_mod_seq: bool = False
    partial: PartialRange | None = None
    uses_numbers: bool = False
    uses_filters: bool = False
    attributes: tuple[FetchAtt, ...] = ()
    uses_fuzzy: bool = False
    uses_gmail: bool = False  # keys of X-GM-EXT-1


_RETURNS = {option.name.encode(): option for option in Return if option.name}


def parse_search(cursor: Cursor) -> Search:
    """Raises `BadCharset` too."""
    cursor.sp()
    options = return_options(cursor)
    if cursor.take(b"CHARSET "):
        charset(cursor)
        cursor.sp()
    return program(cursor, options)


@dataclass(frozen=True, slots=True)
class ReturnOptions:
    """`returns` is None where there was no RETURN."""

    returns: Return | None = None
    partial: PartialRange | None = None
    attributes: tuple[FetchAtt, ...] = ()


NO_OPTIONS = ReturnOptions()


def return_options(cursor: Cursor) -> ReturnOptions:
    """``RETURN (...) ``, if it stands here; none in it means ALL (RFC 4731 section 3.1)."""
    if not cursor.take(b"RETURN ("):
        return NO_OPTIONS
    returns = Return(0)
    partial = None
    attributes: tuple[FetchAtt, ...] = ()
    while not cursor.take(b")"):
        if returns:
            cursor.sp()
        if (option := _RETURNS.get(cursor.word())) is None:
            raise cursor.wrong("a known search return option")
        if option is Return.PARTIAL:
            if partial is not None:
                raise cursor.wrong("one PARTIAL")  # RFC 9394 section 3.1
            cursor.sp()
            partial = partial_range(cursor)
        elif option is Return.UPDATE and cursor.sees(b" ("):
            cursor.sp()
            attributes = parse_attributes(cursor)
        returns |= option
    if Return.PARTIAL in returns and Return.ALL in returns:
        raise cursor.wrong("either PARTIAL or ALL")  # RFC 9394 section 3.1
    cursor.sp()
    return ReturnOptions(returns or Return.ALL, partial, attributes)


def charset(cursor: Cursor) -> None:
    """Read the charset of the strings. Raises `BadCharset`."""
    if cursor.astring().upper() not in CHARSETS:
        raise BadCharset("no such charset")


def program(cursor: Cursor, options: ReturnOptions) -> Search:
    """The keys up to the end of the command."""
    parser = KeyParser(cursor)
    keys = [parser.key(0)]
    while not cursor.at_end():
        cursor.sp()
        keys.append(parser.key(0))
    key = keys[0] if len(keys) == 1 else And(tuple(keys))
    return Search(
        key,
        options.returns,
        parser.uses_mod_seq,
        options.partial,
        parser.uses_numbers,
        parser.uses_filters,
        options.attributes,
        parser.uses_fuzzy,
        parser.uses_gmail,
    )


def parse_criteria(octets: bytes) -> Search:
    """``search-criteria`` that are kept as a filter, always in UTF-8 (RFC 5466 section 3.2)."""
    receiver = CommandReceiver()
    receiver.feed(octets + b"\r\n")
    while (event := receiver.next_event()) is not None:
        if isinstance(event, RawCommand):
            return program(Cursor(event, utf8=True), NO_OPTIONS)
    raise BadSyntax("whole search criteria", len(octets))
