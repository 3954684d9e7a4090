"""The folder of segments: names, numbers, and files kept open for reading."""

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from postroad.adapters.segments.files import Files
from postroad.adapters.segments.scan import Read

_NAME = re.compile(r"(\d{8})\.seg")


@dataclass(slots=True)
class _Handle:
    fd: int
    borrowed: int = 0
    dropped: bool = False


class SegmentFolder:
    """Safe for use by many threads.

    A handle is closed when it is dropped from `_handles` and nobody borrows it any more.
    """

    def __init__(self, path: Path, files: Files, open_files: int) -> None:
        self.path = path
        self.files = files
        self._limit = open_files
        self._lock = threading.Lock()
        self._handles: OrderedDict[int, _Handle] = OrderedDict()

    def path_of(self, segment: int) -> Path:
        return self.path / f"{segment:08}.seg"

    def segments(self) -> list[int]:
        """The numbers of all segment files, in order."""
        found = (_NAME.fullmatch(name) for name in self.files.names(self.path))
        return sorted(int(match[1]) for match in found if match)

    def size(self, segment: int) -> int:
        """The octets of the file; 0 when there is none."""
        try:
            return self.files.size(self.path_of(segment))
        except FileNotFoundError:
            return 0

    @contextmanager
    def reading(self, segment: int) -> Iterator[Read]:
        """The file for the time of the block; raises `FileNotFoundError`."""
        handle = self._borrow(segment)
        try:
            fd, pread = handle.fd, self.files.pread
            yield lambda octets, offset: pread(fd, octets, offset)
        finally:
            self._give_back(handle)

    def drop(self, segment: int) -> None:
        """Close the file of a segment as soon as nobody reads it."""
        with self._lock:
            self._drop(segment)

    def close(self) -> None:
        with self._lock:
            for segment in list(self._handles):
                self._drop(segment)

    def try_lock(self, segment: int) -> int | None:
        """A descriptor that holds the segment for us; None if it is gone or another's.

        Closing the descriptor gives it back.
        """
        try:
            fd = self.files.open_for_reading(self.path_of(segment))
        except FileNotFoundError:
            return None
        if self.files.lock(fd) and not self.files.is_unlinked(fd):
            return fd
        self.files.close(fd)
        return None

    def _borrow(self, segment: int) -> _Handle:
        with self._lock:
            handle = self._handles.get(segment)
            if handle is None:
                self._drop_unlinked()
                handle = _Handle(self.files.open_for_reading(self.path_of(segment)))
                self._handles[segment] = handle
                if len(self._handles) > self._limit:
                    self._drop(next(iter(self._handles)))
            else:
                self._handles.move_to_end(segment)
            handle.borrowed += 1
            return handle

    def _give_back(self, handle: _Handle) -> None:
        with self._lock:
            handle.borrowed -= 1
            self._close_if_unused(handle)

    def _drop(self, segment: int) -> None:
        if handle := self._handles.pop(segment, None):
            handle.dropped = True
            self._close_if_unused(handle)

    def _drop_unlinked(self) -> None:
        """Another process may have compacted a file away: its room is freed when we let go."""
        gone = [n for n, handle in self._handles.items() if self.files.is_unlinked(handle.fd)]
        for segment in gone:
            self._drop(segment)

    def _close_if_unused(self, handle: _Handle) -> None:
        if handle.dropped and not handle.borrowed:
            with suppress(OSError):
                self.files.close(handle.fd)
