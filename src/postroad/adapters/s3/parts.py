"""The octets of a large object, cut for an upload that another thread reads."""

import threading
from collections.abc import Iterator, Sequence

from postroad.stores.blobs import Piece


class Parts:
    """Copies are made piece by piece, so that what is large is never twice in memory.

    After `give_up` no more is read and an upload under way fails: the memory is the caller's.
    """

    def __init__(self, pieces: Sequence[Piece], part_octets: int) -> None:
        self._views = [memoryview(piece).cast("B") for piece in pieces]
        self._part_octets = part_octets
        self._lock = threading.Lock()

    def __call__(self) -> Iterator[bytes]:
        for number in range(len(self._views)):
            start = 0
            while part := self._part(number, start):
                yield part
                start += len(part)

    def give_up(self) -> None:
        with self._lock:
            for view in self._views:
                view.release()

    def _part(self, number: int, start: int) -> bytes:
        """Raises `ValueError` when it was given up."""
        with self._lock, self._views[number][start : start + self._part_octets] as part:
            return bytes(part)
