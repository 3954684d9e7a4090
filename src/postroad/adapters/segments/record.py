"""A record of a segment file: a header of 64 octets, then the octets of the blob.

    4   magic
    1   version of the layout
    1   flags (none yet: for compression and sealing)
    2   zero
    8   salt, one per file
    8   length of the blob, big-endian
    16  blob id
    16  XXH3-128 of the blob
    8   XXH3-64 of the 56 octets before

The salt is random and never told, so that a message which contains a made-up record is not taken
for one when the records behind a damaged header are looked for.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from xxhash import xxh3_64_digest, xxh3_128, xxh3_128_digest

from postroad.adapters.segments.files import Buffer
from postroad.model.ids import BlobId

MAGIC = b"\x8fPR\n"
HEADER_OCTETS = 64
SALT_OCTETS = 8

_VERSION = 1
_FIELDS = struct.Struct(">4sBBH8sQ16s16s")
_HEADER = struct.Struct(">4sBBH8sQ16s16s8s")


@dataclass(frozen=True, slots=True)
class Header:
    salt: bytes
    blob_id: BlobId
    length: int
    checksum: bytes

    @property
    def record_octets(self) -> int:
        return HEADER_OCTETS + self.length

    def encode(self) -> bytes:
        fields = _FIELDS.pack(
            MAGIC, _VERSION, 0, 0, self.salt, self.length, self.blob_id, self.checksum
        )
        return fields + xxh3_64_digest(fields)


class Place(NamedTuple):
    """Where a blob's record begins, and how many octets the blob has; in the order of places."""

    segment: int
    offset: int
    length: int

    @property
    def payload(self) -> int:
        return self.offset + HEADER_OCTETS

    @property
    def record_octets(self) -> int:
        return HEADER_OCTETS + self.length


def decode_header(octets: bytes, salt: bytes | None) -> Header | None:
    """None for what is no intact header, or one of another file than that of the salt."""
    if len(octets) != HEADER_OCTETS or not octets.startswith(MAGIC):
        return None
    fields = octets[: _FIELDS.size]
    if xxh3_64_digest(fields) != octets[_FIELDS.size :]:
        return None
    _, version, flags, _, found_salt, length, blob_id, checksum = _FIELDS.unpack(fields)
    if version != _VERSION or flags or (salt is not None and salt != found_salt):
        return None
    return Header(found_salt, BlobId(blob_id), length, checksum)


def intact(octets: memoryview, at: int, blob_id: BlobId, length: int) -> memoryview | None:
    """The blob of the record that begins at `at`; None if that is another one, or damaged."""
    payload = octets[at + HEADER_OCTETS : at + HEADER_OCTETS + length]
    if len(payload) != length:
        return None
    found = _HEADER.unpack_from(octets, at)
    magic, version, flags, _, _, found_length, found_id, checksum, header_checksum = found
    is_right = (
        (magic, version, flags, found_length, found_id) == (MAGIC, _VERSION, 0, length, blob_id)
        and xxh3_64_digest(octets[at : at + _FIELDS.size]) == header_checksum
        and xxh3_128_digest(payload) == checksum
    )
    return payload if is_right else None


def checksum_of(pieces: Sequence[Buffer]) -> bytes:
    if len(pieces) == 1:
        return xxh3_128_digest(pieces[0])
    state = xxh3_128()
    for piece in pieces:
        state.update(piece)
    return state.digest()
