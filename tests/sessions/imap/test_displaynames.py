"""The names that DISPLAYFROM and DISPLAYTO sort by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.mime import envelope
from postroad.formats.mime.address import parse_address_list
from postroad.formats.mime.headers import Header
from postroad.formats.mime.thread import collation_key, sort_address
from postroad.sessions.imap.displaynames import CC, FROM, TO, display_name, mailbox


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


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("Alice <alice@example.org>, b@example.org", "alice"),
        ("root", "root"),
        ("=?utf-8?q?J=C3=BCrgen?=: a@example.org;", "Jürgen"),
        ("", ""),
    ],
)
@pytest.mark.parametrize(("field", "at"), [("From", FROM), ("To", TO), ("Cc", CC)])
def test_mailboxes(address: str, found: str, field: str, at: int) -> None:
    """The same that is kept for the default comparator, as it stands."""
    header = Header(f"{field}: {address}\r\n\r\n".encode())
    assert mailbox(envelope.encode(envelope.read(header)), at) == found
    assert sort_address(parse_address_list(address)) == collation_key(found)


@given(st.binary(max_size=200))
def test_any_header(block: bytes) -> None:
    octets = envelope.encode(envelope.read(Header(b"From: " + block)))
    display_name(octets, FROM)
    assert display_name(octets, TO) == "" or b"to" in block.lower()
