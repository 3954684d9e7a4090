"""The form in which texts are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.core.search.folding import contains, fold, folded


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("", ""),
        ("Hello World", "hello world"),
        ("Straße STRASSE", "strasse strasse"),
        ("\u00c4", "a\u0308"),
        ("A\u0308", "a\u0308"),
        ("\N{GREEK CAPITAL LETTER SIGMA} \N{GREEK SMALL LETTER FINAL SIGMA}", "\u03c3 \u03c3"),
        ("ﬁne ™ \uff26\uff55ll", "fine tm full"),
        ("one\r\ntwo\t \n three\u00a0four", "one two three four"),
        ("in\u00advisi\u200bble\ufeff", "invisible"),
        ("\ud800", "?"),
        (" a ", " a "),
    ],
)
def test_forms(text: str, form: str) -> None:
    assert fold(text) == form
    assert contains(text, form)


@pytest.mark.parametrize("filler", ["x", "x ", "ü", "ü\n", "a\u0301", " ", "\r\n", "漢字"])
def test_a_long_text_is_folded_in_pieces(filler: str) -> None:
    text = filler * 40_000
    pieces = list(folded(text))
    if fold(filler).strip():
        assert len(pieces) > 2
        assert all(len(piece) < 50_000 for piece in pieces)
    assert "".join(pieces) == fold(text)
    assert "  " not in fold(text)
    assert fold(text).replace(" ", "") == fold(filler).replace(" ", "") * 40_000
    assert contains(text + "needle", "needle")
    assert not contains(text, "needle")
    assert contains(text, fold(filler * 30_000))


# Letters alone: what changes places with its neighbours (RFC 5051 has it so too) is not cut out.
LETTERS = st.characters(
    exclude_categories=["Cs", "Mn", "Mc"],
    exclude_characters="\N{HALFWIDTH KATAKANA VOICED SOUND MARK}"
    "\N{HALFWIDTH KATAKANA SEMI-VOICED SOUND MARK}",
)


@given(st.text(LETTERS), st.text(LETTERS), st.text(LETTERS))
def test_what_a_text_contains_its_form_contains(before: str, needle: str, behind: str) -> None:
    text = before + needle + behind
    assert fold(needle) in fold(text)
    assert contains(text, fold(needle))


@given(st.text(), st.text(max_size=3))
def test_contains_is_as_in_the_whole_form(text: str, needle: str) -> None:
    for times in (1, 9000):
        assert contains(text * times, fold(needle)) == (fold(needle) in fold(text * times))
