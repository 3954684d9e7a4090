"""Reading every object, and telling which blobs are damaged."""

from collections.abc import AsyncIterator

from xxhash import xxh3_128

from postroad.adapters.s3.bucket import Bucket, Fetched
from postroad.adapters.s3.faults import Fault, Kind
from postroad.adapters.s3.forgetting import Graveyard
from postroad.adapters.s3.layout import Damaged, Entry, Head
from postroad.adapters.s3.listing import named
from postroad.adapters.s3.naming import Location
from postroad.adapters.s3.reading import FOLDER
from postroad.stores.blobs import BlobFault

_WINDOW_OCTETS = 8 * 1024**2


async def scrub(bucket: Bucket, graveyard: Graveyard) -> AsyncIterator[BlobFault]:
    """In the order of the keys; a large object is read in windows. Raises `Fault`."""
    async for one in bucket.walk(FOLDER):
        if (location := named(one)) is None:
            yield BlobFault(None, f"{FOLDER}/{one.name}", "no object of ours")
            continue
        try:
            faults = await _Object(bucket, location).faults()
        except Fault as fault:
            if fault.kind is Kind.ABSENT:  # deleted meanwhile
                continue
            raise
        if faults:
            dead = await graveyard.dead(location.key)
            gone = {location.blob_id(number) for number in dead}
            for found in faults:
                if found.blob_id not in gone:
                    yield found


class _Object:
    """`_window` is the part of the object that was fetched last, from `_start` on."""

    def __init__(self, bucket: Bucket, location: Location) -> None:
        self._bucket = bucket
        self._location = location
        self._name = f"{FOLDER}/{location.key}"
        self._start = 0
        self._window = Fetched(memoryview(b""), 0, "")

    async def faults(self) -> list[BlobFault]:
        await self._fetch(0)
        try:
            head = Head(self._window.octets, self._location.count)
        except Damaged as error:
            return [BlobFault(blob, self._name, str(error)) for blob in self._location.blob_ids()]
        found = [
            BlobFault(
                self._location.blob_id(entry.number),
                f"{self._name} at {entry.offset}",
                "the blob is damaged",
            )
            for entry in head.entries()
            if not await self._is_whole(entry)
        ]
        if self._window.size > head.octets():
            found.append(BlobFault(None, self._name, "there is more than was stored"))
        return found

    async def _is_whole(self, entry: Entry) -> bool:
        state, position = xxh3_128(), entry.offset
        while position < min(entry.end, self._window.size):
            if position >= self._start + len(self._window.octets):
                await self._fetch(position)
            part = self._window.octets[position - self._start : entry.end - self._start]
            state.update(part)
            position += len(part)
        return state.digest() == entry.checksum

    async def _fetch(self, start: int) -> None:
        window = await self._bucket.fetch(self._name, start, start + _WINDOW_OCTETS)
        if start and not window.octets:
            raise Fault(Kind.FAILED, "the service sends nothing")
        self._start, self._window = start, window
