"""What a backup asks of the database: one state of it, which does not change."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Protocol

from postroad.base.moments import Moment
from postroad.model.ids import BlobId


class Snapshot(Protocol):
    """`octets` of them, as they were at `taken_at` or after it."""

    taken_at: Moment
    octets: int

    @abstractmethod
    def blocks(self) -> AsyncIterator[bytes]:
        """All octets in order. What did not change since the last backup gives equal blocks."""
        ...

    @abstractmethod
    async def references(self, after: BlobId, limit: int) -> list[BlobId]:
        """The blobs that this state refers to, in order of id, each once."""
        ...
