"""Wildcards of LIST."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.imap.pattern import MailboxPattern, matches_inbox


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*", ["a", "a/b", ""], []),
        ("%", ["a", ""], ["a/b"]),
        ("a/%", ["a/b"], ["a", "a/b/c", "b/b"]),
        ("a*", ["a", "ab", "a/b/c"], ["b"]),
        ("%/c", ["b/c", "/c"], ["a/b/c", "c"]),
        ("*c", ["c", "a/b/c"], ["cd"]),
        ("a", ["a"], ["aa", ""]),
        ("", [""], ["a"]),
        ("%%", ["a"], ["a/b"]),
        ("%*", ["a", "a/b"], []),
    ],
)
def test_matches(pattern: str, yes: list[str], no: list[str]) -> None:
    compiled = MailboxPattern(pattern)
    assert [name for name in yes if not compiled.matches(name)] == []
    assert [name for name in no if compiled.matches(name)] == []


@given(st.text("ab/%*", max_size=8), st.text("ab/", max_size=8))
def test_as_a_regular_expression_says(pattern: str, name: str) -> None:
    expression = "".join({"*": ".*", "%": "[^/]*"}.get(c, re.escape(c)) for c in pattern)
    assert MailboxPattern(pattern).matches(name) == bool(re.fullmatch(expression, name))


def test_stars_do_not_backtrack() -> None:
    assert not MailboxPattern("*a" * 500 + "b").matches("a" * 2000)


@pytest.mark.parametrize(("pattern", "yes"), [("inbox", True), ("In%", True), ("out", False)])
def test_inbox_in_any_case(pattern: str, yes: bool) -> None:
    assert matches_inbox(pattern) == yes
