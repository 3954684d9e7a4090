"""Blobs in a dict, for tests and trials."""

from collections.abc import AsyncIterator, Sequence

from postroad.base.errors import NotFound
from postroad.base.identifiers import new_octets
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange
from postroad.stores.blobs import BlobFault, BlobStore, Piece, Whole


class MemoryBlobStore(BlobStore):
    """`dead_octets` counts what was deleted since the last `compact`."""

    def __init__(self) -> None:
        self.blobs: dict[BlobId, bytes] = {}
        self.dead_octets = 0

    async def put(self, pieces: Sequence[Piece]) -> BlobId:
        blob = BlobId(new_octets())
        self.blobs[blob] = b"".join(pieces)
        return blob

    async def read(self, ranges: Sequence[BlobRange]) -> list[bytes]:
        return [
            self._octets(wanted.blob_id)[max(wanted.start, 0) : max(wanted.end, 0)]
            for wanted in ranges
        ]

    async def whole(self, blobs: Sequence[BlobId]) -> list[Whole]:
        return [self._octets(blob) for blob in blobs]

    async def stream(self, wanted: BlobRange, chunk_octets: int = 262_144) -> AsyncIterator[bytes]:
        octets = (await self.read([wanted]))[0]
        for start in range(0, len(octets), chunk_octets):
            yield octets[start : start + chunk_octets]

    async def size(self, blob: BlobId) -> int:
        return len(self._octets(blob))

    async def delete(self, blobs: Sequence[BlobId]) -> None:
        for blob in blobs:
            self.dead_octets += len(self.blobs.pop(blob, b""))

    async def ids(self, after: BlobId, limit: int) -> list[BlobId]:
        return sorted(blob for blob in self.blobs if blob > after)[:limit]

    async def compact(self) -> int:
        freed, self.dead_octets = self.dead_octets, 0
        return freed

    async def scrub(self) -> AsyncIterator[BlobFault]:
        faults: list[BlobFault] = []
        for fault in faults:
            yield fault

    def _octets(self, blob: BlobId) -> bytes:
        if blob not in self.blobs:
            raise NotFound(f"no blob {blob.hex()}")
        return self.blobs[blob]
