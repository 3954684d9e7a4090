"""Ids of blobs that say which object holds them (docs/decisions/0019).

An id is a UUID of version 8 (RFC 9562 section 5.8):

    48  milliseconds since 1970
    4   version
    12  random
    2   variant
    42  random
    10  how many blobs the object was made with, less one
    10  which of them this is

So one object may hold many blobs, and all nodes find each of them without an index. Ids follow the
time of minting, and those of one object follow each other. A blob with an id of another version
came from another store, and has an object of its own.
"""

import secrets
import time
from dataclasses import dataclass

from postroad.model.ids import BlobId

MAX_ENTRIES = 1024
_VERSION = 8
_BITS = 10
_MASK = (1 << _BITS) - 1
ID_OCTETS = 16
KEY_LETTERS = 32


@dataclass(frozen=True, slots=True)
class Location:
    """`key` names the object, `number` the blob within it; it was made with `count` blobs."""

    key: str
    number: int
    count: int

    def blob_id(self, number: int) -> BlobId:
        base = int(self.key, 16) & ~_MASK if self.count > 1 else int(self.key, 16)
        return BlobId((base + number).to_bytes(ID_OCTETS, "big"))

    def blob_ids(self) -> list[BlobId]:
        return [self.blob_id(number) for number in range(self.count)]


def new_location(count: int) -> Location:
    """A name for an object with so many blobs that is used nowhere else."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(secrets.token_bytes(10), "big")
    value = (milliseconds & (2**48 - 1)) << 80 | random
    value = value & ~(0xF << 76) | _VERSION << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    value = value >> 2 * _BITS << 2 * _BITS | (count - 1) << _BITS
    return Location(f"{value:032x}", 0, count)


def locate(blob: BlobId) -> Location:
    value = int.from_bytes(blob, "big")
    if value >> 76 & 0xF != _VERSION:
        return Location(f"{value:032x}", 0, 1)
    return Location(f"{value & ~_MASK:032x}", value & _MASK, (value >> _BITS & _MASK) + 1)


def located(key: str) -> Location:
    """What an object's key says about it."""
    return locate(BlobId(bytes.fromhex(key)))
