"""Sequence sets as ranges."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.imap.sequence import (
    STAR,
    SequenceSet,
    encode_in_order,
    encode_numbers,
    spans_of,
)


@pytest.mark.parametrize(
    ("ranges", "last", "spans"),
    [
        (((1, 1),), 5, [(1, 1)]),
        (((4, 2), (3, 3)), 5, [(2, 4)]),
        (((STAR, STAR),), 5, [(5, 5)]),
        (((4, STAR),), 5, [(4, 5)]),
        (((9, STAR),), 5, [(5, 9)]),  # RFC 9051 section 9: always the last one too
        (((1, 4294967295),), 5, [(1, 4294967295)]),
        (((1, 2), (3, 4), (7, 8)), 9, [(1, 4), (7, 8)]),
    ],
)
def test_spans(ranges: tuple[tuple[int, int], ...], last: int, spans: list[object]) -> None:
    assert SequenceSet(ranges).spans(last) == spans


@pytest.mark.parametrize(
    ("ranges", "places"),
    [
        (((1, 4294967295),), [(0, 4)]),
        (((559, STAR),), [(3, 4)]),
        (((3, 4),), []),
        (((2, 7), (5, 5)), [(0, 3)]),
    ],
)
def test_places_among_uids(ranges: tuple[tuple[int, int], ...], places: list[object]) -> None:
    assert SequenceSet(ranges).places(array("I", [2, 5, 6, 12])) == places


def test_a_star_in_an_empty_mailbox_is_nobody() -> None:
    assert SequenceSet(((1, STAR),)).places(array("I")) == []


@pytest.mark.parametrize(
    ("numbers", "octets"),
    [
        ([], b""),
        ([7], b"7"),
        ([1, 2, 3], b"1:3"),
        ([1, 3, 4, 9], b"1,3:4,9"),
        (range(1, 100001), b"1:100000"),
    ],
)
def test_numbers_are_joined(numbers: list[int], octets: bytes) -> None:
    assert encode_numbers(numbers) == octets


def test_order_is_kept_where_it_matters() -> None:
    assert encode_in_order([4, 5, 2, 3, 1]) == b"4:5,2:3,1"


@given(st.sets(st.integers(1, 300)))
def test_spans_name_the_same_numbers(numbers: set[int]) -> None:
    spans = spans_of(sorted(numbers))
    assert {n for low, high in spans for n in range(low, high + 1)} == numbers
    assert all(spans[i][1] + 1 < spans[i + 1][0] for i in range(len(spans) - 1))
