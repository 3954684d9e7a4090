"""The pieces of backups: compressed, sealed, with a checksum, named by what is in them.

    4   magic with the version of the layout
    8   which master key it is for
    32  SHA-256 of all else
    ..  sealed with a key of its own from the master key: zstd of the octets

The name is a keyed hash of the octets, so that the same octets are stored once, and nobody
without the key can tell from names what is in a backup.
"""

import hashlib
import hmac
from enum import Enum

import zstandard

from postroad.base.errors import Invalid, NotFound
from postroad.core.auth.sealing import Sealer
from postroad.ports.archive import Archive, Room
from postroad.ports.tasks import Tasks

_MAGIC = b"PRB\x01"
_HEAD = len(_MAGIC) + 8
_BEGIN = _HEAD + 32
_LEVEL = 3
_PURPOSE = "backup"


class Kind(Enum):
    """What a piece holds; two kinds never share a name."""

    BLOCK = "block"
    PACK = "pack"
    CATALOGUE = "catalogue"
    FILES = "files"


class DamagedPiece(Invalid):
    """A piece is not what was stored; the text names it and says why."""


class Pieces:
    """Of one archive; `stored_pieces` and `stored_octets` count what was new."""

    def __init__(self, archive: Archive, sealer: Sealer, tasks: Tasks) -> None:
        self.stored_pieces = 0
        self.stored_octets = 0
        self._archive = archive
        self._sealer = sealer
        self._tasks = tasks
        self._there = set[str]()

    async def look(self) -> None:
        """Learn what the archive has, which then is not stored again."""
        self._there = set(await self._archive.names(Room.PIECES))

    def has(self, name: str) -> bool:
        return name in self._there

    async def put(self, kind: Kind, octets: bytes) -> str:
        """Store a piece unless it is there; its name. Raises `LowSpace`, `TryLater`."""
        name = await self._tasks.offload(lambda: self._name(kind, octets))
        if name not in self._there:
            encoded = await self._tasks.offload(lambda: encode(self._sealer, name, octets))
            await self._archive.put(Room.PIECES, name, encoded)
            self._there.add(name)
            self.stored_pieces += 1
            self.stored_octets += len(encoded)
        return name

    async def get(self, kind: Kind, name: str) -> bytes:
        """Raises `DamagedPiece`, `Invalid` (another master key), `TryLater`."""
        try:
            encoded = await self._archive.get(Room.PIECES, name)
        except NotFound as error:
            raise DamagedPiece(f"piece {name}: {error}") from error
        return await self._tasks.offload(lambda: self._decode(kind, name, encoded))

    def _decode(self, kind: Kind, name: str, encoded: bytes) -> bytes:
        octets = decode(self._sealer, name, encoded)
        if not hmac.compare_digest(self._name(kind, octets), name):
            raise DamagedPiece(f"piece {name} holds something else than its name says")
        return octets

    def _name(self, kind: Kind, octets: bytes) -> str:
        return self._sealer.keyed_hash(f"{_PURPOSE} {kind.value}", octets).hex()


def encode(sealer: Sealer, name: str, octets: bytes) -> bytes:
    packed = zstandard.ZstdCompressor(level=_LEVEL).compress(octets)
    sealed = sealer.seal(_PURPOSE, name, packed)
    head = _MAGIC + _key_of(sealer)
    return head + hashlib.sha256(head + sealed).digest() + sealed


def decode(sealer: Sealer, name: str, encoded: bytes) -> bytes:
    """Raises `DamagedPiece`, and `Invalid` for what another master key has sealed."""
    head, checksum, sealed = encoded[:_HEAD], encoded[_HEAD:_BEGIN], encoded[_BEGIN:]
    if not head.startswith(_MAGIC):
        raise DamagedPiece(f"piece {name} is no piece of a backup, or one of a newer version")
    if hashlib.sha256(head + sealed).digest() != checksum:
        raise DamagedPiece(f"piece {name} is damaged: its checksum is wrong")
    if head != _MAGIC + _key_of(sealer):
        raise Invalid(f"piece {name} was sealed with another master key")
    try:
        return zstandard.ZstdDecompressor().decompress(sealer.open(_PURPOSE, name, sealed))
    except Invalid as error:
        raise DamagedPiece(f"piece {name} is another one than its name says") from error
    except zstandard.ZstdError as error:
        raise DamagedPiece(f"piece {name} is damaged: {error}") from error


def _key_of(sealer: Sealer) -> bytes:
    return bytes.fromhex(sealer.fingerprint())
