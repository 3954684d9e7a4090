"""Indexing what a process left behind that ended without doing so itself."""

import logging
from collections.abc import Generator

from postroad.adapters.segments.folder import SegmentFolder
from postroad.adapters.segments.index import Entry, Index, SegmentState
from postroad.adapters.segments.record import Place
from postroad.adapters.segments.scan import Damaged, Found, scan
from postroad.adapters.segments.writer import BATCH_OCTETS

log = logging.getLogger(__name__)

_ENTRIES = 10_000  # of one transaction
_UNSYNCED_OCTETS = 2 * BATCH_OCTETS


def adopt(folder: SegmentFolder, index: Index) -> Generator[int, None, None]:
    """Seal every segment that nobody appends to; yields the number of each that was read.

    A torn end is left out for good: it was never answered for, and no file is written by a second
    process. Raises `TryLater`, `LowSpace` when the index cannot be written.
    """
    states = index.segments()
    numbers = folder.segments()
    for number in numbers:
        state = states.get(number)
        if state and state.sealed:
            continue
        if (lock := folder.try_lock(number)) is None:
            continue
        try:
            if folder.size(number):
                _seal(folder, index, number, state)
            else:
                folder.files.unlink(folder.path_of(number))
        finally:
            folder.files.close(lock)
        yield number
    for number in states.keys() - set(numbers):
        if not states[number].live_octets:
            with index.transaction():
                index.forget_segment(number)


def _seal(folder: SegmentFolder, index: Index, number: int, state: SegmentState | None) -> None:
    start, salt = (state.indexed_upto, state.salt) if state else (0, None)
    size = folder.size(number)
    entries: list[Entry] = []
    upto = start
    with folder.reading(number) as read:
        for item in scan(read, start, size, salt, max(start, size - _UNSYNCED_OCTETS)):
            if isinstance(item, Found):
                salt, upto = item.header.salt, item.end
                place = Place(number, item.offset, item.header.length)
                entries.append((item.header.blob_id, place))
            else:
                _tell(folder, number, item.offset, is_end=not isinstance(item, Damaged))
            if len(entries) == _ENTRIES:
                with index.transaction():
                    index.add(number, salt or b"", entries, upto, sealed=False)
                entries.clear()
    with index.transaction():
        index.add(number, salt or b"", entries, upto, sealed=True)


def _tell(folder: SegmentFolder, number: int, offset: int, *, is_end: bool) -> None:
    what = "torn end, as a power cut leaves it" if is_end else "damaged record passed over"
    path = str(folder.path_of(number))
    log.warning("segment read", extra={"path": path, "offset": offset, "found": what})
