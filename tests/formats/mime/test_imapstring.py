import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.mime.imapgrammar import read
from postroad.formats.mime import encodedwords
from postroad.formats.mime.imapstring import nstring, nstring_for_people, string


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("", b'""'),
        ("a b", b'"a b"'),
        ('a"b\\c', b'"a\\"b\\\\c"'),
        ("a\r\n\0b\t", b'"ab\t"'),
        ("é", b'"\xc3\xa9"'),
        ("x" * 1001, b"{1001}\r\n" + b"x" * 1001),
        ("é" * 501, b"{1002}\r\n" + "é".encode() * 501),
        ("\ud800", b'"?"'),
    ],
)
def test_strings(text: str, octets: bytes) -> None:
    assert string(text) == octets


def test_without_utf8() -> None:
    assert nstring(None, utf8=False) == b"NIL"
    assert nstring("aéb", utf8=False) == b'"a?b"'
    assert nstring("é", utf8=True) == b'"\xc3\xa9"'
    assert nstring_for_people(None, utf8=False) == b"NIL"
    assert nstring_for_people("é", utf8=False) == b'"=?utf-8?b?w6k=?="'
    assert nstring_for_people("=?utf-8?q?x?=", utf8=False) == b'"=?utf-8?q?x?="'


@given(st.text(max_size=1500), st.booleans())
def test_any_text_is_a_string(text: str, utf8: bool) -> None:
    for octets in (nstring(text, utf8=utf8), nstring_for_people(text, utf8=utf8)):
        (value,) = read(b"(" + octets + b")")
        assert isinstance(value, bytes)
        assert utf8 or octets.isascii()
        octets.decode("utf-8")
    assert isinstance(encodedwords.decode(text), str)
