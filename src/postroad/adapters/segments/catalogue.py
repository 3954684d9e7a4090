"""Where a blob is, as this process knows it.

Three places are asked: what our writer has not indexed yet, the index, and, for blobs that
another process stored a moment ago, the ends of its segments.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from postroad.adapters.segments.folder import SegmentFolder
from postroad.adapters.segments.index import Index
from postroad.adapters.segments.record import Place
from postroad.adapters.segments.scan import Found, Torn, scan
from postroad.base.errors import NotFound
from postroad.model.ids import BlobId

Own = Callable[[], Mapping[int, int]]


@dataclass(slots=True)
class _Tail:
    """What lies behind the indexed part of a segment, up to `position`."""

    position: int
    salt: bytes | None
    places: dict[BlobId, Place] = field(default_factory=dict)


class Catalogue:
    """For the reader threads; each brings its own connection to the index."""

    def __init__(self, folder: SegmentFolder, pending: Mapping[BlobId, Place], own: Own) -> None:
        self._folder = folder
        self._pending = pending
        self._own = own
        self._lock = threading.Lock()
        self._tails: dict[int, _Tail] = {}

    def find(self, index: Index, blobs: Iterable[BlobId]) -> dict[BlobId, Place]:
        """The place of every blob. Raises `NotFound`, `TryLater`."""
        wanted = set(blobs)
        pending = self._pending
        places = {blob: place for blob in wanted if (place := pending.get(blob)) is not None}
        if len(places) < len(wanted):
            places |= index.find(list(wanted.difference(places)))
        if len(places) < len(wanted):
            places |= self._find_in_tails(index, list(wanted.difference(places)))
        return places

    def ids(self, index: Index, after: BlobId, limit: int) -> list[BlobId]:
        pending = list(self._pending)  # before the index: what leaves it goes there
        self._refresh(index)
        with self._lock:
            tails = [blob for tail in self._tails.values() for blob in tail.places]
        found = {blob for blob in [*pending, *tails] if blob > after}
        return sorted(found.union(index.ids(after, limit)))[:limit]

    def forget(self, blobs: Sequence[BlobId]) -> None:
        with self._lock:
            for tail in self._tails.values():
                for blob in blobs:
                    tail.places.pop(blob, None)

    def forget_segment(self, segment: int) -> None:
        """Its file is gone, and its blobs are elsewhere."""
        with self._lock:
            self._tails.pop(segment, None)

    def _find_in_tails(self, index: Index, blobs: Sequence[BlobId]) -> dict[BlobId, Place]:
        self._refresh(index)
        # Another process may have indexed them since we asked.
        places = index.find(blobs)
        with self._lock:
            for tail in self._tails.values():
                places |= {blob: tail.places[blob] for blob in blobs if blob in tail.places}
        if lost := [blob for blob in blobs if blob not in places]:
            raise NotFound(f"no blob {lost[0].hex()}")
        return places

    def _refresh(self, index: Index) -> None:
        """Read what was appended by others since the last time."""
        states = index.segments()
        own = self._own()
        numbers = self._folder.segments()
        with self._lock:
            for number in self._tails.keys() - set(numbers):
                del self._tails[number]
            for number in numbers:
                state = states.get(number)
                if number in own or (state and state.sealed):
                    self._tails.pop(number, None)
                    continue
                tail = self._tails.setdefault(number, _Tail(0, state.salt if state else None))
                self._read_on(number, tail, state.indexed_upto if state else 0)

    def _read_on(self, number: int, tail: _Tail, indexed_upto: int) -> None:
        if indexed_upto:
            tail.places = {b: p for b, p in tail.places.items() if p.offset >= indexed_upto}
        tail.position = max(tail.position, indexed_upto)
        size = self._folder.size(number)
        if size <= tail.position:
            return
        with self._folder.reading(number) as read:
            for item in scan(read, tail.position, size, tail.salt, verify_from=size):
                if isinstance(item, Found):
                    blob = item.header.blob_id
                    tail.salt = item.header.salt
                    tail.places[blob] = Place(number, item.offset, item.header.length)
                    tail.position = item.end
                elif isinstance(item, Torn):
                    break
