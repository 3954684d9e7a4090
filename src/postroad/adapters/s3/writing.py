"""Storing blobs: each in an object of its own."""

import asyncio
from collections.abc import Sequence

from postroad.adapters.s3.bucket import PART_OCTETS, Bucket
from postroad.adapters.s3.cache import Cache
from postroad.adapters.s3.faults import Fault, Kind
from postroad.adapters.s3.layout import checksum_of, encode_head
from postroad.adapters.s3.naming import new_location
from postroad.adapters.s3.parts import Parts
from postroad.adapters.s3.reading import FOLDER, LATER
from postroad.adapters.s3.settings import S3Settings
from postroad.base.errors import TryLater
from postroad.model.ids import BlobId
from postroad.stores.blobs import Piece

_IN_THREAD_OCTETS = 256 * 1024  # more is joined and hashed beside the loop
_NAMES = 5  # tried, where the first is taken
_UPLOADS = 4  # in parts, at a time


class Writer:
    """For one process. `_waiting_octets` are those of all calls of `put` that have not ended."""

    def __init__(self, bucket: Bucket, settings: S3Settings, cache: Cache | None) -> None:
        self._bucket = bucket
        self._settings = settings
        self._cache = cache
        self._waiting_octets = 0
        self._uploads = asyncio.Semaphore(_UPLOADS)

    async def put(self, pieces: Sequence[Piece]) -> BlobId:
        """Durable when it returns. Raises `TryLater`."""
        octets = sum(map(len, pieces))
        if self._waiting_octets and self._waiting_octets + octets > self._settings.waiting_octets:
            raise TryLater("too much waits to be stored")
        self._waiting_octets += octets
        try:
            return await self._put(pieces, octets)
        except Fault as fault:
            raise TryLater(LATER) from fault
        finally:
            self._waiting_octets -= octets

    async def _put(self, pieces: Sequence[Piece], octets: int) -> BlobId:
        if octets > PART_OCTETS:
            async with self._uploads:
                return await self._upload(pieces, octets)
        if octets > _IN_THREAD_OCTETS:
            head, body = await asyncio.to_thread(_encode, pieces, octets)
        else:
            head, body = _encode(pieces, octets)
        return await self._create(head, body)

    async def _create(self, head: bytes, body: bytes) -> BlobId:
        for _ in range(_NAMES):
            location = new_location(1)
            name = f"{FOLDER}/{location.key}"
            try:
                await self._bucket.create(name, body)
            except Fault as fault:
                if fault.kind is not Kind.CONFLICT:
                    raise
                # An attempt that seemed to fail may have stored it.
                if (await self._bucket.fetch(name, 0, len(head))).octets != head:
                    continue
            if self._cache is not None:
                self._cache.store(location.key, body)
            return location.blob_id(0)
        raise Fault(Kind.FAILED, "every new name is taken")

    async def _upload(self, pieces: Sequence[Piece], octets: int) -> BlobId:
        """In parts, where no condition is possible: the name is used nowhere else."""
        head = encode_head([(0, octets, await asyncio.to_thread(checksum_of, pieces))])
        location = new_location(1)
        parts = Parts([head, *pieces], PART_OCTETS)
        try:
            await self._bucket.upload(f"{FOLDER}/{location.key}", parts, len(head) + octets)
        finally:
            parts.give_up()
        return location.blob_id(0)


def _encode(pieces: Sequence[Piece], octets: int) -> tuple[bytes, bytes]:
    head = encode_head([(0, octets, checksum_of(pieces))])
    return head, b"".join([head, *pieces])
