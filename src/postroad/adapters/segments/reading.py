"""Reading ranges of blobs, in a reader's thread."""

import logging
from collections.abc import Sequence

from xxhash import xxh3_128_digest

from postroad.adapters.segments.catalogue import Catalogue
from postroad.adapters.segments.folder import SegmentFolder
from postroad.adapters.segments.index import Index
from postroad.adapters.segments.record import HEADER_OCTETS, Place, decode_header
from postroad.adapters.segments.scan import Read
from postroad.base.errors import TryLater
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange

log = logging.getLogger(__name__)

_ONE_READ_OCTETS = 65_536


def read_ranges(
    folder: SegmentFolder, catalogue: Catalogue, index: Index, ranges: Sequence[BlobRange]
) -> list[bytes]:
    """As `BlobStore.read`; a range over the end is cut there."""
    places = catalogue.find(index, {wanted.blob_id for wanted in ranges})
    try:
        return _read_by_segment(folder, ranges, places)
    except FileNotFoundError:
        pass
    # Compacted away between the two steps, so that the blobs are elsewhere now.
    for segment in {place.segment for place in places.values()}:
        catalogue.forget_segment(segment)
    places = catalogue.find(index, {wanted.blob_id for wanted in ranges})
    try:
        return _read_by_segment(folder, ranges, places)
    except FileNotFoundError as error:
        raise _unreadable({"path": str(error.filename), "why": "the file is missing"}) from error


def _read_by_segment(
    folder: SegmentFolder, ranges: Sequence[BlobRange], places: dict[BlobId, Place]
) -> list[bytes]:
    """Each file is borrowed once."""
    results = [b""] * len(ranges)
    by_segment: dict[int, list[int]] = {}
    for position, wanted in enumerate(ranges):
        by_segment.setdefault(places[wanted.blob_id].segment, []).append(position)
    for segment, positions in by_segment.items():
        with folder.reading(segment) as read:
            for position in positions:
                wanted = ranges[position]
                results[position] = _read(folder, read, wanted, places[wanted.blob_id])
    return results


def _read(folder: SegmentFolder, read: Read, wanted: BlobRange, place: Place) -> bytes:
    start, end = max(wanted.start, 0), min(wanted.end, place.length)
    try:
        if start == 0 and end == place.length:
            octets = _whole(read, wanted, place)
        else:
            octets = _exactly(read, end - start, place.payload + start) if start < end else b""
    except OSError as error:
        raise _unreadable(_where(folder, place) | {"why": str(error)}) from error
    if octets is None:
        what = {"blob": wanted.blob_id.hex(), "why": "the record is damaged"}
        raise _unreadable(_where(folder, place) | what)
    return octets


def _where(folder: SegmentFolder, place: Place) -> dict[str, object]:
    return {"path": str(folder.path_of(place.segment)), "offset": place.offset}


def _unreadable(details: dict[str, object]) -> TryLater:
    """Security: the place is told to the operator, not to the client that asked for a message."""
    log.warning("stored octets cannot be read: see postroad verify", extra=details)
    return TryLater("a stored message cannot be read at the moment; the operator is told")


def _whole(read: Read, wanted: BlobRange, place: Place) -> bytes | None:
    """The blob if it has its checksum; None if not."""
    if place.length <= _ONE_READ_OCTETS:
        record = read(place.record_octets, place.offset)
        header, octets = record[:HEADER_OCTETS], record[HEADER_OCTETS:]
    else:
        header = read(HEADER_OCTETS, place.offset)
        octets = _exactly(read, place.length, place.payload) or b""
    decoded = decode_header(header, None)
    if decoded is None or decoded.blob_id != wanted.blob_id or len(octets) != decoded.length:
        return None
    return octets if xxh3_128_digest(octets) == decoded.checksum else None


def _exactly(read: Read, octets: int, offset: int) -> bytes | None:
    """None if the file ends before. One read gives at most 2 GiB, so there may be several."""
    found = read(octets, offset)
    if len(found) == octets:
        return found
    parts = [found]
    missing = octets - len(found)
    while missing and parts[-1]:
        parts.append(read(missing, offset + octets - missing))
        missing -= len(parts[-1])
    return None if missing else b"".join(parts)
