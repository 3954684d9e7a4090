"""Storing blobs: small ones together, others each in an object of its own."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from postroad.adapters.s3.bucket import PART_OCTETS, Bucket
from postroad.adapters.s3.cache import Cache
from postroad.adapters.s3.faults import Fault
from postroad.adapters.s3.layout import checksum_of, encode_head
from postroad.adapters.s3.naming import new_location
from postroad.adapters.s3.objects import create_object
from postroad.adapters.s3.packing import Packer
from postroad.adapters.s3.parts import Parts
from postroad.adapters.s3.reading import FOLDER, LATER
from postroad.adapters.s3.settings import S3Settings
from postroad.base.errors import LowSpace, TryLater
from postroad.model.ids import BlobId
from postroad.stores.blobs import Piece

T = TypeVar("T")

_ALONE_OCTETS = 512 * 1024  # a blob of more has an object of its own
_LOOK_AT_DISK_SECONDS = 1.0
_UPLOADS = 4  # in parts, at a time


class Writer:
    """For one process. `_waiting_octets` are those of all calls of `put` that have not ended."""

    def __init__(self, bucket: Bucket, settings: S3Settings, cache: Cache | None) -> None:
        self._bucket = bucket
        self._settings = settings
        self._create = partial(create_object, bucket, cache)
        self._packer = Packer(self._create)
        self._waiting_octets = 0
        self._looked_at_disk = float("-inf")
        self._is_low = False
        self._uploads = asyncio.Semaphore(_UPLOADS)

    async def put(self, pieces: Sequence[Piece]) -> BlobId:
        """Durable when it returns. Raises `LowSpace`, `TryLater`."""
        octets = sum(map(len, pieces))
        self._check_disk()
        if self._waiting_octets and self._waiting_octets + octets > self._settings.waiting_octets:
            raise TryLater("too much waits to be stored")
        self._waiting_octets += octets
        try:
            if octets <= _ALONE_OCTETS:
                return await self._packer.put(pieces, octets)
            if octets <= PART_OCTETS:
                return (await self._create([pieces])).blob_id(0)
            async with self._uploads:
                return await self._upload(pieces, octets)
        except Fault as fault:
            raise TryLater(LATER) from fault
        finally:
            self._waiting_octets -= octets

    def _check_disk(self) -> None:
        """Raises `LowSpace`, long before a row cannot be written."""
        disk, now = self._settings.disk, time.monotonic()
        if disk is not None and now - self._looked_at_disk >= _LOOK_AT_DISK_SECONDS:
            self._looked_at_disk = now
            state = os.statvfs(disk)
            self._is_low = state.f_bavail * state.f_frsize < self._settings.min_free_octets
        if self._is_low:
            raise LowSpace("the disk is nearly full")

    async def _upload(self, pieces: Sequence[Piece], octets: int) -> BlobId:
        """In parts, where no condition is possible: the name is used nowhere else."""
        head = encode_head([(0, octets, await _in_thread(lambda: checksum_of(pieces)))])
        location = new_location(1)
        parts = Parts([head, *pieces], PART_OCTETS)
        try:
            await self._bucket.upload(f"{FOLDER}/{location.key}", parts, len(head) + octets)
        finally:
            parts.give_up()
        return location.blob_id(0)


async def _in_thread(work: Callable[[], T]) -> T:
    """It ends before this does, since it looks at the caller's memory."""
    working = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise
