"""Reading blobs: from the cache, or else from their objects."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from postroad.adapters.s3.bucket import Bucket, Fetched
from postroad.adapters.s3.cache import Cache
from postroad.adapters.s3.faults import Fault, Kind
from postroad.adapters.s3.gathering import filled
from postroad.adapters.s3.layout import Damaged, Entry, Head, head_octets, intact
from postroad.adapters.s3.naming import Location, locate
from postroad.base.errors import NotFound, TryLater
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange
from postroad.stores.blobs import Whole

log = logging.getLogger(__name__)

FOLDER = "blobs"
LATER = "the store of messages does not answer at the moment"
_ALL = 2**62
_HEAD_OCTETS = head_octets(1)
_NEAR_OCTETS = 256 * 1024  # fetched with the head: a small object is then whole, and kept
_WINDOW_OCTETS = 4 * 1024**2
_READERS = 2


class Reader:
    """All methods raise `NotFound`, and `TryLater` for what is damaged or cannot be had now."""

    def __init__(
        self, bucket: Bucket, cache: Cache | None, is_dead: Callable[[Location], bool]
    ) -> None:
        self._bucket = bucket
        self._cache = cache
        self._is_dead = is_dead
        self._is_closed = False
        self._readers = ThreadPoolExecutor(_READERS, "s3-reader")

    def close(self) -> None:
        self._is_closed = True
        self._readers.shutdown()

    async def read(self, ranges: Sequence[BlobRange]) -> list[bytes]:
        cached = await self._cached([wanted.blob_id for wanted in ranges])
        found = [
            None if octets is None else _slice(octets, wanted)
            for octets, wanted in zip(cached, ranges, strict=True)
        ]
        return await filled(found, self._read_missing, ranges, lambda one: one.blob_id)

    async def whole(self, blobs: Sequence[BlobId]) -> list[Whole]:
        found = await self._cached(blobs)
        return await filled(found, self._whole_missing, blobs, lambda one: one)

    async def size(self, blob: BlobId) -> int:
        (cached,) = await self._cached([blob])
        if cached is not None:
            return len(cached)
        location = locate(blob)
        keeps = self._cache is not None and location.count > 1
        fetched = await self._fetch(location, 0, _ALL if keeps else head_octets(location.count))
        return _entry(location, fetched.octets).length

    async def stream(self, wanted: BlobRange, chunk_octets: int) -> AsyncIterator[bytes]:
        """A few megaoctets are held at a time, however slowly they are taken."""
        for start in range(max(wanted.start, 0), wanted.end, _WINDOW_OCTETS):
            window = BlobRange(wanted.blob_id, start, min(start + _WINDOW_OCTETS, wanted.end))
            octets = (await self.read([window]))[0]
            for offset in range(0, len(octets), chunk_octets):
                yield octets[offset : offset + chunk_octets]
            if len(octets) < window.end - start:
                return  # the blob has no more

    async def _cached(self, blobs: Sequence[BlobId]) -> list[Whole | None]:
        """In one hop; None for what has to be fetched."""
        wanted = [locate(blob) for blob in blobs]
        for location in filter(self._is_dead, wanted):
            raise _missing(location)
        if self._cache is None or self._is_closed or not blobs:
            return [None] * len(blobs)
        find = self._cache.find
        return await asyncio.get_running_loop().run_in_executor(
            self._readers, lambda: find(wanted)
        )

    async def _read_missing(self, ranges: Sequence[BlobRange]) -> list[bytes]:
        """Ranges of blobs of one object."""
        location = locate(ranges[0].blob_id)
        if location.count > 1:
            blobs = await self._whole_missing([wanted.blob_id for wanted in ranges])
            return [_slice(blob, wanted) for blob, wanted in zip(blobs, ranges, strict=True)]
        return [await self._range(location, wanted) for wanted in ranges]

    async def _whole_missing(self, blobs: Sequence[BlobId]) -> list[Whole]:
        """Blobs of one object."""
        fetched = await self._fetch(locate(blobs[0]), 0, _ALL)
        return [_whole(locate(blob), fetched.octets) for blob in blobs]

    async def _range(self, location: Location, wanted: BlobRange) -> bytes:
        """Of an object with one blob."""
        start, end = max(wanted.start, 0), max(wanted.end, 0)
        if start > _NEAR_OCTETS:
            if start >= end:
                return b""
            fetched = await self._fetch(location, _HEAD_OCTETS + start, _HEAD_OCTETS + end)
            return bytes(fetched.octets)
        fetched = await self._fetch(location, 0, _HEAD_OCTETS + max(end, _NEAR_OCTETS))
        entry = _entry(location, fetched.octets)
        if entry.end <= len(fetched.octets):
            return _slice(_whole(location, fetched.octets), wanted)
        return bytes(fetched.octets[entry.offset + start : entry.offset + end])

    async def _fetch(self, location: Location, start: int, end: int) -> Fetched:
        """A range of an object; where it is all of it, it is kept."""
        try:
            fetched = await self._bucket.fetch(f"{FOLDER}/{location.key}", start, end)
        except Fault as fault:
            if fault.kind is Kind.ABSENT:
                raise _missing(location) from None
            if fault.kind is Kind.BEYOND:
                return Fetched(memoryview(b""), 0, "")
            raise TryLater(LATER) from fault
        if self._cache is not None and len(fetched.octets) == fetched.size:
            self._cache.store(location.key, fetched.octets)
        return fetched


def _slice(octets: Whole, wanted: BlobRange) -> bytes:
    return bytes(octets[max(wanted.start, 0) : max(wanted.end, 0)])


def _entry(location: Location, octets: memoryview) -> Entry:
    try:
        entry = Head(octets, location.count).find(location.number)
    except Damaged as error:
        raise _unreadable(location, error) from error
    if entry is None:
        raise _missing(location)
    return entry


def _whole(location: Location, octets: memoryview) -> memoryview:
    entry = _entry(location, octets)
    try:
        return intact(octets, entry)
    except Damaged as error:
        raise _unreadable(location, error) from error


def _missing(location: Location) -> NotFound:
    return NotFound(f"no blob {location.blob_id(location.number).hex()}")


def _unreadable(location: Location, error: Damaged) -> TryLater:
    """Security: the place is told to the operator, not to the client that asked for a message."""
    blob = location.blob_id(location.number).hex()
    details = {"blob": blob, "object": f"{FOLDER}/{location.key}", "why": str(error)}
    log.warning("stored octets cannot be read: see postroad verify", extra=details)
    return TryLater("a stored message cannot be read at the moment; the operator is told")
