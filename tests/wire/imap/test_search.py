"""SEARCH commands."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.framing import RawCommand
from postroad.wire.imap.partial import PartialRange
from postroad.wire.imap.search import BadCharset, Return, Search, parse_search
from postroad.wire.imap.searchkeys import (
    All,
    And,
    Dated,
    HasFlag,
    HasHeader,
    HasId,
    HasText,
    InSet,
    IsRecent,
    Key,
    ModifiedSince,
    Not,
    Or,
    Saved,
    Side,
    Sized,
    Where,
    Within,
)
from postroad.wire.imap.sequence import SequenceSet
from wire.imap.commands import cursor

SEEN = HasFlag("\\Seen", wanted=True)


@pytest.mark.parametrize(
    ("octets", "key"),
    [
        (b"ALL", All()),
        (b"old", IsRecent(wanted=False)),
        (b"NEW", And((IsRecent(wanted=True), HasFlag("\\Seen", wanted=False)))),
        (b"UNSEEN", HasFlag("\\Seen", wanted=False)),
        (b"KEYWORD $Junk", HasFlag("$Junk", wanted=True)),
        (b"UNKEYWORD x", HasFlag("x", wanted=False)),
        (b"FROM Smith", HasHeader("from", "Smith")),
        (b'HEADER X-Spam ""', HasHeader("x-spam", "")),
        (b"BODY {3+}\r\n\xe4\xbd\xa0", HasText(Where.BODY, "你")),
        (b'TEXT "a b"', HasText(Where.TEXT, "a b")),
        (b"LARGER 1000", Sized(Side.SINCE, 1000)),
        (b"SMALLER 1000", Sized(Side.BEFORE, 1000)),
        (b"SINCE 1-Feb-1994", Dated(Side.SINCE, date(1994, 2, 1), sent=False)),
        (b"SENTON 1-Feb-1994", Dated(Side.ON, date(1994, 2, 1), sent=True)),
        (b"2,4:7", InSet(SequenceSet(((2, 2), (4, 7))), uid=False)),
        (b"$", InSet(SequenceSet((), saved=True), uid=False)),
        (b"UID 1:*", InSet(SequenceSet(((1, 0),)), uid=True)),
        (b"NOT SEEN", Not(SEEN)),
        (b"OR SEEN ALL", Or((SEEN, All()))),
        (b"SEEN ALL", And((SEEN, All()))),
        (b"(SEEN)", SEEN),
        (b"OR (SEEN ALL) NOT ALL", Or((And((SEEN, All())), Not(All())))),
        (b"MODSEQ 620162338", ModifiedSince(620162338)),
        (b'MODSEQ "/flags/\\\\draft" all 620162338', ModifiedSince(620162338)),
        (b"OLDER 60", Within(60, younger=False)),
        (b"YOUNGER 259200", Within(259200, younger=True)),
        (b"SAVEDON 28-Dec-2014", Saved(Side.ON, date(2014, 12, 28))),
        (b"SAVEDBEFORE 28-Dec-2014", Saved(Side.BEFORE, date(2014, 12, 28))),
        (b"SAVEDSINCE 28-Dec-2014", Saved(Side.SINCE, date(2014, 12, 28))),
        (b"SAVEDATESUPPORTED", All()),
        (b"EMAILID M1", HasId("M1", thread=False)),
        (b"THREADID T1", HasId("T1", thread=True)),
        (b"CHARSET UTF-8 SUBJECT {2+}\r\n\xc3\xbc", HasHeader("subject", "ü")),
    ],
)
def test_keys(octets: bytes, key: Key) -> None:
    assert parse_search(cursor(b" " + octets)).key == key


@pytest.mark.parametrize(
    ("octets", "returns"),
    [
        (b"ALL", None),
        (b"RETURN () ALL", Return.ALL),
        (b"RETURN (MIN COUNT) ALL", Return.MIN | Return.COUNT),
        (b"RETURN (SAVE) CHARSET US-ASCII ALL", Return.SAVE),
    ],
)
def test_return_options(octets: bytes, returns: Return | None) -> None:
    assert parse_search(cursor(b" " + octets)) == Search(All(), returns)


@pytest.mark.parametrize(
    ("octets", "partial", "places"),
    [
        (b"1:500", PartialRange(1, 500, False, b"1:500"), (0, 10)),
        (b"4:2", PartialRange(2, 4, False, b"2:4"), (1, 4)),
        (b"11:20", PartialRange(11, 20, False, b"11:20"), (10, 10)),
        (b"-1:-3", PartialRange(1, 3, True, b"-1:-3"), (7, 10)),
        (b"-9:-30", PartialRange(9, 30, True, b"-9:-30"), (0, 2)),
        (b"-11:-12", PartialRange(11, 12, True, b"-11:-12"), (0, 0)),
    ],
)
def test_partial_results(octets: bytes, partial: PartialRange, places: tuple[int, int]) -> None:
    search = parse_search(cursor(b" RETURN (PARTIAL %b) ALL" % octets))
    assert search == Search(All(), Return.PARTIAL, partial=partial)
    assert partial.places(10) == places


def test_a_charset_we_lack_is_not_a_syntax_error() -> None:
    with pytest.raises(BadCharset):
        parse_search(cursor(b" CHARSET KOI8-R ALL"))


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b" ",
        b" FOO",
        b" FROM",
        b" ()",
        b" (SEEN",
        b" OR SEEN",
        b" NOT",
        b" RETURN (FOO) ALL",
        b" RETURN (MIN)",
        b" KEYWORD \\Foo",
        b" OLDER 0",
        b" YOUNGER x",
        b" SAVEDON yesterday",
        b" RETURN (PARTIAL) ALL",
        b" RETURN (PARTIAL 0:1) ALL",
        b" RETURN (PARTIAL 1:*) ALL",
        b" RETURN (PARTIAL -1:5) ALL",
        b" RETURN (PARTIAL 1:5 ALL) ALL",
        b" RETURN (PARTIAL 1:5 PARTIAL 6:7) ALL",
        b" SINCE 31-Feb-1994",
        b" TEXT {1+}\r\n\xff",
        b" " + b"NOT " * 51 + b"ALL",
        b" " + b"(" * 60 + b"ALL" + b")" * 60,
        b" ALL" * 2001,
    ],
)
def test_refused(octets: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_search(cursor(octets))


@given(
    st.binary(max_size=40)
    | st.lists(
        st.sampled_from([b"NOT", b"OR", b"(", b")", b"ALL", b" ", b"1:*", b"FROM", b'"x"']),
        max_size=30,
    ).map(b"".join)
)
def test_nothing_but_wire_errors(octets: bytes) -> None:
    with contextlib.suppress(WireError):
        parse_search(Cursor(RawCommand(b" " + octets)))
