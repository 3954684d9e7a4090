"""Reading every object, and telling which are damaged."""

from collections.abc import AsyncIterator

from xxhash import xxh3_128

from postroad.adapters.s3.bucket import Bucket, Listed
from postroad.adapters.s3.faults import Fault, Kind
from postroad.adapters.s3.layout import Damaged, Head
from postroad.adapters.s3.naming import Location, located
from postroad.adapters.s3.reading import FOLDER
from postroad.stores.blobs import BlobFault

_WINDOW_OCTETS = 8 * 1024**2


async def scrub(bucket: Bucket) -> AsyncIterator[BlobFault]:
    """In the order of the keys; a large object is read in windows. Raises `Fault`."""
    async for one in bucket.walk(FOLDER):
        if (location := named(one)) is None:
            yield BlobFault(None, f"{FOLDER}/{one.name}", "no object of ours")
            continue
        try:
            faults = await _Object(bucket, one, location).faults()
        except Fault as fault:
            if fault.kind is Kind.ABSENT:  # deleted meanwhile
                continue
            raise
        for found in faults:
            yield found


def named(one: Listed) -> Location | None:
    """What an object's name says; None for a strange one."""
    try:
        location = located(one.name)
    except ValueError:
        return None
    return location if location.key == one.name and len(one.name) == 32 else None


class _Object:
    def __init__(self, bucket: Bucket, listed: Listed, location: Location) -> None:
        self._bucket = bucket
        self._listed = listed
        self._location = location
        self._name = f"{FOLDER}/{listed.name}"

    async def faults(self) -> list[BlobFault]:
        first = await self._bucket.fetch(self._name, 0, _WINDOW_OCTETS)
        try:
            head = Head(first.octets, self._location.count)
        except Damaged as error:
            return [BlobFault(self._location.blob_id(0), self._name, str(error))]
        if head.octets() != first.size:
            return [BlobFault(self._location.blob_id(0), self._name, "its length is wrong")]
        return await self._compare(head, first.octets)

    async def _compare(self, head: Head, octets: memoryview) -> list[BlobFault]:
        """`octets` are those from `start` on; what is behind them is read in windows."""
        found: list[BlobFault] = []
        start = 0
        for entry in head.entries():
            state, position = xxh3_128(), entry.offset
            while position < entry.end:
                if position >= start + len(octets):
                    start = position
                    octets = await self._window(start, head.octets())
                part = octets[position - start : entry.end - start]
                state.update(part)
                position += len(part)
            if state.digest() != entry.checksum:
                blob = self._location.blob_id(entry.number)
                found.append(
                    BlobFault(blob, f"{self._name} at {entry.offset}", "the blob is damaged")
                )
        return found

    async def _window(self, start: int, end: int) -> memoryview:
        window = await self._bucket.fetch(self._name, start, min(start + _WINDOW_OCTETS, end))
        if not window.octets:
            raise Fault(Kind.FAILED, "the service sends nothing")
        return window.octets
