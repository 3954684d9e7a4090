"""Reading a segment file from record to record, past whatever is damaged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from xxhash import xxh3_128

from postroad.adapters.segments.record import HEADER_OCTETS, MAGIC, Header, decode_header

Read = Callable[[int, int], bytes]
"""Up to so many octets from an offset of one file."""

_WINDOW = 1024**2


@dataclass(frozen=True, slots=True)
class Found:
    offset: int
    header: Header

    @property
    def end(self) -> int:
        return self.offset + self.header.record_octets


@dataclass(frozen=True, slots=True)
class Damaged:
    """Octets that are no intact record; the header where only the blob is damaged."""

    offset: int
    end: int
    header: Header | None


@dataclass(frozen=True, slots=True)
class Torn:
    """From here to the end there is no whole record."""

    offset: int
    header: Header | None


Item = Found | Damaged | Torn


def scan(read: Read, start: int, end: int, salt: bytes | None, verify_from: int) -> Iterator[Item]:
    """What lies in the file from `start`, the place of a record, to `end`, in order.

    Blobs that end behind `verify_from` are read and compared with their checksums; of the others
    only the headers are. Without a salt, that of the first header is the file's.
    """
    position = start
    while position < end:
        header = decode_header(read(HEADER_OCTETS, position), salt)
        if header is None:
            following = _next_header(read, position + 1, end, salt)
            if following is None:
                yield Torn(position, None)
                return
            yield Damaged(position, following, None)
            position = following
            continue
        salt = header.salt
        stop = position + header.record_octets
        if stop > end:
            yield Torn(position, header)
            return
        if stop > verify_from and not is_intact(read, position, header):
            yield Damaged(position, stop, header)
        else:
            yield Found(position, header)
        position = stop


def is_intact(read: Read, offset: int, header: Header) -> bool:
    """Whether the blob of the record at the offset has its checksum."""
    state = xxh3_128()
    position = offset + HEADER_OCTETS
    end = position + header.length
    while position < end:
        octets = read(min(_WINDOW, end - position), position)
        if not octets:
            return False
        state.update(octets)
        position += len(octets)
    return state.digest() == header.checksum


def _next_header(read: Read, start: int, end: int, salt: bytes | None) -> int | None:
    position = start
    while position + HEADER_OCTETS <= end:
        window = read(min(_WINDOW, end - position), position)
        at = window.find(MAGIC)
        while 0 <= at <= len(window) - HEADER_OCTETS:
            if decode_header(window[at : at + HEADER_OCTETS], salt) is not None:
                return position + at
            at = window.find(MAGIC, at + 1)
        if len(window) < HEADER_OCTETS:
            return None
        position += len(window) - HEADER_OCTETS + 1
    return None
