"""Needles as terms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.adapters.fts.needle import (
    LONGEST_RUN_OCTETS,
    Fit,
    after_prefix,
    has_long_run,
    match_expression,
    terms_of,
)
from postroad.stores.search import Scope


@pytest.mark.parametrize(
    ("needle", "terms"),
    [
        ("", []),
        (" - ", []),
        ("ell", [("ell", Fit.INSIDE)]),
        (" hello", [("hello", Fit.PREFIX)]),
        ("hello.", [("hello", Fit.SUFFIX)]),
        ("<hello>", [("hello", Fit.EXACT)]),
        ("llo big wor", [("llo", Fit.SUFFIX), ("big", Fit.EXACT), ("wor", Fit.PREFIX)]),
        ("ÄB-c", [("Äb", Fit.SUFFIX), ("c", Fit.PREFIX)]),
        ("a\0b", [("a", Fit.SUFFIX), ("b", Fit.PREFIX)]),
    ],
)
def test_terms(needle: str, terms: list[tuple[str, Fit]]) -> None:
    assert [(each.term, each.fit) for each in terms_of(needle)] == terms


@pytest.mark.parametrize(
    ("prefix", "after"),
    [
        ("ab", "ac"),
        ("a\ud7ff", "a\ue000"),
        ("a\U0010ffff", "b"),
        ("\U0010ffff", None),
        ("", None),
    ],
)
def test_what_comes_after_a_prefix(prefix: str, after: str | None) -> None:
    assert after_prefix(prefix) == after


_LETTERS = st.characters(exclude_categories=["Cs"])


@given(st.text(_LETTERS, min_size=1), st.text(_LETTERS))
def test_all_that_begins_with_a_prefix_is_before_what_comes_after(prefix: str, rest: str) -> None:
    after = after_prefix(prefix)
    assert after is None or prefix.encode() <= (prefix + rest).encode() < after.encode()


@given(st.integers(0, 300), st.integers(-5, 5), st.integers(0, 300))
def test_long_runs(before: int, over: int, behind: int) -> None:
    text = "ab " * before + "x" * (LONGEST_RUN_OCTETS + over) + " ab" * behind
    assert has_long_run(text) == (over > 0 or (over == 0 and behind > 0))


def test_ordinary_text_has_no_long_run() -> None:
    assert not has_long_run("some words, and more.\n" * 50_000)
    assert has_long_run("漢" * LONGEST_RUN_OCTETS)


def test_expressions() -> None:
    assert match_expression(["a", "b"], Scope.ANYWHERE) == '"a" OR "b"'
    assert match_expression(["a"], Scope.BODY) == 'body : ("a")'
