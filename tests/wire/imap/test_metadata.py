"""Annotations on the wire (RFC 5464)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import WireError
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.framing import Literal, RawCommand
from postroad.wire.imap.metadata import (
    GetMetadata,
    Metadata,
    MetadataChanged,
    SetMetadata,
    parse_entry,
    parse_get_metadata,
    parse_set_metadata,
)


def of(text: bytes, *literals: Literal) -> Cursor:
    return Cursor(RawCommand(text, literals))


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (b' "" /shared/a', GetMetadata("", ("/shared/a",))),
        (b" (depth Infinity) x (/a/b)", None),
        (b" (DEPTH 1) x /shared", GetMetadata("x", ("/shared",), None, 1)),
        (b" x (DEPTH infinity MAXSIZE 5) /shared", GetMetadata("x", ("/shared",), 5, None)),
        (b' x "/Shared/A"', GetMetadata("x", ("/shared/a",))),
        (b" (DEPTH 1) x (DEPTH 1) /shared", None),
        (b" (SPEED 1) x /shared", None),
        (b" x ()", None),
        (b" x", None),
    ],
)
def test_get(text: bytes, want: GetMetadata | None) -> None:
    if want is None:
        with pytest.raises(WireError):
            parse_get_metadata(of(text))
    else:
        assert parse_get_metadata(of(text)) == want


def test_set_takes_binary_literals_and_nil() -> None:
    text = b" x (/shared/a ~{2} /shared/b NIL /shared/a ~{2})"
    first = Literal(text.index(b"}") + 1, 2, b"\0\1", binary=True)
    second = Literal(len(text) - 1, 2, b"\0\2", binary=True)
    found = parse_set_metadata(of(text, first, second))
    assert found == SetMetadata("x", {"/shared/a": b"\0\2", "/shared/b": None})


@pytest.mark.parametrize(
    ("name", "whole", "fits"),
    [
        (b"/shared", False, True),
        (b"/shared", True, False),
        (b"/shared/vendor", False, True),
        (b"/private/vendor/token", True, False),
        (b"/private/vendor/token/x", True, True),
        (b"/shared/a/", False, False),
        (b"shared/a", False, False),
        (b'"/SHARED/A%"', False, False),
        (b'"/shared/a b"', True, True),
        (b'"/shared/\x01"', False, False),
        (b"/shared/" + b"a" * 247, True, True),
        (b"/shared/" + b"a" * 248, True, False),
    ],
)
def test_names(name: bytes, whole: bool, fits: bool) -> None:
    if fits:
        assert parse_entry(of(name), whole=whole) == name.decode().strip('"').lower()
    else:
        with pytest.raises(WireError):
            parse_entry(of(name), whole=whole)


def test_responses() -> None:
    told = Metadata("", {"/shared/a b": b"\0", "/shared/c": None, "/shared/d": b"x y"}, False)
    assert told.encode() == (
        b'* METADATA "" ("/shared/a b" ~{1}\r\n\0 /shared/c NIL /shared/d "x y")\r\n'
    )
    changed = MetadataChanged("\xe9", ("/shared/a", "/private/b"), False)
    assert changed.encode() == b"* METADATA &AOk- /shared/a /private/b\r\n"


@given(st.binary(max_size=60))
def test_only_wire_errors(octets: bytes) -> None:
    for text in (octets, b" x " + octets, b" x (/shared/a " + octets):
        for parse in (parse_get_metadata, parse_set_metadata):
            with contextlib.suppress(WireError):
                parse(of(text))
