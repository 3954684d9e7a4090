"""RFC 6376 section 3.4: canonicalisation, in pieces of every size."""

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.dkim.canonical import (
    BodyHasher,
    Canonicalisation,
    header_field,
    split_fields,
)

RELAXED, SIMPLE = Canonicalisation.RELAXED, Canonicalisation.SIMPLE

BODIES = [
    # RFC 6376 section 3.4.5: example 1.
    ("rfc", b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n", b" C \r\nD \t E\r\n"),
    ("empty", b"", b"", b"\r\n"),
    ("only empty lines", b"\r\n\r\n\r\n", b"", b"\r\n"),
    ("only spaces", b"  \t", b"", b"  \t\r\n"),
    ("no end of line", b"x", b"x\r\n", b"x\r\n"),
    ("space at the end of all", b"x \t", b"x\r\n", b"x \t\r\n"),
    ("bare CR", b"a\rb\r\n\r\n", b"a\rb\r\n", b"a\rb\r\n"),
    ("bare LF at the end", b"a\r\n\n\r\n\r\n", b"a\r\n\n\r\n", b"a\r\n\n\r\n"),
    ("CR at the end of all", b"a \r", b"a \r\r\n", b"a \r\r\n"),
    ("empty lines within", b"a\r\n\r\n \r\nb\r\n", b"a\r\n\r\n\r\nb\r\n", b"a\r\n\r\n \r\nb\r\n"),
]


def canonical_digest(body: bytes, how: Canonicalisation, cuts: list[int]) -> bytes:
    hasher = BodyHasher(how)
    places = [0, *sorted(cuts), len(body)]
    for start, end in pairwise(places):
        hasher.update(body[start:end])
    return hasher.finish()


@pytest.mark.parametrize(("name", "body", "relaxed", "simple"), BODIES)
def test_bodies_whole_and_octet_by_octet(
    name: str, body: bytes, relaxed: bytes, simple: bytes
) -> None:
    for how, expected in ((RELAXED, relaxed), (SIMPLE, simple)):
        digest = hashlib.sha256(expected).digest()
        assert canonical_digest(body, how, []) == digest, name
        assert canonical_digest(body, how, list(range(len(body)))) == digest, name


@given(
    st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"\r", b"\n", b"bc"]), max_size=30),
    st.lists(st.integers(0, 40), max_size=6),
)
def test_the_hash_does_not_depend_on_the_pieces(pieces: list[bytes], cuts: list[int]) -> None:
    body = b"".join(pieces)
    for how in Canonicalisation:
        places = [min(cut, len(body)) for cut in cuts]
        assert canonical_digest(body, how, places) == canonical_digest(body, how, [])


def test_a_limit_counts_canonical_octets() -> None:
    hasher = BodyHasher(SIMPLE, 3)
    hasher.update(b"abcdef\r\n")
    assert hasher.finish() == hashlib.sha256(b"abc").digest()
    assert hasher.octets == 8


def test_empty_lines_at_the_end_are_counted_not_kept() -> None:
    hasher = BodyHasher(RELAXED)
    hasher.update(b"x")
    for _ in range(50):
        hasher.update(b"\r\n" * 50_000)
    hasher.update(b"y\r\n")
    expected = hashlib.sha256(b"x" + b"\r\n" * 2_500_000 + b"y\r\n").digest()
    assert hasher.finish() == expected


def test_header_fields_of_the_rfc() -> None:
    # RFC 6376 section 3.4.5.
    header = b"A: X\r\nB : Y\t\r\n\tZ  \r\n"
    fields = split_fields(header)
    assert [name for name, _ in fields] == [b"a", b"b"]
    assert [header_field(field, RELAXED) for _, field in fields] == [b"a:X\r\n", b"b:Y Z\r\n"]
    assert b"".join(header_field(field, SIMPLE) for _, field in fields) == header


def test_lines_that_are_no_fields_are_left_out() -> None:
    fields = split_fields(b"garbage\r\n folded\r\nA: 1\n: nameless\r\nB: 2")
    assert fields == [(b"a", b"A: 1\n"), (b"b", b"B: 2")]


def test_a_long_line_without_a_colon_is_looked_at_once() -> None:
    assert split_fields(b"x" * 2_000_000) == []
