"""Getting the messages of a backup: most are in the archive already, the others are read."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from postroad.base.errors import NotFound, TryLater
from postroad.core.auth.sealing import Sealer
from postroad.core.backup.manifest import ids, load
from postroad.core.backup.packs import PACK_OCTETS, Blob, Pack, decode_catalogue, encode_pack
from postroad.core.backup.pieces import DamagedPiece, Kind, Pieces
from postroad.core.backup.progress import Progress
from postroad.model.ids import BlobId
from postroad.ports.archive import Archive
from postroad.stores.blobs import BlobStore
from postroad.stores.snapshot import Snapshot

_PAGE = 5000
_WORTH = 2  # a pack is used again while one octet of so many is still needed


@dataclass(slots=True)
class Collected:
    packs: list[Pack] = field(default_factory=list)
    blobs: int = 0
    octets: int = 0
    unreadable: list[BlobId] = field(default_factory=list)


class Collecting:
    """For one backup; `renew` is called at least before each pack is read."""

    def __init__(
        self,
        archive: Archive,
        pieces: Pieces,
        sealer: Sealer,
        blobs: BlobStore,
        renew: Callable[[], Awaitable[None]],
    ) -> None:
        self._archive = archive
        self._pieces = pieces
        self._sealer = sealer
        self._blobs = blobs
        self._renew = renew
        self._found = Collected()

    async def run(self, snapshot: Snapshot, progress: Progress) -> Collected:
        """Raises `TryLater`, `LowSpace`."""
        wanted = await self._wanted(snapshot)
        for pack in await self._packs_there():
            self._use_again(pack, wanted)
        await self._read(sorted(wanted), progress)
        return self._found

    async def _wanted(self, snapshot: Snapshot) -> set[BlobId]:
        wanted, after = set[BlobId](), BlobId(b"")
        while page := await snapshot.references(after, _PAGE):
            await self._renew()
            wanted.update(page)
            after = page[-1]
        return wanted

    async def _packs_there(self) -> list[Pack]:
        """Those of the newest backup, as far as they are still there."""
        packs = list[Pack]()
        for backup_id in (await ids(self._archive))[-1:]:
            try:
                manifest = await load(self._archive, self._sealer, backup_id)
            except DamagedPiece:
                continue  # `verify` tells of it; this backup then does without
            for name in manifest.catalogues:
                packs += await self._catalogue(name)
        return [pack for pack in packs if self._pieces.has(pack.name)]

    async def _catalogue(self, name: str) -> list[Pack]:
        try:
            return decode_catalogue(name, await self._pieces.get(Kind.CATALOGUE, name))
        except DamagedPiece:
            return []

    def _use_again(self, pack: Pack, wanted: set[BlobId]) -> None:
        """Unless little of it is still needed: then the rest is stored anew."""
        needed = [
            (blob_id, length)
            for text, length in pack.blobs
            if (blob_id := BlobId(bytes.fromhex(text))) in wanted
        ]
        octets = sum(length for _, length in needed)
        if needed and octets * _WORTH >= pack.octets:
            wanted.difference_update(blob_id for blob_id, _ in needed)
            self._found.packs.append(pack)
            self._found.blobs += len(needed)
            self._found.octets += octets

    async def _read(self, wanted: list[BlobId], progress: Progress) -> None:
        group, octets = list[BlobId](), 0
        for number, blob_id in enumerate(wanted):
            await self._renew()
            try:
                size = await self._blobs.size(blob_id)
            except NotFound:
                self._found.unreadable.append(blob_id)
                continue
            if group and octets + size > PACK_OCTETS:
                await self._pack(group)
                progress("messages", number, len(wanted))
                group, octets = [], 0
            group.append(blob_id)
            octets += size
        if group:
            await self._pack(group)
        progress("messages", len(wanted), len(wanted))

    async def _pack(self, group: list[BlobId]) -> None:
        blobs = await self._whole(group)
        if not blobs:
            return
        name = await self._pieces.put(Kind.PACK, encode_pack(blobs))
        pack = Pack(name, [(blob_id.hex(), len(octets)) for blob_id, octets in blobs])
        self._found.packs.append(pack)
        self._found.blobs += len(blobs)
        self._found.octets += pack.octets

    async def _whole(self, group: list[BlobId]) -> list[Blob]:
        try:
            return list(zip(group, await self._blobs.whole(group), strict=True))
        except (NotFound, TryLater):
            pass
        blobs = list[Blob]()
        for blob_id in group:  # one that is damaged must not keep the others out
            try:
                blobs.append((blob_id, (await self._blobs.whole([blob_id]))[0]))
            except (NotFound, TryLater):
                self._found.unreadable.append(blob_id)
        return blobs
