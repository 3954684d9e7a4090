"""Which blobs of shared objects are dead, and giving the room of these objects back.

An object with one blob is deleted with it. Of an object with several the numbers of the dead ones
are in another object under the same key, `dead/KEY`; when more than half of its octets are dead,
it is written anew without them, under its name and only over the version that was read. Readers
fetch an object in one request, and see either all of the old one or all of the new one.
"""

import logging
import struct
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from xxhash import xxh3_128_digest

from postroad.adapters.s3.bucket import Bucket
from postroad.adapters.s3.cache import Cache
from postroad.adapters.s3.faults import Fault, Kind
from postroad.adapters.s3.gathering import together
from postroad.adapters.s3.layout import Damaged, Entry, Head, encode_head, head_octets, intact
from postroad.adapters.s3.naming import Location, locate, located
from postroad.adapters.s3.reading import FOLDER
from postroad.model.ids import BlobId

log = logging.getLogger(__name__)

DEAD = "dead"
_ALL = 2**62
_CHECKSUM = 16
_ATTEMPTS = 5  # beside another process that marks the same object
_REMEMBERED = 10_000  # objects whose dead are known without asking


class Graveyard:
    """For one process; `_touched` are the objects that may have become worth a rewrite.

    All methods raise `Fault`.
    """

    def __init__(self, bucket: Bucket, cache: Cache | None) -> None:
        self._bucket = bucket
        self._cache = cache
        self._known: OrderedDict[str, frozenset[int]] = OrderedDict()
        self._touched: set[str] = set()
        self._has_looked = False

    def is_dead(self, location: Location) -> bool:
        """Whether this process knows it; others may read what is dead until it is gone."""
        return location.number in self._known.get(location.key, ())

    async def bury(self, blobs: Iterable[BlobId]) -> None:
        alone: list[str] = []
        shared: dict[str, set[int]] = {}
        for location in map(locate, blobs):
            if location.count > 1:
                shared.setdefault(location.key, set()).add(location.number)
            else:
                alone.append(location.key)
        if alone:
            await self._bucket.delete([f"{FOLDER}/{key}" for key in alone])
            self._forget_cached(alone)
        await together(lambda one: self._mark(located(one[0]), one[1]), list(shared.items()))

    async def dead(self, key: str) -> frozenset[int]:
        """The numbers of the dead blobs of an object."""
        return (await self._dead(key))[0]

    async def rewrite(self) -> int:
        """Give room back; the octets freed. The first time it looks at every mark there is."""
        keys = sorted(self._touched)
        if not self._has_looked:
            keys = [one.name async for one in self._bucket.walk(DEAD)]
        freed = 0
        for key in keys:
            freed += await self._rewrite(located(key))
            self._touched.discard(key)
        self._has_looked = True
        return freed

    async def _mark(self, location: Location, numbers: set[int]) -> None:
        key = location.key
        for _ in range(_ATTEMPTS):
            before, version = await self._dead(key)
            dead = before | numbers
            try:
                if len(dead) >= location.count:
                    await self._remove(key)
                elif dead != before:
                    await self._write(key, dead, version)
            except Fault as fault:
                if fault.kind is Kind.CONFLICT:
                    continue
                raise
            self._remember(key, dead)
            self._touched.add(key)
            return
        raise Fault(Kind.FAILED, "others mark the same object again and again")

    async def _dead(self, key: str) -> tuple[frozenset[int], str]:
        """The dead, and the version of what says so; empty where nothing does."""
        try:
            found = await self._bucket.fetch(f"{DEAD}/{key}", 0, _ALL)
        except Fault as fault:
            if fault.kind is Kind.ABSENT:
                return frozenset(), ""
            raise
        octets = found.octets[:-_CHECKSUM]
        if len(octets) % 2 or xxh3_128_digest(octets) != found.octets[-_CHECKSUM:]:
            log.warning("a mark in the bucket is damaged, and made anew", extra={"object": key})
            return frozenset(), found.version
        return frozenset(struct.unpack(f">{len(octets) // 2}H", octets)), found.version

    async def _write(self, key: str, dead: frozenset[int], version: str) -> None:
        octets = struct.pack(f">{len(dead)}H", *sorted(dead))
        octets += xxh3_128_digest(octets)
        if version:
            await self._bucket.replace(f"{DEAD}/{key}", octets, version)
        else:
            await self._bucket.create(f"{DEAD}/{key}", octets)

    async def _remove(self, key: str) -> None:
        """The object first: a mark without an object is found again, and does no harm."""
        await self._bucket.delete([f"{FOLDER}/{key}"])
        await self._bucket.delete([f"{DEAD}/{key}"])
        self._forget_cached([key])

    async def _rewrite(self, location: Location) -> int:
        name = f"{FOLDER}/{location.key}"
        dead = await self.dead(location.key)
        if not dead:
            return 0
        try:
            first = await self._bucket.fetch(name, 0, head_octets(location.count))
            entries = list(Head(first.octets, location.count).entries())
            living = [entry for entry in entries if entry.number not in dead]
            if not living:
                await self._remove(location.key)
                return first.size
            if sum(entry.length for entry in living) * 2 >= sum(one.length for one in entries):
                return 0
            found = await self._bucket.fetch(name, 0, _ALL)
            octets = _only(found.octets, living)
            await self._bucket.replace(name, octets, found.version)
        except Damaged as error:
            # It stays as it is: scrubbing tells the operator what is damaged, and where.
            log.warning("object not rewritten", extra={"object": name, "why": str(error)})
            return 0
        except Fault as fault:
            if fault.kind is Kind.ABSENT:
                await self._bucket.delete([f"{DEAD}/{location.key}"])
                return 0
            if fault.kind is Kind.CONFLICT:  # another process was first
                return 0
            raise
        if self._cache is not None:
            self._cache.store(location.key, octets)
        return found.size - len(octets)

    def _remember(self, key: str, dead: frozenset[int]) -> None:
        self._known[key] = dead
        self._known.move_to_end(key)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _forget_cached(self, keys: Sequence[str]) -> None:
        if self._cache is not None:
            for key in keys:
                self._cache.drop(key)


def _only(octets: memoryview, living: Sequence[Entry]) -> bytes:
    """The object with these blobs alone. Raises `Damaged`."""
    blobs = [intact(octets, entry) for entry in living]
    head = encode_head([(entry.number, entry.length, entry.checksum) for entry in living])
    return b"".join([head, *blobs])
