"""Decoding in chunks gives what decoding at once gives."""

from base64 import encodebytes
from binascii import b2a_qp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.mime import transfer
from postroad.sessions.imap.decoding import decoder


@given(st.binary(max_size=300), st.integers(1, 50), st.sampled_from(["base64", "7bit"]))
def test_in_chunks_as_at_once(content: bytes, size: int, encoding: str) -> None:
    raw = encodebytes(content) if encoding == "base64" else content
    assert in_chunks(raw, size, encoding) == content


@given(st.binary(max_size=300), st.integers(1, 50))
def test_quoted_printable(content: bytes, size: int) -> None:
    raw = b2a_qp(content, istext=False)
    expected = transfer.decode(raw, "quoted-printable")
    assert in_chunks(raw, size, "quoted-printable") == expected


@pytest.mark.parametrize("end", [b"", b"=41", b"=4", b"="])
def test_a_line_without_end_is_not_kept(end: bytes) -> None:
    raw = b"x" * 200_000 + end + b"y" * 10
    expected = transfer.decode(raw, "quoted-printable")
    assert in_chunks(raw, 200_000 + len(end), "quoted-printable") == expected


def in_chunks(raw: bytes, size: int, encoding: str) -> bytes:
    it = decoder(encoding)
    pieces = [it.feed(raw[start : start + size]) for start in range(0, len(raw), size)]
    return b"".join([*pieces, it.finish()])
