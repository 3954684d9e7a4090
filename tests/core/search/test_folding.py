"""The form in which texts are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.core.search.folding import Needle, fold, folded
from postroad.model.comparator import Comparator


def contains(text: str, needle: str) -> bool:
    """Whether a text contains a needle, which is folded already."""
    return Needle(needle).is_in(text)


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


@pytest.mark.parametrize(
    ("text", "needle", "is_there"),
    [
        ("Hello World", "o wORLD", True),
        ("Grüße", "grüßE", True),
        ("Grüße", "GRÜSSE", False),  # letters beyond ASCII as they are (RFC 4790 section 9.2.1)
        ("Ü", "ü", False),
        ("one\r\ntwo", "one two", False),
        ("one  two", "one two", False),
        ("", "", True),
        ("a", "", True),
        ("\ud800", "\ud800", True),
    ],
)
def test_only_the_case_of_ascii_is_set_aside(text: str, needle: str, is_there: bool) -> None:
    assert Needle.of(needle, Comparator.ASCII).is_in(text) is is_there
    assert Needle.of(needle, Comparator.ASCII).is_in("x" * 40_000 + text) is is_there


@given(st.text(), st.text(), st.text())
def test_the_index_excludes_nothing_that_has_the_needle(
    before: str, needle: str, behind: str
) -> None:
    wanted = Needle.of(needle, Comparator.ASCII)
    text = before + needle + behind
    assert wanted.is_in(text)
    assert wanted.indexed in fold(text)


@pytest.mark.parametrize(
    "needle", ["\u0301x", "e\u0301", "\u0345", "\xad\u0301", "\xad", "\uff9e"]
)
def test_needles_of_which_the_index_says_nothing(needle: str) -> None:
    assert not Needle.of(needle, Comparator.ASCII).indexed
