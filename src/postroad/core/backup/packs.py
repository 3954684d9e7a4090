"""Blobs in packs, and the catalogues that tell which pack has which blob.

A pack: 4 octets with the number of blobs, then id and length (8 octets) of each, then their
octets. All numbers are big-endian.
"""

import struct
from collections.abc import Iterable, Sequence

import msgspec

from postroad.core.backup.pieces import DamagedPiece
from postroad.model.ids import BlobId

PACK_OCTETS = 4 * 1024**2
"""A pack is closed when it has grown to this."""
_IN_CATALOGUE = 256  # packs
_COUNT = struct.Struct(">I")
_ENTRY = struct.Struct(">16sQ")

Blob = tuple[BlobId, bytes | memoryview]


class Pack(msgspec.Struct, frozen=True, array_like=True):
    """The name of a piece, and the blobs in it: ids in hex, and lengths."""

    name: str
    blobs: list[tuple[str, int]]

    @property
    def octets(self) -> int:
        return sum(length for _, length in self.blobs)


def encode_pack(blobs: Sequence[Blob]) -> bytes:
    heads = [_ENTRY.pack(blob_id, len(octets)) for blob_id, octets in blobs]
    return b"".join([_COUNT.pack(len(blobs)), *heads, *(octets for _, octets in blobs)])


def decode_pack(name: str, octets: bytes) -> list[Blob]:
    """Without copying the blobs. Raises `DamagedPiece`."""
    try:
        (count,) = _COUNT.unpack_from(octets)
        start = _COUNT.size + count * _ENTRY.size
        heads = list(_ENTRY.iter_unpack(octets[_COUNT.size : start]))
    except struct.error as error:
        raise DamagedPiece(f"piece {name} is no pack of messages") from error
    if len(heads) != count or start + sum(length for _, length in heads) != len(octets):
        raise DamagedPiece(f"piece {name} is no pack of messages")
    view, blobs = memoryview(octets), list[Blob]()
    for blob_id, length in heads:
        blobs.append((BlobId(blob_id), view[start : start + length]))
        start += length
    return blobs


def encode_catalogues(packs: Iterable[Pack]) -> list[bytes]:
    """In the order of their blobs' age, so that most catalogues stay what they were."""
    ordered = sorted(packs, key=lambda pack: (pack.blobs, pack.name))
    return [
        msgspec.json.encode(ordered[start : start + _IN_CATALOGUE])
        for start in range(0, len(ordered), _IN_CATALOGUE)
    ]


def decode_catalogue(name: str, octets: bytes) -> list[Pack]:
    """Raises `DamagedPiece`."""
    try:
        return msgspec.json.decode(octets, type=list[Pack])
    except msgspec.MsgspecError as error:
        raise DamagedPiece(f"piece {name} is no catalogue") from error
