"""SASLprep, by the examples of RFC 4013 section 3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.base.syntax import BadSyntax
from postroad.formats.text.saslprep import saslprep


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("\u0627\u0628", "\u0627\u0628"),
    ],
)
def test_what_is_prepared(text: str, prepared: str) -> None:
    assert saslprep(text, is_stored=True) == prepared


@pytest.mark.parametrize("text", ["\u0007", "\u06271", "\u0627a\u0627", "\ue000", "\ufffd"])
def test_what_is_prohibited(text: str) -> None:
    with pytest.raises(BadSyntax):
        saslprep(text, is_stored=False)


def test_new_characters_are_for_queries_only() -> None:
    assert saslprep("\U0001f600", is_stored=False) == "\U0001f600"
    with pytest.raises(BadSyntax):
        saslprep("\U0001f600", is_stored=True)


@given(st.text(max_size=50))
def test_preparing_again_changes_nothing(text: str) -> None:
    try:
        prepared = saslprep(text, is_stored=False)
    except BadSyntax:
        return
    assert saslprep(prepared, is_stored=False) == prepared
