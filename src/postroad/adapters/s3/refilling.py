"""A bucket filled anew with blobs that have their ids already, as from a backup."""

from collections.abc import Sequence

from postroad.adapters.s3.bucket import PART_OCTETS, Bucket
from postroad.adapters.s3.faults import Fault, Kind
from postroad.adapters.s3.gathering import together
from postroad.adapters.s3.layout import Damaged, Head, checksum_of, encode_head, intact
from postroad.adapters.s3.naming import Location, locate
from postroad.adapters.s3.parts import Parts
from postroad.adapters.s3.reading import FOLDER, LATER
from postroad.adapters.s3.settings import S3Settings
from postroad.base.errors import TryLater
from postroad.model.ids import BlobId
from postroad.stores.blobs import Whole

_ALL = 2**62


class Refill:
    """Under a prefix where nobody else writes. Blobs that shared an object share it again.

    Those of an object that are missing, since nothing referred to them, are swept by upkeep like
    any that never got a reference.
    """

    def __init__(self, settings: S3Settings) -> None:
        self._bucket = Bucket(settings)

    async def is_empty(self) -> bool:
        """Whether there is no blob yet. Raises `TryLater`."""
        try:
            return not await self._bucket.page(FOLDER, "")
        except Fault as fault:
            raise TryLater(f"the bucket cannot be read: {fault.why}") from fault

    async def put(self, blobs: Sequence[tuple[BlobId, Whole]]) -> None:
        """Durable when it returns. Raises `TryLater`."""
        objects: dict[str, dict[int, Whole]] = {}
        for blob, octets in blobs:
            location = locate(blob)
            objects.setdefault(location.key, {})[location.number] = octets
        try:
            await together(self._put, list(objects.items()))
        except Fault as fault:
            raise TryLater(LATER) from fault

    def close(self) -> None:
        self._bucket.close()

    async def _put(self, found: tuple[str, dict[int, Whole]]) -> None:
        key, blobs = found
        name = f"{FOLDER}/{key}"
        octets = _encode(blobs)
        if len(blobs) == 1 and len(octets) > PART_OCTETS:  # over itself at worst
            await self._bucket.upload(name, Parts([octets], PART_OCTETS), len(octets))
            return
        try:
            await self._bucket.create(name, octets)
        except Fault as fault:
            if fault.kind is not Kind.CONFLICT:
                raise
            await self._add(name, locate(BlobId(bytes.fromhex(key))), blobs)

    async def _add(self, name: str, location: Location, blobs: dict[int, Whole]) -> None:
        """To an object of which an earlier part of the backup had some blobs."""
        there = await self._bucket.fetch(name, 0, _ALL)
        try:
            entries = list(Head(there.octets, location.count).entries())
            known: dict[int, Whole] = {one.number: intact(there.octets, one) for one in entries}
        except Damaged as error:
            raise Fault(Kind.FAILED, f"{name}: {error}") from error
        if blobs.keys() - known.keys():
            await self._bucket.replace(name, _encode(known | blobs), there.version)


def _encode(blobs: dict[int, Whole]) -> bytes:
    ordered = sorted(blobs.items())
    head = encode_head([(number, len(one), checksum_of([one])) for number, one in ordered])
    return b"".join([head, *(one for _, one in ordered)])
