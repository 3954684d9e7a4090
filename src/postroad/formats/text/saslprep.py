"""SASLprep (RFC 4013): one form for names and passwords that look the same."""

import stringprep
from collections.abc import Callable
from unicodedata import ucd_3_2_0

from postroad.base.syntax import BadSyntax

_PROHIBITED: tuple[Callable[[str], bool], ...] = (  # RFC 4013 section 2.3
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def saslprep(text: str, *, is_stored: bool) -> str:
    """The prepared form; what is stored may hold no code points that Unicode 3.2 had not.

    Raises `BadSyntax` for prohibited characters and mixed directions.
    """
    if text.isascii() and text.isprintable():
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char
        for char in text
        if not stringprep.in_table_b1(char)
    )
    prepared = ucd_3_2_0.normalize("NFKC", mapped)
    for position, char in enumerate(prepared):
        is_unassigned = is_stored and stringprep.in_table_a1(char)
        if is_unassigned or any(is_in(char) for is_in in _PROHIBITED):
            raise BadSyntax("a character that SASLprep allows", position)
    _check_direction(prepared)
    return prepared


def _check_direction(text: str) -> None:
    """RFC 3454 section 6: text from right to left begins and ends so, with no other within."""
    right_to_left = [stringprep.in_table_d1(char) for char in text]
    if not any(right_to_left):
        return
    if any(map(stringprep.in_table_d2, text)) or not (right_to_left[0] and right_to_left[-1]):
        raise BadSyntax("text of one direction", 0)
