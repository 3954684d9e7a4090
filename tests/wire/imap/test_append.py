"""APPEND commands."""

import pytest

from postroad.wire.errors import BadSyntax
from postroad.wire.imap.append import Append, parse_append, parse_append_end
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.framing import Literal, RawCommand


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (b" a {9}", Append("a", (), None, Literal(6, 9, None))),
        (
            b' a (\\Seen x) "17-Jul-1996 02:44:25 -0700" {9}',
            Append("a", ("\\Seen", "x"), 837596665_000000, Literal(45, 9, None)),
        ),
    ],
)
def test_read(text: bytes, command: Append) -> None:
    it = Cursor(RawCommand(text, (command.message,)))
    assert parse_append(it) == command
    parse_append_end(it, command)


def test_utf8() -> None:
    literal = Literal(15, 9, None, binary=True)
    it = Cursor(RawCommand(b" a UTF8 (~{9+})", (Literal(14, 9, None, binary=True),)))
    command = parse_append(it)
    assert (command.utf8, command.message.size) == (True, literal.size)
    parse_append_end(it, command)


@pytest.mark.parametrize("text", [b" a", b" a b", b" a () () {9}", b" a {9} x", b" a UTF8 ({9})"])
def test_refused(text: bytes) -> None:
    it = Cursor(RawCommand(text, (Literal(len(text.rstrip(b" x)")), 9, None),)))
    with pytest.raises(BadSyntax):
        parse_append_end(it, parse_append(it))
