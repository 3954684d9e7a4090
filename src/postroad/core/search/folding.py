"""The forms in which texts are compared, that of i;unicode-casemap (RFC 5051) by default.

Compatibility decomposition and case folding, so that "STRASSE" is found in "Straße", and a
composed letter in its parts. Interop: white space of any length counts as one space, so that a
phrase is found across the line breaks that mailers put in.

With i;ascii-casemap (RFC 4790 section 9.2) only the case of ASCII letters is set aside.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from postroad.model.comparator import Comparator

# How many characters are folded at once: little enough not to hold the other threads up.
_WINDOW = 16_384

# What is not seen and parts words only for the layout: soft hyphen, zero-width space, BOM.
_UNSEEN = "\xad\u200b\ufeff"
_BREAKS = "\r\n\t\v\f"
_CUTS = "\n", " "


def fold(text: str) -> str:
    """The whole text, or a needle, in the form to compare; what is no Unicode becomes ``?``."""
    return "".join(folded(text))


def folded(text: str) -> Iterator[str]:
    """The pieces of `fold(text)`; no more than a piece is made at a time."""
    ends_with_space = False
    for window in _windows(text):
        piece = _fold(window)
        if ends_with_space:
            piece = piece.removeprefix(" ")
        if piece:
            ends_with_space = piece[-1] == " "
            yield piece


@dataclass(frozen=True, slots=True)
class Needle:
    """A text that is looked for as a comparator says; `of` makes it."""

    text: str  # in the form to compare
    comparator: Comparator = Comparator.UNICODE
    indexed: str = ""
    """What a text that has the needle also has, in the form of the index; empty: nothing sure."""

    @classmethod
    def of(cls, text: str, comparator: Comparator = Comparator.UNICODE) -> "Needle":
        in_index = fold(text)
        if comparator is Comparator.UNICODE:
            return cls(in_index, comparator, in_index)
        return cls(_ascii_fold(text), comparator, in_index if _is_steady(text) else "")

    @property
    def is_as_indexed(self) -> bool:
        """Whether an index that is certain of its form is certain of the needle."""
        return self.comparator is Comparator.UNICODE

    def is_in(self, text: str) -> bool:
        if self.comparator is Comparator.ASCII:
            return _contains(map(_ascii_fold, _windows(text)), self.text)
        return _contains(folded(text), self.text)


def _contains(pieces: Iterable[str], needle: str) -> bool:
    kept = len(needle) - 1
    tail = ""
    for piece in pieces:
        searched = tail + piece
        if needle in searched:
            return True
        tail = searched[-kept:] if kept > 0 else ""
    return not needle


def _ascii_fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    return text.encode("utf-8", "replace").lower().decode()


def _is_steady(text: str) -> bool:
    """Whether it keeps its form wherever it stands: accents change places among each other."""
    plain = unicodedata.normalize("NFKD", _seen(text))
    return not any(map(unicodedata.combining, plain[:1] + plain[-1:]))


def _seen(text: str) -> str:
    for unseen in _UNSEEN:
        text = text.replace(unseen, "")
    return text


def _windows(text: str) -> Iterator[str]:
    """The text in pieces, cut behind white space where there is some."""
    at = 0
    while at < len(text):
        end = at + _WINDOW
        if end < len(text):
            end = max([text.rfind(cut, at, end) for cut in _CUTS]) + 1 or _before_starter(
                text, end
            )
        yield text[at:end]
        at = end


def _before_starter(text: str, end: int) -> int:
    """The next place that does not part a letter from its accents, within reason."""
    for place in range(end, min(end + 100, len(text))):
        if not unicodedata.combining(text[place]):
            return place
    return end


def _fold(text: str) -> str:
    if text.isascii():
        text = text.lower()
    else:
        text = _seen(text.encode("utf-8", "replace").decode())
        text = unicodedata.normalize("NFKD", text).casefold()
    for each in _BREAKS:
        text = text.replace(each, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text
