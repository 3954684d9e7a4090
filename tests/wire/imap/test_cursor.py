"""The pieces of IMAP commands, rule by rule."""

import contextlib
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.framing import Literal, RawCommand
from postroad.wire.imap.sequence import STAR, SequenceSet
from wire.imap.commands import cursor

READERS: dict[str, Callable[[Cursor], object]] = {
    "astring": Cursor.astring,
    "nstring": Cursor.nstring,
    "text": Cursor.text,
    "mailbox": Cursor.mailbox,
    "list_mailbox": Cursor.list_mailbox,
    "number": Cursor.number,
    "nz_number": Cursor.nz_number,
    "mod_sequence": Cursor.mod_sequence_value,
    "sequence_set": Cursor.sequence_set,
    "uid_set": Cursor.uid_set,
    "flag_list": Cursor.flag_list,
    "date": Cursor.date,
    "date_time": Cursor.date_time,
}


@pytest.mark.parametrize(
    ("rule", "octets", "value"),
    [
        ("astring", b"abc]", b"abc]"),
        ("astring", b'"a \\"b\\\\"', b'a "b\\'),
        ("astring", b'""', b""),
        ("astring", b"{3+}\r\na\r\n", b"a\r\n"),
        ("nstring", b"nil", None),
        ("nstring", b'"NIL"', b"NIL"),
        ("text", b"{2+}\r\n\xc3\xbc", "ü"),
        ("mailbox", b"Archive", "Archive"),
        ("mailbox", b"inbox", "INBOX"),
        ("mailbox", b"Entw&APw-rfe", "Entwürfe"),
        ("mailbox", b'"a & b"'.replace(b"&", b"&-"), "a & b"),
        ("list_mailbox", b"a/%*]", "a/%*]"),
        ("list_mailbox", b'"a b*"', "a b*"),
        ("list_mailbox", b'""', ""),
        ("number", b"0", 0),
        ("nz_number", b"4294967295", 2**32 - 1),
        ("mod_sequence", b"9223372036854775807", 2**63 - 1),
        ("sequence_set", b"1", SequenceSet(((1, 1),))),
        ("sequence_set", b"2:4,3,*:7", SequenceSet(((2, 4), (3, 3), (STAR, 7)))),
        ("sequence_set", b"$", SequenceSet((), saved=True)),
        ("uid_set", b"5,9:7", SequenceSet(((5, 5), (9, 7)))),
        ("flag_list", b"()", ()),
        ("flag_list", b"(\\SEEN $Forwarded)", ("\\Seen", "$Forwarded")),
        ("date", b"1-Feb-1994", date(1994, 2, 1)),
        ("date", b'"01-feb-1994"', date(1994, 2, 1)),
        ("date_time", b'"17-Jul-1996 02:44:25 -0700"', 837596665_000000),
        ("date_time", b'" 1-Jan-1970 01:00:00 +0100"', 0),
    ],
)
def test_read(rule: str, octets: bytes, value: object) -> None:
    it = cursor(octets)
    assert READERS[rule](it) == value
    it.end()


@pytest.mark.parametrize(
    ("rule", "octets"),
    [
        ("astring", b""),
        ("astring", b'"a'),
        ("astring", b'"a\\b"'),
        ("astring", b'"\xc3\xbc"'),
        ("astring", b"~{1+}\r\nx"),
        ("astring", b"{3}x"),
        ("text", b"{1+}\r\n\xff"),
        ("text", b"{1+}\r\n\x00"),
        ("mailbox", b"a&b"),
        ("mailbox", b"{2+}\r\n\xc3\xbc"),
        ("number", b"4294967296"),
        ("number", b"-1"),
        ("nz_number", b"0"),
        ("mod_sequence", b"0"),
        ("mod_sequence", b"9223372036854775808"),
        ("sequence_set", b"0"),
        ("sequence_set", b"a"),
        ("sequence_set", b"1,"),
        ("sequence_set", b"4294967296"),
        ("sequence_set", b"9999999999"),
        ("uid_set", b"1:*"),
        ("uid_set", b"$"),
        ("flag_list", b"(\\Recent)"),
        ("flag_list", b"(\\*)"),
        ("flag_list", b"(a  b)"),
        ("flag_list", b"(" + b"x" * 256 + b")"),
        ("date", b"30-Feb-1994"),
        ("date", b"1-Xyz-1994"),
        ("date", b'"1-Feb-1994'),
        ("date_time", b'"17-Jul-1996 24:44:25 -0700"'),
        ("date_time", b'"1-Jul-1996 02:44:25 -0700"'),
    ],
)
def test_refused(rule: str, octets: bytes) -> None:
    it = cursor(octets)
    with pytest.raises(BadSyntax):
        whole(it, rule)


def whole(it: Cursor, rule: str) -> None:
    READERS[rule](it)
    it.end()


@pytest.mark.parametrize(
    "octets", ['"Entwürfe"'.encode(), b"{9+}\r\nEntw\xc3\xbcrfe", b'"Entw\xc3\xbcrfe"']
)
def test_utf8_names_once_enabled(octets: bytes) -> None:
    assert cursor(octets, utf8=True).mailbox() == "Entwürfe"


def test_an_ampersand_is_itself_once_utf8_is_enabled() -> None:
    assert cursor(b"Entw&APw-rfe", utf8=True).mailbox() == "Entw&APw-rfe"


@pytest.mark.parametrize("octets", [b'"\xff"', b"{1+}\r\n\xff"])
def test_broken_utf8_is_refused(octets: bytes) -> None:
    with pytest.raises(BadSyntax):
        cursor(octets, utf8=True).mailbox()


def test_a_literal_is_only_where_it_was_announced() -> None:
    command = RawCommand(b"{5} {5}", (Literal(7, 5, b"hello"),))
    with pytest.raises(BadSyntax):
        Cursor(command).astring()


def test_a_literal_of_text_has_no_nul() -> None:
    literal = (Literal(3, 3, b"a\0b"),)
    with pytest.raises(BadSyntax, match="NUL"):
        Cursor(RawCommand(b"{3}", literal)).astring()


@given(st.sampled_from(sorted(READERS)), st.binary(max_size=60), st.booleans())
def test_nothing_but_wire_errors(rule: str, octets: bytes, utf8: bool) -> None:
    it = Cursor(RawCommand(octets, (Literal(3, 1, b"x"),)), utf8=utf8)
    with contextlib.suppress(WireError):
        whole(it, rule)
