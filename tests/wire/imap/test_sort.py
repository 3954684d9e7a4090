"""SORT and THREAD commands."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.framing import RawCommand
from postroad.wire.imap.partial import PartialRange
from postroad.wire.imap.search import BadCharset, Return, Search
from postroad.wire.imap.searchkeys import All, And, HasFlag, HasText, Where
from postroad.wire.imap.sort import (
    Algorithm,
    Criterion,
    Sort,
    Sorted,
    SortKey,
    Thread,
    Threads,
    parse_sort,
    parse_thread,
)
from wire.imap.commands import cursor

SUBJECT = Criterion(SortKey.SUBJECT)


@pytest.mark.parametrize(
    ("octets", "sort"),
    [
        (b"(SUBJECT) UTF-8 ALL", Sort((SUBJECT,), Search(All(), None))),
        (
            b"(subject reverse date) us-ascii TEXT x",
            Sort(
                (SUBJECT, Criterion(SortKey.DATE, reverse=True)),
                Search(HasText(Where.TEXT, "x"), None),
            ),
        ),
        (
            b'RETURN () (DISPLAYTO) "UTF-8" ALL SEEN',
            Sort(
                (Criterion(SortKey.DISPLAYTO),),
                Search(And((All(), HasFlag("\\Seen", wanted=True))), Return.ALL),
            ),
        ),
        (
            b"RETURN (COUNT PARTIAL 1:2) (SUBJECT) UTF-8 ALL",
            Sort(
                (SUBJECT,),
                Search(
                    All(),
                    Return.COUNT | Return.PARTIAL,
                    partial=PartialRange(1, 2, False, b"1:2"),
                ),
            ),
        ),
    ],
)
def test_sort(octets: bytes, sort: Sort) -> None:
    assert parse_sort(cursor(b" " + octets)) == sort


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b" ",
        b" () UTF-8 ALL",
        b" (SUBJECT)",
        b" (SUBJECT) UTF-8",
        b" (SUBJECT) UTF-8 ",
        b" SUBJECT UTF-8 ALL",
        b" (REVERSE) UTF-8 ALL",
        b" (REVERSE REVERSE DATE) UTF-8 ALL",
        b" (DATE  SUBJECT) UTF-8 ALL",
        b" (" + b"DATE " * 30 + b"DATE) UTF-8 ALL",
        b" RETURN (FOO) (DATE) UTF-8 ALL",
    ],
)
def test_sort_refused(octets: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_sort(cursor(octets))


def test_thread() -> None:
    wanted = Thread(Algorithm.REFERENCES, Search(All(), None))
    assert parse_thread(cursor(b" references UTF-8 ALL")) == wanted


@pytest.mark.parametrize(
    "octets",
    [b"", b" REFERENCES", b" REFERENCES UTF-8", b" OTHER UTF-8 ALL", b" (REFERENCES) UTF-8 ALL"],
)
def test_thread_refused(octets: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_thread(cursor(octets))


def test_a_charset_we_lack_is_not_a_syntax_error() -> None:
    with pytest.raises(BadCharset):
        parse_sort(cursor(b" (DATE) KOI8-R ALL"))
    with pytest.raises(BadCharset):
        parse_thread(cursor(b" REFERENCES KOI8-R ALL"))


def test_responses() -> None:
    assert Sorted([2, 84, 882]).encode() == b"* SORT 2 84 882\r\n"
    assert Sorted([]).encode() == b"* SORT\r\n"
    assert Sorted([], 7).encode() == b"* SORT\r\n"
    assert Sorted([2], 7).encode() == b"* SORT 2 (MODSEQ 7)\r\n"
    assert Threads(b"(2)(3 6 (4 23)(44 7 96))").encode() == (
        b"* THREAD (2)(3 6 (4 23)(44 7 96))\r\n"
    )
    assert Threads(b"").encode() == b"* THREAD\r\n"


@given(
    st.binary(max_size=40)
    | st.lists(
        st.sampled_from([b"RETURN (", b"DATE", b"(", b")", b" ", b"UTF-8", b"ALL", b"REFERENCES"]),
        max_size=20,
    ).map(b"".join)
)
def test_nothing_but_wire_errors(octets: bytes) -> None:
    for parse in (parse_sort, parse_thread):
        with contextlib.suppress(WireError):
            parse(Cursor(RawCommand(b" " + octets)))
