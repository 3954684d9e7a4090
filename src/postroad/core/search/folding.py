"""The form in which texts are compared, like i;unicode-casemap (RFC 5051).

Compatibility decomposition and case folding, so that "STRASSE" is found in "Straße", and a
composed letter in its parts. Interop: white space of any length counts as one space, so that a
phrase is found across the line breaks that mailers put in.
"""

import unicodedata
from collections.abc import Iterator

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


def contains(text: str, needle: str) -> bool:
    """Whether a text contains a needle, which is folded already."""
    kept = len(needle) - 1
    tail = ""
    for piece in folded(text):
        searched = tail + piece
        if needle in searched:
            return True
        tail = searched[-kept:] if kept > 0 else ""
    return not needle


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
        text = text.encode("utf-8", "replace").decode()
        for unseen in _UNSEEN:
            text = text.replace(unseen, "")
        text = unicodedata.normalize("NFKD", text).casefold()
    for each in _BREAKS:
        text = text.replace(each, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text
