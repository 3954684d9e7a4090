"""Reading a backup."""

from collections.abc import AsyncGenerator, Collection

import msgspec

from postroad.core.backup.manifest import Manifest
from postroad.core.backup.packs import Blob, Pack, decode_catalogue, decode_pack
from postroad.core.backup.pieces import DamagedPiece, Kind, Pieces
from postroad.core.backup.progress import Progress
from postroad.model.ids import BlobId


class BackupReader:
    """Every octet is compared with its checksum and its name on the way.

    All methods raise `DamagedPiece`, `TryLater`, and `Invalid` where the master key is another.
    """

    def __init__(self, pieces: Pieces, manifest: Manifest) -> None:
        self.damaged = list[str]()
        """What `blobs` had to leave out, each piece named."""
        self._pieces = pieces
        self._manifest = manifest

    async def database(self, progress: Progress) -> AsyncGenerator[bytes, None]:
        done, total = 0, self._manifest.database_octets
        for name in self._manifest.blocks:
            block = await self._pieces.get(Kind.BLOCK, name)
            done += len(block)
            progress("database", done, total)
            yield block
        if done != total:
            backup_id = self._manifest.backup_id
            raise DamagedPiece(f"the database of {backup_id} has {done} octets, and not {total}")

    async def files(self) -> dict[str, bytes]:
        """Small files of the data folder, by their path in it."""
        octets = await self._pieces.get(Kind.FILES, self._manifest.files)
        return decode_files(self._manifest.files, octets)

    async def packs(self) -> list[Pack]:
        packs = list[Pack]()
        for name in self._manifest.catalogues:
            packs += await self._catalogue(name)
        return packs

    async def blobs(
        self, wanted: Collection[BlobId], progress: Progress
    ) -> AsyncGenerator[list[Blob], None]:
        """Those of `wanted` that the backup has, a pack at a time.

        What is damaged is left out, so that the rest can be saved; see `damaged`.
        """
        packs = await self._packs_with(wanted)
        total = sum(pack.octets for pack in packs)
        done = 0
        for pack in packs:
            try:
                octets = await self._pieces.get(Kind.PACK, pack.name)
                blobs = decode_pack(pack.name, octets)
            except DamagedPiece as error:
                self.damaged.append(str(error))
                continue
            done += pack.octets
            progress("messages", done, total)
            yield [blob for blob in blobs if blob[0] in wanted]

    async def _packs_with(self, wanted: Collection[BlobId]) -> list[Pack]:
        packs = list[Pack]()
        for name in self._manifest.catalogues:
            try:
                packs += await self._catalogue(name)
            except DamagedPiece as error:
                self.damaged.append(str(error))
        return [
            pack
            for pack in packs
            if any(BlobId(bytes.fromhex(text)) in wanted for text, _ in pack.blobs)
        ]

    async def _catalogue(self, name: str) -> list[Pack]:
        return decode_catalogue(name, await self._pieces.get(Kind.CATALOGUE, name))


def encode_files(files: dict[str, bytes]) -> bytes:
    return msgspec.json.encode(files, order="sorted")


def decode_files(name: str, octets: bytes) -> dict[str, bytes]:
    """Raises `DamagedPiece`."""
    try:
        return msgspec.json.decode(octets, type=dict[str, bytes])
    except msgspec.MsgspecError as error:
        raise DamagedPiece(f"piece {name} is no list of files") from error
