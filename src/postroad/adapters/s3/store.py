"""`S3BlobStore`: blobs in a bucket, for any number of processes on any number of nodes."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

from postroad.adapters.s3 import listing
from postroad.adapters.s3.bucket import Bucket
from postroad.adapters.s3.cache import Cache
from postroad.adapters.s3.examining import examine
from postroad.adapters.s3.faults import Fault
from postroad.adapters.s3.forgetting import Graveyard
from postroad.adapters.s3.reading import LATER, Reader
from postroad.adapters.s3.scrubbing import scrub
from postroad.adapters.s3.settings import S3Settings
from postroad.adapters.s3.writing import Writer
from postroad.base.errors import TryLater
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange
from postroad.stores.blobs import BlobFault, BlobStore, Piece, Whole


class S3BlobStore(BlobStore):
    """Whatever is stored is seen by all nodes at once; on this machine there is only a cache.

    A range over the end of a blob is cut there. Whole blobs are compared with their checksums.
    What another process deleted may be read until its object is written anew.
    """

    def __init__(self, settings: S3Settings) -> None:
        self._bucket = Bucket(settings)
        self._cache = None
        if settings.cache is not None:
            self._cache = Cache(settings.cache, settings.cache_octets, settings.min_free_octets)
        self._graveyard = Graveyard(self._bucket, self._cache)
        self._writer = Writer(self._bucket, settings, self._cache)
        self._reader = Reader(self._bucket, self._cache, self._graveyard.is_dead)

    async def check(self) -> str | None:
        """Whether the bucket can do all that we ask of it; what is wrong, if not."""
        try:
            return await examine(self._bucket)
        except Fault as fault:
            return fault.why

    async def put(self, pieces: Sequence[Piece]) -> BlobId:
        return await self._writer.put(pieces)

    async def read(self, ranges: Sequence[BlobRange]) -> list[bytes]:
        return await self._reader.read(ranges)

    async def whole(self, blobs: Sequence[BlobId]) -> list[Whole]:
        return await self._reader.whole(blobs)

    async def stream(self, wanted: BlobRange, chunk_octets: int = 262_144) -> AsyncIterator[bytes]:
        async for chunk in self._reader.stream(wanted, chunk_octets):
            yield chunk

    async def size(self, blob: BlobId) -> int:
        return await self._reader.size(blob)

    async def delete(self, blobs: Sequence[BlobId]) -> None:
        with _told():
            await self._graveyard.bury(blobs)

    async def ids(self, after: BlobId, limit: int) -> list[BlobId]:
        with _told():
            return await listing.ids(self._bucket, self._graveyard, after, limit)

    async def compact(self) -> int:
        with _told():
            return await self._graveyard.rewrite()

    async def scrub(self) -> AsyncIterator[BlobFault]:
        with _told():
            async for fault in scrub(self._bucket, self._graveyard):
                yield fault

    async def close(self) -> None:
        """What was answered for is stored; the threads end."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._bucket.close()
        self._reader.close()
        if self._cache is not None:
            self._cache.close()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except Fault as fault:
        raise TryLater(LATER) from fault
