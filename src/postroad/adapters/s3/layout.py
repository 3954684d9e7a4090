"""An object: a head that says where each blob is, then the blobs.

    4   magic
    1   version of the layout
    3   zero
    4   how many blobs, big-endian
    4   zero
    40  for each blob, in the order of their numbers: number within the object (2), zero (6),
        offset within the object (8), length (8), XXH3-128 (16)
    16  XXH3-128 of all before

The head of an object with one blob has 72 octets, so that a range of it is read at once.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from xxhash import xxh3_128, xxh3_128_digest

from postroad.stores.blobs import Piece

_MAGIC = b"PRs3"
_PREFIX = struct.Struct(">4sB3xI4x")
_ENTRY = struct.Struct(">H6xQQ16s")
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


class Head:
    """The head at the begin of `octets`, of an object that was made with `count` blobs.

    Raises `Damaged`.
    """

    def __init__(self, octets: memoryview, count: int) -> None:
        if len(octets) < _PREFIX.size:
            raise Damaged("the object ends in its head")
        magic, version, present = _PREFIX.unpack_from(octets)
        if magic != _MAGIC or version != _VERSION or not 0 < present <= count:
            raise Damaged("the head is damaged")
        end = head_octets(present)
        if xxh3_128_digest(octets[: end - _CHECKSUM]) != octets[end - _CHECKSUM : end]:
            raise Damaged("the head is damaged")
        self._table = octets[_PREFIX.size : end - _CHECKSUM]
        self.present = present
        """How many blobs are left of those that it was made with."""

    def entries(self) -> Iterator[Entry]:
        return (Entry(*fields) for fields in _ENTRY.iter_unpack(self._table))

    def find(self, number: int) -> Entry | None:
        if number < self.present:  # where it is, unless some before it are gone
            entry = Entry(*_ENTRY.unpack_from(self._table, number * _ENTRY.size))
            if entry.number == number:
                return entry
        return next((entry for entry in self.entries() if entry.number == number), None)

    def octets(self) -> int:
        """Of the whole object."""
        return Entry(*_ENTRY.unpack_from(self._table, len(self._table) - _ENTRY.size)).end


def head_octets(count: int) -> int:
    return _PREFIX.size + count * _ENTRY.size + _CHECKSUM


def encode_head(blobs: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Of blobs as number, length and checksum, in the order of their numbers."""
    offsets = accumulate((length for _, length, _ in blobs), initial=head_octets(len(blobs)))
    parts = [_PREFIX.pack(_MAGIC, _VERSION, len(blobs))]
    parts += [
        _ENTRY.pack(number, offset, length, checksum)
        for (number, length, checksum), offset in zip(blobs, offsets, strict=False)
    ]
    before = b"".join(parts)
    return before + xxh3_128_digest(before)


def intact(octets: memoryview, entry: Entry, start: int = 0) -> memoryview:
    """The blob, compared with its checksum; `octets` begin at `start`. Raises `Damaged`."""
    blob = octets[entry.offset - start : entry.end - start]
    if len(blob) != entry.length or xxh3_128_digest(blob) != entry.checksum:
        raise Damaged("the blob is damaged")
    return blob


def checksum_of(pieces: Sequence[Piece]) -> bytes:
    state = xxh3_128()
    for piece in pieces:
        state.update(piece)
    return state.digest()
