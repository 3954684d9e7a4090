"""The names that DISPLAYFROM and DISPLAYTO sort by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.mime import envelope
from postroad.formats.mime.headers import Header
from postroad.sessions.imap.displaynames import FROM, TO, display_name


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("Alice <alice@example.org>", "Alice"),
        ('"A \\"quoted\\" name" <a@example.org>', 'A "quoted" name'),
        ("=?utf-8?q?J=C3=BCrgen?= <j@example.org>", "Jürgen"),
        ("Jürgen <j@example.org>", "Jürgen"),
        ("alice@example.org, Bob <b@example.org>", "alice@example.org"),
        ('"" <alice@example.org>', "alice@example.org"),
        ("root", "root"),
        ("Friends: a@example.org;", "Friends"),
        ("", ""),
        ("x" * 1001 + " <a@example.org>", "x" * 1001),
    ],
)
@pytest.mark.parametrize(("field", "at"), [("From", FROM), ("To", TO)])
@pytest.mark.parametrize("utf8", [False, True])
def test_names(address: str, name: str, field: str, at: int, utf8: bool) -> None:
    header = f'Subject: a (b) "c" NIL\r\n{field}: {address}\r\n\r\n'
    octets = envelope.encode(envelope.read(Header(header.encode())), utf8=utf8)
    assert display_name(octets, at) == name


@given(st.binary(max_size=200))
def test_any_header(block: bytes) -> None:
    octets = envelope.encode(envelope.read(Header(b"From: " + block)))
    display_name(octets, FROM)
    assert display_name(octets, TO) == "" or b"to" in block.lower()
