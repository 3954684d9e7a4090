"""Winning back the room of deleted blobs: what lives in a segment is copied, the file goes."""

import logging
from collections.abc import Generator, Iterator

from postroad.adapters.segments.appender import Appender, NewBlob, begin
from postroad.adapters.segments.catalogue import Catalogue
from postroad.adapters.segments.folder import SegmentFolder
from postroad.adapters.segments.index import Entry, Index
from postroad.adapters.segments.record import Place
from postroad.adapters.segments.scan import Found as FoundRecord
from postroad.adapters.segments.scan import Read, scan
from postroad.base.errors import TryLater

log = logging.getLogger(__name__)

_SLICE_OCTETS = 8 * 1024**2
_SLICE_BLOBS = 1000


class Compactor:
    """Runs in slices: each step of `run` is short, and gives way to whatever else waits.

    A blob's place changes in the index when its copy is synced, and the old file goes when no
    place points to it; a crash in between leaves two copies, of which either is good.
    """

    def __init__(
        self, folder: SegmentFolder, index: Index, catalogue: Catalogue, segment_octets: int
    ) -> None:
        self._folder = folder
        self._index = index
        self._catalogue = catalogue
        self._segment_octets = segment_octets
        self._target: Appender | None = None

    def run(self) -> Generator[int, None, None]:
        """Yields the octets that each step freed, negative for what it wrote."""
        try:
            for number in self._victims():
                yield from self._rewrite(number)
                if self._target and self._target.size >= self._segment_octets:
                    self._leave_target()
        finally:
            self._leave_target()

    def _victims(self) -> list[int]:
        """Segments of which more than half is dead.

        The highest number stays while nothing is above it, so that no number is used twice.
        """
        numbers = self._folder.segments()
        states = self._index.segments()

        def is_victim(number: int) -> bool:
            state = states.get(number)
            return bool(
                state
                and state.sealed
                and state.live_octets * 2 < self._folder.size(number)
                and (state.live_octets or number != numbers[-1])
            )

        return [number for number in numbers if is_victim(number)]

    def _rewrite(self, number: int) -> Iterator[int]:
        if (lock := self._folder.try_lock(number)) is None:
            return
        try:
            after = -1
            while entries := self._index.in_segment(number, after, _SLICE_BLOBS):
                for some in _slices(entries):
                    yield -self._copy(number, some)
                after = entries[-1][1].offset
            yield self._remove(number)
        except TryLater as error:
            # It stays as it is: scrubbing tells the operator what is damaged, and where.
            path = str(self._folder.path_of(number))
            log.warning("segment not compacted", extra={"path": path, "reason": str(error)})
        finally:
            self._folder.files.close(lock)

    def _copy(self, number: int, entries: list[Entry]) -> int:
        with self._folder.reading(number) as read:
            blobs: list[NewBlob] = [
                (blob, [_intact(self._folder, read, blob, place)]) for blob, place in entries
            ]
        target = self._target = self._target or begin(self._folder)
        before = target.size
        try:
            places = target.append(blobs)
        except TryLater:
            if target.is_broken:
                self._leave_target()
            raise
        moved = [(blob, place) for (blob, _), place in zip(entries, places, strict=True)]
        with self._index.transaction(durable=True):
            self._index.add(target.segment, target.salt, [], target.size, sealed=False)
            self._index.move(number, target.segment, moved)
        return target.size - before

    def _remove(self, number: int) -> int:
        octets = self._folder.size(number)
        # Durable before the file goes, and with it the deletions that made it empty.
        with self._index.transaction(durable=True):
            self._index.forget_segment(number)
        self._folder.files.unlink(self._folder.path_of(number))
        self._folder.files.fsync_folder(self._folder.path)
        self._catalogue.forget_segment(number)
        self._folder.drop(number)
        return octets

    def _leave_target(self) -> None:
        target, self._target = self._target, None
        if target is None:
            return
        try:
            if target.size:
                with self._index.transaction():
                    self._index.add(target.segment, target.salt, [], target.size, sealed=True)
        finally:
            target.close()


def _slices(entries: list[Entry]) -> Iterator[list[Entry]]:
    some: list[Entry] = []
    octets = 0
    for entry in entries:
        some.append(entry)
        octets += entry[1].record_octets
        if octets >= _SLICE_OCTETS:
            yield some
            some, octets = [], 0
    if some:
        yield some


def _intact(folder: SegmentFolder, read: Read, blob: bytes, place: Place) -> bytes:
    """The blob, compared with its checksum. Raises `TryLater`."""
    start, end = place.offset, place.offset + place.record_octets
    try:
        item = next(scan(read, start, end, None, verify_from=0))
        if isinstance(item, FoundRecord) and item.header.blob_id == blob and item.end == end:
            return read(place.length, place.payload)
    except OSError as error:
        raise TryLater(f"{folder.path_of(place.segment)} cannot be read: {error}") from error
    raise TryLater(f"{folder.path_of(place.segment)} at {place.offset}: the record is damaged")
