"""Reading all of what backups consist of, to tell what is damaged before it is needed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from postroad.core.auth.sealing import Sealer
from postroad.core.backup.manifest import Manifest, load
from postroad.core.backup.packs import Pack, decode_catalogue, decode_pack
from postroad.core.backup.pieces import DamagedPiece, Kind, Pieces
from postroad.core.backup.progress import Progress
from postroad.core.backup.reading import decode_files
from postroad.ports.archive import Archive


@dataclass(slots=True)
class Checked:
    pieces: int = 0
    faults: dict[str, set[str]] = field(default_factory=dict)
    """What is wrong, naming the piece -> the backups that need it."""


class Checking:
    """A piece is read once, however many backups need it."""

    def __init__(
        self, archive: Archive, sealer: Sealer, pieces: Pieces, progress: Progress
    ) -> None:
        self._archive = archive
        self._sealer = sealer
        self._pieces = pieces
        self._progress = progress
        self._checked = Checked()
        self._known: dict[tuple[Kind, str], str | None] = {}

    async def run(self, backup_ids: Sequence[str]) -> Checked:
        """Raises `NotFound` (no such backup), `TryLater`, `Invalid` (another master key)."""
        for backup_id in backup_ids:
            try:
                manifest = await load(self._archive, self._sealer, backup_id)
            except DamagedPiece as error:
                self._checked.faults.setdefault(str(error), set()).add(backup_id)
                continue
            await self._check(manifest)
        self._checked.pieces = len(self._known)
        return self._checked

    async def _check(self, manifest: Manifest) -> None:
        packs: dict[str, Pack] = {}
        for name in manifest.catalogues:
            octets = await self._read(manifest, Kind.CATALOGUE, name)
            if octets is not None:
                packs |= {pack.name: pack for pack in decode_catalogue(name, octets)}
        simple = [(Kind.FILES, manifest.files), *((Kind.BLOCK, name) for name in manifest.blocks)]
        total = len(simple) + len(packs)
        for number, (kind, name) in enumerate(simple):
            self._progress("pieces", number, total)
            await self._look(manifest, kind, name, None)
        for number, pack in enumerate(packs.values(), len(simple)):
            self._progress("pieces", number, total)
            await self._look(manifest, Kind.PACK, pack.name, pack)
        self._progress("pieces", total, total)

    async def _look(self, manifest: Manifest, kind: Kind, name: str, pack: Pack | None) -> None:
        if (kind, name) in self._known:
            self._blame(manifest, self._known[kind, name])
            return
        octets = await self._read(manifest, kind, name)
        if octets is None:
            return
        try:
            if kind is Kind.FILES:
                decode_files(name, octets)
            if pack is not None:
                _compare(pack, octets)
        except DamagedPiece as error:
            self._known[kind, name] = str(error)
            self._blame(manifest, str(error))

    async def _read(self, manifest: Manifest, kind: Kind, name: str) -> bytes | None:
        try:
            octets = await self._pieces.get(kind, name)
        except DamagedPiece as error:
            self._known[kind, name] = str(error)
            self._blame(manifest, str(error))
            return None
        self._known[kind, name] = None
        return octets

    def _blame(self, manifest: Manifest, fault: str | None) -> None:
        if fault is not None:
            self._checked.faults.setdefault(fault, set()).add(manifest.backup_id)


def _compare(pack: Pack, octets: bytes) -> None:
    """Raises `DamagedPiece` where the catalogue names other blobs than there are."""
    found = [(blob_id.hex(), len(blob)) for blob_id, blob in decode_pack(pack.name, octets)]
    if found != pack.blobs:
        raise DamagedPiece(f"piece {pack.name} has other messages than its catalogue says")
