"""What the core asks of an index of texts: which messages may contain a needle.

An index is derived and may be behind, partial or gone: it narrows a search, and what it names
is verified on the message. All texts are folded by the core (`core.search.folding`), needles
too, so an index compares characters as they are, at most without regard to the case of ASCII.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from postroad.model.ids import AccountId, EmailId


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


@dataclass(frozen=True, slots=True)
class Candidates:
    """A superset of the messages up to `indexed_up_to` that contain a needle.

    Nothing is said of newer messages. Ids of messages that are gone may be among them.
    """

    email_ids: frozenset[EmailId]
    indexed_up_to: EmailId


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
    async def candidates(self, account: AccountId, needle: str, scope: Scope) -> Candidates | None:
        """The messages that may contain `needle`; None: the index cannot narrow this search."""
        ...

    @abstractmethod
    async def forget(self, account: AccountId) -> None:
        """Remove all that is kept of an account."""
        ...
