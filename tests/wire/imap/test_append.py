"""APPEND commands."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.imap.append import (
    Append,
    AppendMessage,
    AppendReader,
    Replace,
    Url,
    parse_append,
    parse_replace,
)
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.framing import Literal, RawCommand
from postroad.wire.imap.sequence import SequenceSet

_ANNOUNCED = b"{9+}"


def command(text: bytes, *, binary: bool = False) -> RawCommand:
    """Every ``{9+}`` is a message that was streamed."""
    ends = [at + 4 for at in range(len(text)) if text[at : at + 4] == _ANNOUNCED]
    return RawCommand(text, tuple(Literal(end, 9, None, binary) for end in ends))


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (b" a {9+}", [AppendMessage((), None, (Literal(7, 9, None),))]),
        (
            b' a (\\Seen x) "17-Jul-1996 02:44:25 -0700" {9+}',
            [AppendMessage(("\\Seen", "x"), 837596665_000000, (Literal(46, 9, None),))],
        ),
        (
            b" a {9+} (\\Seen) {9+} {9+}",
            [
                AppendMessage((), None, (Literal(7, 9, None),)),
                AppendMessage(("\\Seen",), None, (Literal(20, 9, None),)),
                AppendMessage((), None, (Literal(25, 9, None),)),
            ],
        ),
    ],
)
def test_read(text: bytes, messages: list[AppendMessage]) -> None:
    wanted = Append("a", tuple(messages))
    assert parse_append(Cursor(command(text))) == wanted
    assert parse_append(Cursor(command(text)), whole=False) == wanted


def test_utf8() -> None:
    first = AppendMessage((), None, (Literal(14, 9, None, binary=True),), utf8=True)
    begun = command(b" a UTF8 (~{9+}", binary=True)
    assert parse_append(Cursor(begun), whole=False) == Append("a", (first,))
    with pytest.raises(BadSyntax):
        parse_append(Cursor(begun))
    whole = command(b" a UTF8 (~{9+})", binary=True)
    assert parse_append(Cursor(whole)) == Append("a", (first,))
    more = command(b" a UTF8 (~{9+}) UTF8 (~{9+}", binary=True)
    assert parse_append(Cursor(more), whole=False).messages[1].utf8


def test_pieces() -> None:
    """RFC 4469 section 5."""
    text = b' a (\\Seen) catenate (URL "/a/;UID=1" TEXT {9+} URL b)'
    message = AppendMessage(
        ("\\Seen",), None, (Url(b"/a/;UID=1"), Literal(46, 9, None), Url(b"b"))
    )
    assert parse_append(Cursor(command(text))) == Append("a", (message,))
    begun = command(text[:46])
    seen = parse_append(Cursor(begun), whole=False).messages[0]
    assert seen.parts == message.parts[:2]
    assert seen.octets == 9
    with pytest.raises(BadSyntax):
        parse_append(Cursor(begun))


def test_replace() -> None:
    """RFC 8508 section 6."""
    append = Append("a", (AppendMessage((), None, (Literal(9, 9, None),)),))
    read = parse_replace(Cursor(command(b" 4 a {9+}")), uid=True)
    assert read == Replace(SequenceSet(((4, 4),)), append)
    assert parse_replace(Cursor(command(b" * a {9+}")), uid=False).message.has_star
    for wrong in (b" 0 a {9+}", b" 1:2 a {9+}", b" 4 a {9+} {9+}", b" $ a {9+}", b" 4 a", b" 4"):
        with pytest.raises(BadSyntax):
            parse_replace(Cursor(command(wrong)), uid=False)
    with pytest.raises(BadSyntax):
        parse_replace(Cursor(command(b" * a {9+}")), uid=True)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" a CATENATE ()",
        b" a CATENATE {9+}",
        b" a CATENATE (TEXT x)",
        b" a CATENATE (URL x",
        b" a CATENATE (URL x TEXT {9+}",
        b" a CATENATE (URL x  URL y)",
        b" a CATENATE (" + b"URL x " * 500 + b"URL x)",
        b" a",
        b" a b",
        b" a () () {9+}",
        b" a {9+} x",
        b" a {9+}{9+}",
        b" a {9+} ",
        b" a {9+} ()",
        b" a UTF8 ({9+})",
        b" a {9+} INBOX {9+}",
    ],
)
def test_refused(text: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_append(Cursor(command(text)))


@given(
    st.lists(
        st.sampled_from(
            [
                b" ",
                b"a",
                b"()",
                _ANNOUNCED,
                b"UTF8 (~",
                b")",
                b"x",
                b"CATENATE (",
                b"TEXT ",
                b"URL ",
            ]
        ),
        max_size=20,
    ).map(b"".join),
    st.booleans(),
    st.booleans(),
)
def test_nothing_but_wire_errors(text: bytes, whole: bool, binary: bool) -> None:
    with contextlib.suppress(WireError):
        parse_append(Cursor(command(text, binary=binary)), whole=whole)
        parse_replace(Cursor(command(text, binary=binary)), uid=binary, whole=whole)


class _Counting(Cursor):
    """Counts the announcements of literals that were read."""

    read = 0

    def streamed_literal(self) -> Literal:
        _Counting.read += 1
        return super().streamed_literal()


_MESSAGE = st.sampled_from(
    [b" {9+}", b" (\\Seen) {9+}", b" CATENATE (TEXT {9+} TEXT {9+})", b' CATENATE (URL "x")']
)


@given(st.lists(_MESSAGE, min_size=1, max_size=30))
def test_piece_by_piece_is_the_same_as_at_once(messages: list[bytes]) -> None:
    text = b" a" + b"".join(messages)
    whole = command(text)
    reader = AppendReader()
    for count, literal in enumerate(whole.literals, 1):
        begun = RawCommand(text[: literal.end], whole.literals[:count])
        so_far = reader.read(Cursor(begun), whole=False)
        assert so_far == parse_append(Cursor(begun), whole=False)
    assert reader.read(Cursor(whole), whole=True) == parse_append(Cursor(whole))


def test_many_messages_are_read_in_linear_time() -> None:
    text = b" a" + b" {9+}" * 1000
    whole = command(text)
    reader, _Counting.read = AppendReader(), 0
    for count, literal in enumerate(whole.literals, 1):
        begun = RawCommand(text[: literal.end], whole.literals[:count])
        reader.read(_Counting(begun), whole=False)
    assert len(reader.read(_Counting(whole), whole=True).messages) == 1000
    assert _Counting.read < 3000
