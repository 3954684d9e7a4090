"""What the core asks of an index of texts: which messages may contain a needle.

An index is derived and may be behind, partial or gone: it narrows a search, and what it names
but is not certain of is verified on the message. All texts are folded by the core
(`core.search.folding`), needles too, so an index compares characters as they are, at most
without regard to the case of ASCII.
"""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Protocol

from postroad.model.ids import AccountId, EmailId

FIELDS = ("from", "to", "cc", "bcc", "subject")
"""Header fields whose texts an index keeps as they are, as they are searched most."""


EVERYTHING = range(2**63 - 1)
"""All emails, by their ids."""


class Scope(Enum):
    """Where a needle is looked for."""

    HEADER = "header"
    BODY = "body"
    ANYWHERE = "anywhere"


@dataclass(frozen=True, slots=True)
class MessageText:
    """The folded texts of one message."""

    email_id: EmailId
    header: str
    body: str
    is_whole: bool = True  # False: there is more text than is given, so it is always a candidate
    fields: tuple[str | None, ...] = (None,) * len(FIELDS)
    """Of each of `FIELDS` what is searched, a line feed before each text; None: not known."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """A superset of the messages up to `indexed_up_to` that contain a needle.

    Nothing is said of newer messages, nor of those outside of the range that was asked for. Ids
    of messages that are gone may be among them.
    """

    email_ids: frozenset[EmailId]
    indexed_up_to: EmailId
    certain: frozenset[EmailId] = frozenset()  # those of them that need not be looked at


class Grade(IntEnum):
    """Where a message has a word, the best place last."""

    IN_BODY = 1  # as a part of a longer word
    WORD_OF_BODY = 2
    IN_HEADER = 3
    WORD_OF_HEADER = 4


@dataclass(frozen=True, slots=True)
class Ranked:
    """The messages up to `indexed_up_to` that have all of some words, and how well: 0 to 1.

    What looks like several words to the index counts as if each were asked for, and words that it
    cannot look up are passed over. Of the messages in `unsure` there is more text.
    """

    scores: Mapping[EmailId, float]
    unsure: frozenset[EmailId]
    indexed_up_to: EmailId


class Ranking:
    """Puts the grades of words together: a rare word counts more than one that many have."""

    def __init__(self, indexed_up_to: EmailId) -> None:
        self._up_to = indexed_up_to
        self._points: dict[EmailId, float] | None = None
        self._best = 0.0

    def add(self, grades: Mapping[EmailId, Grade]) -> None:
        """Another word, and all messages that have it."""
        weight = math.log(2 + self._up_to / (1 + len(grades)))
        self._best += weight * max(Grade)
        held = self._points
        self._points = {
            key: weight * grade + (0 if held is None else held[key])
            for key, grade in grades.items()
            if held is None or key in held
        }

    def ranked(self, unsure: frozenset[EmailId]) -> Ranked | None:
        """None: there was no word."""
        if self._points is None:
            return None
        scores = {key: points / self._best for key, points in self._points.items()}
        return Ranked(scores, unsure, self._up_to)


class SearchIndex(Protocol):
    """Texts of messages, account by account. Every call may raise `TryLater`."""

    @abstractmethod
    async def index(
        self,
        account: AccountId,
        after: EmailId,
        texts: Sequence[MessageText],
        up_to: EmailId,
    ) -> EmailId:
        """Add the messages after `after` up to `up_to`, all or none; one hop.

        Nothing is done if the index does not stand at `after`, since another has been faster or
        it was lost and begun anew. Returns up to where it is indexed now. Raises `LowSpace`.
        """
        ...

    @abstractmethod
    async def remove(self, account: AccountId, email_ids: Sequence[EmailId]) -> None:
        """Forget messages; those that are not there are passed over."""
        ...

    @abstractmethod
    async def indexed_up_to(self, account: AccountId) -> EmailId:
        """The newest message that was given to the index; 0 for none."""
        ...

    @abstractmethod
    async def candidates(
        self, account: AccountId, needle: str, scope: Scope, within: range = EVERYTHING
    ) -> Candidates | None:
        """The messages that may contain `needle`; None: the index cannot narrow this search."""
        ...

    @abstractmethod
    async def with_field(
        self,
        account: AccountId,
        field: str,
        needle: str,
        among: Sequence[EmailId] | range = EVERYTHING,
    ) -> Candidates | None:
        """As `candidates`, with `needle` in a text of one of `FIELDS`; an empty one is in any.

        `among` are those that matter: a few, or a range. Of a field that is not known a message
        is a candidate.
        """
        ...

    @abstractmethod
    async def ranked(
        self, account: AccountId, words: Sequence[str], *, in_header: bool
    ) -> Ranked | None:
        """The messages with all words, in the body or also `in_header`; one hop.

        It answers by itself and is not verified. None: the index cannot.
        """
        ...

    @abstractmethod
    async def forget(self, account: AccountId) -> None:
        """Remove all that is kept of an account."""
        ...
