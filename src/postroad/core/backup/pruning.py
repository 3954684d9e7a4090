"""Clearing old backups, and the pieces that no other one needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from postroad.base.moments import Moment, from_datetime
from postroad.core.auth.sealing import Sealer
from postroad.core.backup.manifest import ids, load
from postroad.core.backup.pieces import Pieces
from postroad.core.backup.reading import BackupReader
from postroad.ports.archive import Archive, Room


@dataclass(frozen=True, slots=True)
class Pruned:
    removed: list[str]
    kept: list[str]
    pieces: int
    octets: int


def all_but_newest(backup_ids: Sequence[str], keep: int) -> list[str]:
    """`keep` is at least 1, `backup_ids` oldest first, here and below."""
    return list(backup_ids[:-keep])


def older_than(backup_ids: Sequence[str], moment: Moment) -> list[str]:
    """Never the newest: what is old is better than nothing."""
    return [one for one in backup_ids[:-1] if made_at(one) < moment]


def made_at(backup_id: str) -> Moment:
    """To the second, as the id says, so that a damaged backup can be cleared, too."""
    moment = datetime.strptime(backup_id[:16], "%Y%m%dT%H%M%SZ")
    return from_datetime(moment.replace(tzinfo=UTC))


async def prune(archive: Archive, sealer: Sealer, pieces: Pieces, remove: Sequence[str]) -> Pruned:
    """The caller is alone in the archive. It may be broken off at any point, and repeated.

    Before anything goes it is known what the others need; then the backups go, and only then the
    pieces. Raises `DamagedPiece` where it cannot be known; then nothing was removed.
    """
    kept = [one for one in await ids(archive) if one not in remove]
    needed = set[str]()
    for backup_id in kept:
        manifest = await load(archive, sealer, backup_id)
        packs = await BackupReader(pieces, manifest).packs()
        needed.update(manifest.blocks, manifest.catalogues, [manifest.files])
        needed.update(pack.name for pack in packs)
    await archive.delete(Room.BACKUPS, list(remove))
    left = [name for name in await archive.names(Room.PIECES) if name not in needed]
    octets = await archive.delete(Room.PIECES, left)
    return Pruned(list(remove), kept, len(left), octets)
