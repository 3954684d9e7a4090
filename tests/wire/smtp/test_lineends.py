"""Bare CR and LF are found, and mended, wherever the pieces are cut."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.smtp.lineends import LineEndCheck, LineEndMender

PIECES = st.lists(
    st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"x"]), max_size=4).map(b"".join), max_size=8
)


@pytest.mark.parametrize(
    ("pieces", "bare"),
    [
        ([], False),
        ([b"a\r\nb\r\n"], False),
        ([b"a\r", b"\nb\r\n"], False),
        ([b"a\r", b"", b"\n"], False),
        ([b"a\n"], True),
        ([b"a\r"], True),
        ([b"a\r", b"b\r\n"], True),
        ([b"\r", b"\r", b"\n"], True),
        ([b"\n"], True),
    ],
)
def test_a_bare_cr_or_lf_is_seen(pieces: list[bytes], bare: bool) -> None:
    check = LineEndCheck()
    for piece in pieces:
        check.update(piece)
    assert check.is_bare is bare


@given(PIECES)
def test_the_check_is_that_of_the_whole(pieces: list[bytes]) -> None:
    check = LineEndCheck()
    for piece in pieces:
        check.update(piece)
    plain = b"".join(pieces).replace(b"\r\n", b"")
    assert check.is_bare is (b"\r" in plain or b"\n" in plain)


@given(PIECES)
def test_the_mender_makes_every_line_end_crlf(pieces: list[bytes]) -> None:
    mender = LineEndMender()
    mended = b"".join([mender.update(piece) for piece in pieces]) + mender.finish()
    assert mended == re.sub(rb"\r\n|\r|\n", b"\r\n", b"".join(pieces))
