import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.mime.samples import RFC_2049
from postroad.formats.mime import headers
from postroad.formats.mime.headers import Header

BLOCK = (
    b"From mbox line\r\nSubject: a\r\n b\r\n\tc \r\nto : x@y\r\nTo: z\r\n"
    b"not a field\r\nX-Empty:\r\n"
    b"Bin: a\0b\rc\r\nUtf: \xc3\xa9\r\nLatin: \xe9\r\n\r\n"
)


def test_fields_by_name() -> None:
    header = Header(BLOCK)
    assert header.find("subject") == b"a b\tc"
    assert header.find_all("to") == [b"x@y", b"z"]
    assert header.find("x-empty") == b""
    assert header.find("cc") is None
    assert "TO" in header
    assert header.names() == ["subject", "to", "x-empty", "bin", "utf", "latin"]


def test_text_is_clean() -> None:
    header = Header(BLOCK)
    assert header.text("bin") == "abc"
    assert header.text("utf") == header.text("latin") == "é"
    assert header.text("cc") is None
    assert not header.is_ascii
    assert Header(b"Subject: =?utf-8?q?=C3=A9?=\r\n").decoded("subject") == "é"


def test_places() -> None:
    octets = b"Subject: before\r\n\r\n" + BLOCK + b"body"
    found = list(headers.fields(octets, 19))
    assert [field.name for field in found] == [
        "Subject", "to", "To", "X-Empty", "Bin", "Utf", "Latin",
    ]  # fmt: skip
    assert octets[found[0].start : found[0].end] == b"Subject: a\r\n b\r\n\tc \r\n"
    assert found[0].raw(octets) == b" a\r\n b\r\n\tc "
    assert found[1].raw(octets) == b" x@y"


@pytest.mark.parametrize(
    ("octets", "at"),
    [(b"", 0), (b"\r\n", 2), (b"\nx", 1), (b"a: b", 4), (b"a: b\r\n\r\nx", 8), (b"a: b\n\nx", 6)],
)
def test_where_the_body_begins(octets: bytes, at: int) -> None:
    assert headers.find_body(octets) == at


def test_header_fields_of_fetch() -> None:
    block = b"From: a\r\nSubject: b\r\n c\r\nnonsense\r\nTO: d\r\n\r\n"
    assert headers.select_fields(block, ["subject", "To"]) == b"Subject: b\r\n c\r\nTO: d\r\n\r\n"
    assert headers.select_fields(block, ["subject", "To"], negate=True) == b"From: a\r\n\r\n"
    assert headers.select_fields(block, []) == b"\r\n"
    assert headers.select_fields(b"A: b", ["a"]) == b"A: b\r\n\r\n"


def test_all_fields_and_no_others_are_one_or_the_other() -> None:
    block = RFC_2049[: headers.find_body(RFC_2049)]
    assert headers.select_fields(block, [], negate=True) == block


@given(st.binary(max_size=200))
def test_any_octets_are_a_header(octets: bytes) -> None:
    header = Header(octets)
    for name in header.names():
        text = header.decoded(name)
        assert text is not None
        assert not set("\r\n\0") & set(header.text(name) or "")
    for field in headers.fields(octets):
        assert 0 <= field.start < field.value_start <= field.end <= len(octets)


def test_decode_folded() -> None:
    assert headers.decode(b" =?utf-8?q?a?=\r\n =?utf-8?q?b?= ") == "ab"
