"""Reading ranges of blobs, in a reader's thread."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from xxhash import xxh3_128_digest

from postroad.adapters.segments.catalogue import Catalogue
from postroad.adapters.segments.folder import SegmentFolder
from postroad.adapters.segments.index import Index
from postroad.adapters.segments.record import HEADER_OCTETS, Place, decode_header, intact
from postroad.adapters.segments.scan import Read
from postroad.base.errors import TryLater
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange
from postroad.stores.blobs import Whole

log = logging.getLogger(__name__)

T = TypeVar("T")

_ONE_READ_OCTETS = 65_536
_GAP_OCTETS = 4096  # read and thrown away rather than read around
_RUN_OCTETS = 1024 * 1024


def read_ranges(
    folder: SegmentFolder, catalogue: Catalogue, index: Index, ranges: Sequence[BlobRange]
) -> list[bytes]:
    """As `BlobStore.read`; a range over the end is cut there."""
    blobs = [wanted.blob_id for wanted in ranges]
    return _at_places(
        catalogue, index, blobs, lambda places: _read_by_segment(folder, ranges, places)
    )


def read_whole(
    folder: SegmentFolder, catalogue: Catalogue, index: Index, blobs: Sequence[BlobId]
) -> list[Whole]:
    """As `BlobStore.whole`: records that lie close to each other are read in one call."""
    return _at_places(catalogue, index, blobs, lambda places: _read_runs(folder, blobs, places))


def _at_places(
    catalogue: Catalogue,
    index: Index,
    blobs: Sequence[BlobId],
    read: Callable[[dict[BlobId, Place]], T],
) -> T:
    places = catalogue.find(index, blobs)
    try:
        return read(places)
    except FileNotFoundError:
        pass
    # Compacted away between the two steps, so that the blobs are elsewhere now.
    for segment in {place.segment for place in places.values()}:
        catalogue.forget_segment(segment)
    places = catalogue.find(index, blobs)
    try:
        return read(places)
    except FileNotFoundError as error:
        raise _unreadable({"path": str(error.filename), "why": "the file is missing"}) from error


def _read_runs(
    folder: SegmentFolder, blobs: Sequence[BlobId], places: dict[BlobId, Place]
) -> list[Whole]:
    results: list[Whole] = [b""] * len(blobs)
    for run in _runs(sorted(zip(map(places.__getitem__, blobs), range(len(blobs)), strict=True))):
        first, last = run[0][0], run[-1][0]
        with folder.reading(first.segment) as read:
            # What cannot be had is found out below, for each record by itself.
            octets = memoryview(
                _found(read, last.offset + last.record_octets - first.offset, first.offset) or b""
            )
            for place, position in run:
                blob = blobs[position]
                whole = intact(octets, place.offset - first.offset, blob, place.length)
                if whole is None:
                    wanted = BlobRange(blob, 0, place.length)
                    results[position] = _read(folder, read, wanted, place)
                else:
                    results[position] = whole
    return results


def _runs(ordered: Sequence[tuple[Place, int]]) -> Iterator[Sequence[tuple[Place, int]]]:
    """Records of one file with little between them, of moderate size together."""
    begin, segment, start, end = 0, -1, 0, 0
    for n, (place, _) in enumerate(ordered):
        over = place.offset + place.record_octets
        is_near = place.segment == segment and place.offset <= end + _GAP_OCTETS
        if n and not (is_near and over - start <= _RUN_OCTETS):
            yield ordered[begin:n]
            begin = n
        if n == begin:
            segment, start, end = place.segment, place.offset, over
        end = max(end, over)
    if ordered:
        yield ordered[begin:]


def _found(read: Read, octets: int, offset: int) -> bytes | None:
    try:
        return _exactly(read, octets, offset)
    except OSError:
        return None


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
