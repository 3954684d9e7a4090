from base64 import b64encode, encodebytes
from quopri import encodestring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.mime import transfer

CASES = [
    (b"a\r\n", "", b"a\r\n"),
    (b"a\xff\0", "BINARY", b"a\xff\0"),
    (b"YQ==", "base64", b"a"),
    (b" Y Q\r\n=\r\n=\r\n", "Base64 ", b"a"),
    (b"YQ", "base64", b"a"),
    (b"YQ==YmM=", "base64", b"abc"),
    (b"YWJjZ", "base64", b"abc"),
    (b"", "base64", b""),
    (b"====", "base64", b""),
    (b"!YWJj?", "base64", b"abc"),
    (b"caf=E9=\r\n!", "quoted-printable", b"caf\xe9!"),
    (b"a  \r\nb\t\r\n", "quoted-printable", b"a\r\nb\r\n"),
    (b"a=  \r\nb", "quoted-printable", b"ab"),
    (b"a=ZZ=", "quoted-printable", b"a=ZZ"),
    (b"=e9", "quoted-printable", b"\xe9"),
    (b"a", "x-uuencode", None),
]


@pytest.mark.parametrize(("raw", "encoding", "expected"), CASES)
def test_decode(raw: bytes, encoding: str, expected: bytes | None) -> None:
    assert transfer.decode(raw, encoding) == expected


@given(st.binary(max_size=400))
def test_base64_there_and_back(octets: bytes) -> None:
    assert transfer.decode(encodebytes(octets), "base64") == octets
    assert transfer.decode(b64encode(octets).rstrip(b"="), "base64") == octets


@given(st.binary(max_size=400))
def test_quoted_printable_there_and_back(octets: bytes) -> None:
    text = octets.replace(b"\r", b"").replace(b"\n", b"")
    assert transfer.decode(encodestring(text, quotetabs=True), "quoted-printable") == text


def pieces(octets: bytes, size: int) -> list[bytes]:
    return [octets[at : at + size] for at in range(0, len(octets), size)]


@given(st.binary(max_size=200), st.integers(1, 9))
def test_base64_in_chunks_is_the_same(octets: bytes, size: int) -> None:
    raw = encodebytes(octets) + encodebytes(octets)
    whole = transfer.decode(raw, "base64")
    assert b"".join(transfer.decode_chunks(pieces(raw, size), "base64")) == whole


@given(st.text("a= \r\n\tEé9"), st.integers(1, 9))
def test_quoted_printable_in_chunks_is_the_same(text: str, size: int) -> None:
    raw = text.encode()
    whole = transfer.decode(raw, "quoted-printable")
    assert b"".join(transfer.decode_chunks(pieces(raw, size), "quoted-printable")) == whole


def test_a_line_without_end_is_cut_outside_of_escapes() -> None:
    raw = b"=C3=A9 x" * 50_000
    whole = transfer.decode(raw, "quoted-printable")
    assert b"".join(transfer.decode_chunks(pieces(raw, 1003), "quoted-printable")) == whole
    assert b"".join(transfer.decode_chunks(pieces(raw, 70_001), "quoted-printable")) == whole


def test_identity_in_chunks() -> None:
    assert list(transfer.decode_chunks([b"a", b"b"], "8bit")) == [b"a", b"b"]


def test_an_unknown_encoding_is_said_at_once() -> None:
    with pytest.raises(transfer.UnknownEncoding):
        transfer.decode_chunks([], "x-unknown")


@given(st.binary(max_size=200))
def test_any_octets_decode(octets: bytes) -> None:
    assert transfer.decode(octets, "base64") is not None
    assert transfer.decode(octets, "quoted-printable") is not None
