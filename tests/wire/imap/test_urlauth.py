"""The commands of URLAUTH."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.framing import RawCommand
from postroad.wire.imap.urlauth import (
    Authorized,
    GenUrlAuth,
    ResetKey,
    ToAuthorize,
    UrlFetch,
    UrlPart,
    parse_genurlauth,
    parse_resetkey,
    parse_urlfetch,
)


def cursor(text: bytes) -> Cursor:
    return Cursor(RawCommand(text))


def test_genurlauth() -> None:
    read = parse_genurlauth(cursor(b' "a b" internal c XSAMPLE'))
    assert read == GenUrlAuth((ToAuthorize(b"a b", "INTERNAL"), ToAuthorize(b"c", "XSAMPLE")))
    for wrong in (b"", b" a", b" a b c", b" a b ", b" a b" * 101):
        with pytest.raises(BadSyntax):
            parse_genurlauth(cursor(wrong))


def test_resetkey() -> None:
    assert parse_resetkey(cursor(b"")) == ResetKey(None, ())
    assert parse_resetkey(cursor(b" inbox")) == ResetKey("INBOX", ())
    assert parse_resetkey(cursor(b" a internal x")) == ResetKey("a", ("INTERNAL", "X"))
    for wrong in (b" ", b" a ", b"a"):
        with pytest.raises(BadSyntax):
            parse_resetkey(cursor(wrong))


def test_urlfetch() -> None:
    read = parse_urlfetch(cursor(b' a (b) ("c" binary BODYPARTSTRUCTURE) (d BODY)'))
    both = UrlPart.BINARY | UrlPart.STRUCTURE
    wanted = ((b"a", UrlPart.NONE), (b"b", UrlPart.NONE), (b"c", both), (b"d", UrlPart.BODY))
    assert read == UrlFetch(wanted)
    for wrong in (b"", b" ", b" (", b" ()", b" (a", b" (a x)", b" (a BODY BODY)", b" a" * 101):
        with pytest.raises(BadSyntax):
            parse_urlfetch(cursor(wrong))


def test_response() -> None:
    assert Authorized((b"a", b"b c")).encode() == b'* GENURLAUTH "a" "b c"\r\n'


_PIECES = [b" ", b"a", b"(", b")", b'"', b"BODY", b"BINARY", b"INTERNAL", b"{", b"\\"]


@given(st.lists(st.sampled_from(_PIECES), max_size=20).map(b"".join))
def test_nothing_but_wire_errors(text: bytes) -> None:
    for parse in (parse_genurlauth, parse_resetkey, parse_urlfetch):
        with contextlib.suppress(WireError):
            parse(cursor(text))
