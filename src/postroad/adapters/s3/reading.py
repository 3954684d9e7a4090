"""Reading blobs from their objects."""

import logging
from collections.abc import AsyncIterator

from postroad.adapters.s3.bucket import Bucket
from postroad.adapters.s3.faults import Fault, Kind
from postroad.adapters.s3.layout import Damaged, Entry, decode_head, head_octets, intact
from postroad.adapters.s3.naming import Location, locate
from postroad.adapters.s3.writing import FOLDER, LATER
from postroad.base.errors import NotFound, TryLater
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange

log = logging.getLogger(__name__)

_ALL = 2**62
_HEAD_OCTETS = head_octets(1)
_NEAR_OCTETS = 64 * 1024  # a range that begins here is read together with the head
_WINDOW_OCTETS = 4 * 1024**2


class Reader:
    """All methods raise `NotFound`, and `TryLater` for what is damaged or cannot be had now."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def read(self, wanted: BlobRange) -> bytes:
        blob = wanted.blob_id
        start, end = max(wanted.start, 0), max(wanted.end, 0)
        if start > _NEAR_OCTETS:
            return bytes(await self._fetch(blob, _HEAD_OCTETS + start, _HEAD_OCTETS + end))
        octets = await self._fetch(blob, 0, _HEAD_OCTETS + end)
        entry = self._entry(blob, octets)
        return bytes(self._cut(blob, octets, entry, start, end))

    async def whole(self, blob: BlobId) -> memoryview:
        octets = await self._fetch(blob, 0, _ALL)
        return self._cut(blob, octets, self._entry(blob, octets), 0, _ALL)

    async def size(self, blob: BlobId) -> int:
        return self._entry(blob, await self._fetch(blob, 0, _HEAD_OCTETS)).length

    async def stream(self, wanted: BlobRange, chunk_octets: int) -> AsyncIterator[bytes]:
        """A few megaoctets are held at a time, however slowly they are taken."""
        end = min(wanted.end, await self.size(wanted.blob_id))
        for start in range(max(wanted.start, 0), end, _WINDOW_OCTETS):
            window = BlobRange(wanted.blob_id, start, min(start + _WINDOW_OCTETS, end))
            octets = await self.read(window)
            for offset in range(0, len(octets), chunk_octets):
                yield octets[offset : offset + chunk_octets]

    async def _fetch(self, blob: BlobId, start: int, end: int) -> memoryview:
        location = locate(blob)
        if start >= end:
            return memoryview(b"")
        try:
            return (await self._bucket.fetch(_name(location), start, end)).octets
        except Fault as fault:
            if fault.kind is Kind.ABSENT:
                raise NotFound(f"no blob {blob.hex()}") from None
            if fault.kind is Kind.BEYOND:
                return memoryview(b"")
            raise TryLater(LATER) from fault

    def _entry(self, blob: BlobId, octets: memoryview) -> Entry:
        location = locate(blob)
        try:
            entry = decode_head(octets, location.count).entries.get(location.number)
        except Damaged as error:
            raise unreadable(blob, error) from error
        if entry is None:
            raise NotFound(f"no blob {blob.hex()}")
        return entry

    def _cut(
        self, blob: BlobId, octets: memoryview, entry: Entry, start: int, end: int
    ) -> memoryview:
        end = min(end, entry.length)
        if start == 0 and end == entry.length:
            try:
                return intact(octets, entry)
            except Damaged as error:
                raise unreadable(blob, error) from error
        return octets[entry.offset + start : entry.offset + end] if start < end else octets[:0]


def _name(location: Location) -> str:
    return f"{FOLDER}/{location.key}"


def unreadable(blob: BlobId, error: Damaged) -> TryLater:
    """Security: the place is told to the operator, not to the client that asked for a message."""
    log.warning(
        "stored octets cannot be read: see postroad verify",
        extra={"blob": blob.hex(), "object": _name(locate(blob)), "why": str(error)},
    )
    return TryLater("a stored message cannot be read at the moment; the operator is told")
