"""An object: a head that says where each blob is, then the blobs.

    4   magic
    1   version of the layout
    3   zero
    4   how many blobs, big-endian
    4   zero
    32  for each blob: number within the object (2), zero (6), length (8), XXH3-128 (16)
    16  XXH3-128 of all before

The head of an object with one blob has 64 octets, so that a range of it is read at once.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from xxhash import xxh3_128, xxh3_128_digest

from postroad.stores.blobs import Piece

_MAGIC = b"PRs3"
_PREFIX = struct.Struct(">4sB3xI4x")
_ENTRY = struct.Struct(">H6xQ16s")
_VERSION = 1
_CHECKSUM = 16


class Damaged(Exception):
    """The octets are not what was stored."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`offset` counts from the begin of the object."""

    number: int
    offset: int
    length: int
    checksum: bytes

    @property
    def end(self) -> int:
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class Head:
    entries: dict[int, Entry]
    octets: int
    """Of the whole object."""


def head_octets(count: int) -> int:
    return _PREFIX.size + count * _ENTRY.size + _CHECKSUM


def encode_head(blobs: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Of blobs as number, length and checksum, in their order."""
    parts = [_PREFIX.pack(_MAGIC, _VERSION, len(blobs))]
    parts += [_ENTRY.pack(*blob) for blob in blobs]
    before = b"".join(parts)
    return before + xxh3_128_digest(before)


def decode_head(octets: memoryview, count: int) -> Head:
    """The head of an object that was made with `count` blobs. Raises `Damaged`."""
    if len(octets) < _PREFIX.size:
        raise Damaged("the object ends in its head")
    magic, version, present = _PREFIX.unpack_from(octets)
    if magic != _MAGIC or version != _VERSION or not 0 < present <= count:
        raise Damaged("the head is damaged")
    size = head_octets(present)
    if xxh3_128_digest(octets[: size - _CHECKSUM]) != bytes(octets[size - _CHECKSUM : size]):
        raise Damaged("the head is damaged")
    entries: dict[int, Entry] = {}
    offset = size
    for number, length, checksum in _ENTRY.iter_unpack(octets[_PREFIX.size : size - _CHECKSUM]):
        entries[number] = Entry(number, offset, length, checksum)
        offset += length
    return Head(entries, offset)


def intact(octets: memoryview, entry: Entry) -> memoryview:
    """The blob, compared with its checksum. Raises `Damaged`."""
    blob = octets[entry.offset : entry.end]
    if len(blob) != entry.length or xxh3_128_digest(blob) != entry.checksum:
        raise Damaged("the blob is damaged")
    return blob


def checksum_of(pieces: Sequence[Piece]) -> bytes:
    state = xxh3_128()
    for piece in pieces:
        state.update(piece)
    return state.digest()
