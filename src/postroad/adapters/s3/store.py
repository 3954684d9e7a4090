"""`S3BlobStore`: blobs in a bucket, for any number of processes on any number of nodes."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from postroad.adapters.s3.bucket import Bucket
from postroad.adapters.s3.cache import Cache
from postroad.adapters.s3.faults import Fault
from postroad.adapters.s3.naming import locate, new_location
from postroad.adapters.s3.reading import FOLDER, LATER, Reader
from postroad.adapters.s3.scrubbing import named, scrub
from postroad.adapters.s3.settings import S3Settings
from postroad.adapters.s3.writing import Writer
from postroad.base.errors import TryLater
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange
from postroad.stores.blobs import BlobFault, BlobStore, Piece, Whole


class S3BlobStore(BlobStore):
    """Whatever is done is seen by all nodes at once; on this machine there is only a cache.

    A range over the end of a blob is cut there. Whole blobs are compared with their checksums.
    """

    def __init__(self, settings: S3Settings) -> None:
        self._bucket = Bucket(settings)
        self._cache = None
        if settings.cache is not None:
            self._cache = Cache(settings.cache, settings.cache_octets, settings.min_free_octets)
        self._writer = Writer(self._bucket, settings, self._cache)
        self._reader = Reader(self._bucket, self._cache)
        self._freed_octets = 0

    async def check(self) -> str | None:
        """Whether the bucket can be listed, written, read and cleared; what is wrong, if not."""
        name = f"check/{new_location(1).key}"
        try:
            await self._bucket.page(FOLDER, "")
            await self._bucket.create(name, b"postroad")
            await self._bucket.fetch(name, 0, 8)
            await self._bucket.delete([name])
        except Fault as fault:
            return fault.why
        return None

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
        if not blobs:
            return
        keys = [locate(blob).key for blob in blobs]
        try:
            await self._bucket.delete([f"{FOLDER}/{key}" for key in keys])
        except Fault as fault:
            raise TryLater(LATER) from fault
        if self._cache is not None:
            for key in keys:
                self._cache.drop(key)

    async def ids(self, after: BlobId, limit: int) -> list[BlobId]:
        found: list[BlobId] = []
        try:
            async for one in self._bucket.walk(FOLDER, after.hex()):
                if (location := named(one)) is not None:
                    found += [blob for blob in location.blob_ids() if blob > after]
                if len(found) >= limit:
                    break
        except Fault as fault:
            raise TryLater(LATER) from fault
        return found[:limit]

    async def compact(self) -> int:
        freed, self._freed_octets = self._freed_octets, 0
        return freed

    async def scrub(self) -> AsyncIterator[BlobFault]:
        try:
            async for fault in scrub(self._bucket):
                yield fault
        except Fault as fault:
            raise TryLater(LATER) from fault

    async def close(self) -> None:
        """What was answered for is stored; the threads end."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._reader.close()
        if self._cache is not None:
            self._cache.close()
