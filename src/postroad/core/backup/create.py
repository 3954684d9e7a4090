"""Making a backup beside a server that works on."""

from dataclasses import dataclass
from datetime import timedelta

from postroad.base.errors import TryLater
from postroad.base.moments import Moment, after
from postroad.core.auth.sealing import Sealer
from postroad.core.backup.collecting import Collecting
from postroad.core.backup.manifest import Manifest, new_id, store
from postroad.core.backup.packs import encode_catalogues
from postroad.core.backup.pieces import Kind, Pieces
from postroad.core.backup.progress import Progress, silent
from postroad.core.upkeep.service import BACKUP_LEASE
from postroad.ports.archive import Archive
from postroad.ports.clock import Clock
from postroad.stores.blobs import BlobStore
from postroad.stores.leases import LeaseStore
from postroad.stores.snapshot import Snapshot

_RENEWED_EVERY = timedelta(seconds=10)
_LASTS = timedelta(seconds=60)


class Hold:
    """Keeps upkeep from deleting blobs; to be renewed at least once in `_LASTS`.

    Only who is alone in the archive may have one for it, so what an earlier backup left behind
    that ended suddenly is taken over.
    """

    def __init__(self, leases: LeaseStore, clock: Clock, place: str) -> None:
        self._leases = leases
        self._clock = clock
        self._name = f"{BACKUP_LEASE}{place}"
        self._until = Moment(0)

    async def renew(self) -> None:
        """Raises `TryLater` when it has lapsed meanwhile, so that messages may be gone."""
        now = self._clock.now()
        if self._until and now >= self._until:
            raise TryLater("the backup was stopped for so long that messages may have gone")
        if after(now, _LASTS - _RENEWED_EVERY) < self._until:
            return
        until = after(now, _LASTS)
        if not await self._leases.take(self._name, self._name, now, until):
            raise TryLater("messages cannot be kept from being deleted")
        self._until = until

    async def give_back(self) -> None:
        await self._leases.give_back(self._name, self._name)


@dataclass(frozen=True, slots=True)
class Creation:
    """What a backup is made with; the caller is alone in the archive, and has the hold."""

    archive: Archive
    pieces: Pieces
    sealer: Sealer
    blobs: BlobStore
    hold: Hold
    progress: Progress = silent

    async def run(self, snapshot: Snapshot, files: bytes) -> Manifest:
        """Copy what the archive lacks; it is listed when this returns, and not before.

        Raises `TryLater`, `LowSpace`, `Invalid`; the archive's other backups are never touched.
        """
        await self.pieces.look()
        collecting = Collecting(
            self.archive, self.pieces, self.sealer, self.blobs, self.hold.renew
        )
        collected = await collecting.run(snapshot, self.progress)
        catalogues = [
            await self.pieces.put(Kind.CATALOGUE, one)
            for one in encode_catalogues(collected.packs)
        ]
        manifest = Manifest(
            backup_id=new_id(snapshot.taken_at),
            created_at=snapshot.taken_at,
            database_octets=snapshot.octets,
            blocks=await self._blocks(snapshot),
            catalogues=catalogues,
            files=await self.pieces.put(Kind.FILES, files),
            blobs=collected.blobs,
            blob_octets=collected.octets,
            unreadable=[blob.hex() for blob in collected.unreadable],
            new_pieces=self.pieces.stored_pieces,
            new_octets=self.pieces.stored_octets,
        )
        await store(self.archive, self.sealer, manifest)
        return manifest

    async def _blocks(self, snapshot: Snapshot) -> list[str]:
        names, done = list[str](), 0
        async for block in snapshot.blocks():
            names.append(await self.pieces.put(Kind.BLOCK, block))
            done += len(block)
            self.progress("database", done, snapshot.octets)
        return names
