"""What a backup consists of: written last, so that a half one is never listed."""

import re

import msgspec

from postroad.base.errors import Invalid, NotFound
from postroad.base.moments import Moment, to_datetime
from postroad.core.auth.sealing import Sealer
from postroad.core.backup.pieces import DamagedPiece, decode, encode
from postroad.ports.archive import Archive, Room

VERSION = 1
_ID = re.compile(r"\d{8}T\d{6}Z-\d{6}", re.ASCII)


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One backup. Lists of names are names of pieces."""

    version: int = VERSION
    backup_id: str
    created_at: int  # Moment of the state that is in it
    database_octets: int
    blocks: list[str]
    catalogues: list[str]
    files: str
    blobs: int
    blob_octets: int
    unreadable: list[str]  # blobs in hex that could not be read, so that they are not in it
    new_pieces: int  # that were not in the archive before
    new_octets: int

    @property
    def moment(self) -> Moment:
        return Moment(self.created_at)


def new_id(now: Moment) -> str:
    """In the order of time, to the microsecond, and readable."""
    return f"{to_datetime(now):%Y%m%dT%H%M%SZ-%f}"


async def store(archive: Archive, sealer: Sealer, manifest: Manifest) -> None:
    octets = encode(sealer, manifest.backup_id, msgspec.json.encode(manifest))
    await archive.put(Room.BACKUPS, manifest.backup_id, octets)


async def load(archive: Archive, sealer: Sealer, backup_id: str) -> Manifest:
    """Raises `NotFound`, `DamagedPiece`, `Invalid` (another master key or program)."""
    try:
        encoded = await archive.get(Room.BACKUPS, backup_id)
    except NotFound as error:
        raise NotFound(f"there is no backup {backup_id} in {archive.place}") from error
    try:
        manifest = msgspec.json.decode(decode(sealer, backup_id, encoded), type=Manifest)
    except msgspec.MsgspecError as error:
        raise Invalid(f"backup {backup_id} is of a newer version of the program") from error
    if manifest.version != VERSION or manifest.backup_id != backup_id:
        raise DamagedPiece(f"backup {backup_id} is another one, or of a newer version")
    return manifest


async def ids(archive: Archive) -> list[str]:
    """All backups, oldest first."""
    return [name for name in await archive.names(Room.BACKUPS) if _ID.fullmatch(name)]


async def newest(archive: Archive) -> str:
    """Raises `NotFound`."""
    found = await ids(archive)
    if not found:
        raise NotFound(f"there are no backups in {archive.place}")
    return found[-1]
