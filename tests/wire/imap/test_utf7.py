"""Mailbox names in modified UTF-7."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import BadSyntax, WireError
from postroad.wire.imap import utf7

CASES = [
    ("INBOX", b"INBOX"),
    ("a & b", b"a &- b"),
    ("&", b"&-"),
    ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # RFC 3501 section 5.1.3
    ("Entwürfe", b"Entw&APw-rfe"),
    ("\U0001f600", b"&2D3eAA-"),
    ("tab\there", b"tab&AAk-here"),
]


@pytest.mark.parametrize(("name", "octets"), CASES)
def test_there_and_back(name: str, octets: bytes) -> None:
    assert utf7.encode(name) == octets
    assert utf7.decode(octets) == name


@pytest.mark.parametrize(
    "octets",
    [
        b"a&b",
        b"&",
        b"&AAA",
        b"&AGE-",  # "a" has no business in base64
        b"&U,BTFw-&ZeVnLIqe-",  # two shifts side by side
        b"&2D0-",  # half a surrogate pair
        b"&APx-",  # bits that must be zero
        b"Entw\xc3\xbcrfe",
        b"&/-",
        b"a\x00b",
    ],
)
def test_another_spelling_is_refused(octets: bytes) -> None:
    with pytest.raises(BadSyntax):
        utf7.decode(octets)


@given(st.text(st.characters(codec="utf-8")))
def test_every_name_goes_there_and_back(name: str) -> None:
    assert utf7.decode(utf7.encode(name)) == name


@given(st.binary() | st.from_regex(rb"[&A-Za-z0-9+,\-]*", fullmatch=True))
def test_nothing_but_wire_errors(octets: bytes) -> None:
    with contextlib.suppress(WireError):
        assert utf7.encode(utf7.decode(octets)) == octets
