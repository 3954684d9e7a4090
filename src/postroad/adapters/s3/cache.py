"""Objects that were written or read lately, in files on this machine.

Nothing depends on it: a file is compared with its checksums when it is read, and what is damaged,
missing or half written is fetched again. So nothing is synced. Any number of processes may share
the folder; it outlives them.
"""

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from postroad.adapters.s3.layout import Damaged, Head, head_octets, intact
from postroad.adapters.s3.naming import Location

log = logging.getLogger(__name__)

Whole = bytes | memoryview

MAX_OBJECT_OCTETS = 8 * 1024**2
_FIRST_READ_OCTETS = 64 * 1024
_LOOK_EVERY = 16  # times, while it is filled once
_KEEP = 0.9  # of its room, when it was full
_USED_SECONDS = 600  # how exactly it is known when a file was last used
_WAITING_OCTETS = 32 * 1024**2
_COMING = ".coming"


class Cache:
    """`store` and `drop` return at once; a thread does it. `find` is for a thread.

    `_waiting_octets` and `_written_octets` count for this process alone; what all have written is
    seen when the folder is looked through.
    """

    def __init__(self, folder: Path, max_octets: int, min_free_octets: int) -> None:
        self._folder = folder
        self._max_octets = max_octets
        self._min_free_octets = min_free_octets
        self._lock = threading.Lock()
        self._waiting_octets = 0  # guarded by the lock
        self._written_octets = max_octets  # look at the first time
        self._has_told = False
        self._writer = ThreadPoolExecutor(1, "s3-cache")

    def find(self, wanted: Sequence[Location]) -> list[Whole | None]:
        """Each blob, whole and compared with its checksum; None for what is not there."""
        return [self._find(location) for location in wanted]

    def store(self, key: str, octets: Whole) -> None:
        """Keep an object, if there is time for it."""
        size = len(octets)
        if size > MAX_OBJECT_OCTETS or self._waiting_octets + size > _WAITING_OCTETS:
            return
        self._count(size)

        def work() -> None:
            try:
                self._store(key, octets)
            except OSError as error:
                self._tell(error)
            finally:
                self._count(-size)

        self._submit(work)

    def drop(self, key: str) -> None:
        self._submit(lambda: self._path(key).unlink(missing_ok=True))

    def close(self) -> None:
        self._writer.shutdown()

    def _count(self, octets: int) -> None:
        with self._lock:
            self._waiting_octets += octets

    def _tell(self, error: OSError) -> None:
        """Once: mail goes on without it, and more slowly."""
        if not self._has_told:
            self._has_told = True
            details = {"path": str(self._folder), "why": str(error)}
            log.warning("the cache of messages cannot be written", extra=details)

    def _submit(self, work: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # closed
            self._writer.submit(work)

    def _path(self, key: str) -> Path:
        return self._folder / key[13:15] / key  # random digits, see naming

    def _find(self, location: Location) -> Whole | None:
        path = self._path(location.key)
        try:
            with path.open("rb", buffering=0) as file:
                found = _read(file.fileno(), location)
                _mark_used(file.fileno())
        except FileNotFoundError:
            return None
        except (Damaged, OSError) as error:
            log.warning(
                "a file of the cache is damaged, and fetched again",
                extra={"path": str(path), "why": str(error)},
            )
            with suppress(OSError):
                path.unlink(missing_ok=True)
            return None
        return found

    def _store(self, key: str, octets: Whole) -> None:
        if self._written_octets >= self._max_octets // _LOOK_EVERY:
            self._written_octets = 0
            self._make_room()
        path = self._path(key)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        coming = path.with_name(f"{key}.{secrets.token_hex(4)}{_COMING}")
        try:
            fd = os.open(coming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(fd, "wb", buffering=0) as file:
                if file.write(octets) != len(octets):
                    raise OSError("the disk took a part of it")
            coming.replace(path)
        except OSError:
            coming.unlink(missing_ok=True)
            raise
        self._written_octets += len(octets)

    def _make_room(self) -> None:
        """Remove what was not used for longest, and what a process left half written."""
        files = sorted(_files(self._folder))
        total = sum(size for _, size, _ in files)
        room = min(self._max_octets, total + _free(self._folder) - self._min_free_octets)
        over = total - int(room * _KEEP) if total > room * (1 - 1 / _LOOK_EVERY) else 0
        old = time.time() - _USED_SECONDS
        for used_at, size, path in files:
            is_left = path.endswith(_COMING) and used_at < old
            if over <= 0 and not is_left:
                continue
            with suppress(OSError):
                os.unlink(path)
                over -= size


def _read(fd: int, location: Location) -> Whole | None:
    """The blob if the object has it. Raises `Damaged`."""
    first_octets = max(head_octets(location.count), _FIRST_READ_OCTETS)
    octets = memoryview(os.pread(fd, first_octets, 0))
    head = Head(octets, location.count)
    if (entry := head.find(location.number)) is None:
        return None
    if entry.end <= len(octets):
        return intact(octets, entry)
    return intact(memoryview(os.pread(fd, entry.length, entry.offset)), entry, entry.offset)


def _mark_used(fd: int) -> None:
    if time.time() - os.fstat(fd).st_mtime > _USED_SECONDS:
        with suppress(OSError):
            os.utime(fd)


def _files(folder: Path) -> list[tuple[float, int, str]]:
    """When each was used last, its octets, and its path."""
    found: list[tuple[float, int, str]] = []
    with suppress(OSError), os.scandir(folder) as parts:
        for part in parts:
            with suppress(OSError), os.scandir(part.path) as files:
                for one in files:
                    with suppress(OSError):
                        state = one.stat(follow_symlinks=False)
                        found.append((state.st_mtime, state.st_size, one.path))
    return found


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize
