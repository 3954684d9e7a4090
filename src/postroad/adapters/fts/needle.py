"""Needles as terms of the index: which terms a message that contains the needle must have.

A text is a row of terms, runs of ASCII letters and digits and of all that is not ASCII, as the
tokenizer `ascii` of FTS5 has them. If a text contains a needle, the needle's inner terms are
terms of the text, its first one ends a term there, and its last one begins one.
"""

import re
from dataclasses import dataclass
from enum import Enum

from postroad.stores.search import Scope

LONGEST_RUN_OCTETS = 8000
"""A term longer than this is not kept whole by FTS5 (its limit is 32,768 octets)."""

_TERM = re.compile(r"[0-9A-Za-z\x80-\U0010ffff]+")
_SEPARATORS = bytes(
    octet if octet >= 0x80 or chr(octet).isalnum() else 0x20 for octet in range(256)
)
_LAST_BEFORE_SURROGATES, _FIRST_AFTER_SURROGATES = 0xD7FF, 0xE000
_LAST_CHARACTER = 0x10FFFF


class Fit(Enum):
    """How a term of the needle lies in a term of the index."""

    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    INSIDE = "inside"


@dataclass(frozen=True, slots=True)
class NeedleTerm:
    term: str
    fit: Fit


def terms_of(needle: str) -> list[NeedleTerm]:
    """What must be among the terms of a text that contains `needle`; empty: anything may."""
    found = list(_TERM.finditer(_lower(needle)))
    return [
        NeedleTerm(match[0], _fit(match.start() == 0, match.end() == len(needle)))
        for match in found
    ]


def _fit(is_first: bool, is_last: bool) -> Fit:
    """A term at the needle's edge may be a piece of a longer one."""
    if is_first and is_last:
        return Fit.INSIDE
    if is_first:
        return Fit.SUFFIX
    return Fit.PREFIX if is_last else Fit.EXACT


def _lower(needle: str) -> str:
    """Only ASCII, as the tokenizer does it; the length stays."""
    return needle.encode().lower().decode()


def after_prefix(prefix: str) -> str | None:
    """The least text that is greater than all that begin with `prefix`; None: there is none.

    SQLite compares UTF-8 octets, whose order is the order of the code points.
    """
    while prefix:
        last = ord(prefix[-1])
        if last == _LAST_BEFORE_SURROGATES:
            return prefix[:-1] + chr(_FIRST_AFTER_SURROGATES)
        if last < _LAST_CHARACTER:
            return prefix[:-1] + chr(last + 1)
        prefix = prefix[:-1]
    return None


def has_long_run(text: str) -> bool:
    """Whether a term of the text is too long to be kept whole; linear, in large steps."""
    octets = text.encode().translate(_SEPARATORS)
    at, size = 0, len(octets)
    while size - at > LONGEST_RUN_OCTETS:
        separator = octets.rfind(b" ", at, at + LONGEST_RUN_OCTETS)
        if separator < 0:
            return True
        at = separator + 1
    return False


def phrase_expression(firsts: list[str], rest: list[NeedleTerm], scope: Scope) -> str:
    """An FTS5 query for any of `firsts` with the rest right behind it."""
    behind = "".join(f" {each.term}" for each in rest)
    beginning = " *" if rest[-1].fit is Fit.PREFIX else ""
    phrases = " OR ".join([f'"{first}{behind}"{beginning}' for first in firsts])
    return phrases if scope is Scope.ANYWHERE else f"{scope.value} : ({phrases})"


def match_expression(terms: list[str], scope: Scope) -> str:
    """An FTS5 query for any of the terms; they hold no quotes, since those part terms."""
    words = " OR ".join([f'"{term}"' for term in terms])
    return words if scope is Scope.ANYWHERE else f"{scope.value} : ({words})"
