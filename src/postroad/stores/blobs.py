"""What the core asks of the store of immutable octets."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange

Piece = bytes | bytearray | memoryview
Whole = bytes | memoryview


@dataclass(frozen=True, slots=True)
class BlobFault:
    blob_id: BlobId | None
    place: str  # file and offset
    what: str  # in words for the operator


class BlobStore(Protocol):
    """Octets under random ids that are minted once and never reused.

    The time of minting is in the id: for `RESERVED` after it a blob may get its first reference,
    and it is not collected before twice that (see docs/decisions).
    """

    @abstractmethod
    async def put(self, pieces: Sequence[Piece]) -> BlobId:
        """Store the pieces, joined; durable when it returns. Raises `LowSpace`, `TryLater`."""
        ...

    @abstractmethod
    async def read(self, ranges: Sequence[BlobRange]) -> list[bytes]:
        """The octets of each range, in one hop.

        Raises `NotFound`, and `TryLater` for a record that fails its checksum.
        """
        ...

    @abstractmethod
    async def whole(self, blobs: Sequence[BlobId]) -> list[Whole]:
        """All octets of each blob, in one hop; cheap for small ones that were put together.

        Several may share one piece of memory, so keep none for long. Raises as `read`.
        """
        ...

    @abstractmethod
    def stream(self, wanted: BlobRange, chunk_octets: int = 262_144) -> AsyncIterator[bytes]:
        """A range in chunks."""
        ...

    @abstractmethod
    async def size(self, blob: BlobId) -> int:
        """Raises `NotFound`."""
        ...

    @abstractmethod
    async def delete(self, blobs: Sequence[BlobId]) -> None:
        """Forget blobs; their room is won back by `compact`."""
        ...

    @abstractmethod
    async def ids(self, after: BlobId, limit: int) -> list[BlobId]:
        """Ids in order."""
        ...

    @abstractmethod
    async def compact(self) -> int:
        """Win room back from deleted blobs; returns the octets freed."""
        ...

    @abstractmethod
    def scrub(self) -> AsyncIterator[BlobFault]:
        """Read everything and tell what is damaged."""
        ...
