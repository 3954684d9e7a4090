"""APPEND commands."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.imap.append import Append, AppendMessage, parse_append
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.framing import Literal, RawCommand

_ANNOUNCED = b"{9+}"


def command(text: bytes, *, binary: bool = False) -> RawCommand:
    """Every ``{9+}`` is a message that was streamed."""
    ends = [at + 4 for at in range(len(text)) if text[at : at + 4] == _ANNOUNCED]
    return RawCommand(text, tuple(Literal(end, 9, None, binary) for end in ends))


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (b" a {9+}", [AppendMessage((), None, Literal(7, 9, None))]),
        (
            b' a (\\Seen x) "17-Jul-1996 02:44:25 -0700" {9+}',
            [AppendMessage(("\\Seen", "x"), 837596665_000000, Literal(46, 9, None))],
        ),
        (
            b" a {9+} (\\Seen) {9+} {9+}",
            [
                AppendMessage((), None, Literal(7, 9, None)),
                AppendMessage(("\\Seen",), None, Literal(20, 9, None)),
                AppendMessage((), None, Literal(25, 9, None)),
            ],
        ),
    ],
)
def test_read(text: bytes, messages: list[AppendMessage]) -> None:
    wanted = Append("a", tuple(messages))
    assert parse_append(Cursor(command(text))) == wanted
    assert parse_append(Cursor(command(text)), whole=False) == wanted


def test_utf8() -> None:
    first = AppendMessage((), None, Literal(14, 9, None, binary=True), utf8=True)
    begun = command(b" a UTF8 (~{9+}", binary=True)
    assert parse_append(Cursor(begun), whole=False) == Append("a", (first,))
    with pytest.raises(BadSyntax):
        parse_append(Cursor(begun))
    whole = command(b" a UTF8 (~{9+})", binary=True)
    assert parse_append(Cursor(whole)) == Append("a", (first,))
    more = command(b" a UTF8 (~{9+}) UTF8 (~{9+}", binary=True)
    assert parse_append(Cursor(more), whole=False).messages[1].utf8


@pytest.mark.parametrize(
    "text",
    [
        b"",
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
        st.sampled_from([b" ", b"a", b"()", _ANNOUNCED, b"UTF8 (~", b")", b"x"]), max_size=20
    ).map(b"".join),
    st.booleans(),
    st.booleans(),
)
def test_nothing_but_wire_errors(text: bytes, whole: bool, binary: bool) -> None:
    with contextlib.suppress(WireError):
        parse_append(Cursor(command(text, binary=binary)), whole=whole)
