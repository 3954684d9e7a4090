"""A disk in a test's hand: what was written and not synced may be lost, sector by sector."""

import errno
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

Keep = Callable[[int], bool]

_SECTOR_OCTETS = 512


def chances(seed: object) -> random.Random:
    """Chance that comes out the same again."""
    return random.Random(repr(seed))  # noqa: S311 (no secret)


def keeping(share: float, seed: object) -> Keep:
    """Keep about so much of what was not synced, from 0 to 1."""
    chance = chances(seed)
    return lambda _: chance.random() < share


@dataclass(slots=True)
class _File:
    durable: bytearray = field(default_factory=bytearray)
    unsynced: list[tuple[int, bytes] | int] = field(default_factory=list)  # writes and lengths


@dataclass(slots=True)
class _Name:
    durable: _File | None
    now: _File | None


class LosingDisk:
    """Keeps beside the real files what would be left of them after a power cut.

    Power goes off by itself in the middle of the operation number `off_after`, and from then on
    every operation fails. `operations` counts them.
    """

    def __init__(self, off_after: int | None = None) -> None:
        self.operations = 0
        self.is_off = False
        self._off_after = off_after
        self._lock = threading.RLock()
        self._is_over = False
        self._names: dict[Path, _Name] = {}

    def go_off_after(self, operations: int) -> None:
        """Counted from now."""
        with self._lock:
            self._off_after = self.operations + operations

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Around the real operation and its note here. Raises `OSError` when the power is off.

        The one in which power goes off has happened, and yet was never answered.
        """
        with self._lock:
            if self._is_over:
                yield
                return
            if self.is_off:
                raise OSError(errno.EIO, "the power is off")
            self.operations += 1
            self.is_off = self.operations == self._off_after
            yield
            if self.is_off:
                raise OSError(errno.EIO, "the power went off")

    def opened(self, path: Path) -> None:
        """A file that is there; what it holds when it is first seen is taken for synced."""
        if path not in self._names:
            file = _File(bytearray(path.read_bytes()))
            self._names[path] = _Name(file, file)

    def created(self, path: Path) -> None:
        if not self._is_over:
            self._names.setdefault(path, _Name(None, None)).now = _File()

    def wrote(self, path: Path, offset: int, octets: bytes) -> None:
        self._change(path, (offset, octets))

    def truncated(self, path: Path, octets: int) -> None:
        self._change(path, octets)

    def unlinked(self, path: Path) -> None:
        if path in self._names and not self._is_over:
            self._names[path].now = None

    def synced(self, path: Path) -> None:
        """The content; its name is the folder's."""
        if self.is_off:
            return  # it did not come to its end
        if file := self._names[path].now:
            file.durable = _settled(file, lambda: True)
            file.unsynced.clear()

    def synced_names(self, folder: Path) -> None:
        if not self.is_off:
            for path, name in self._names.items():
                if path.parent == folder:
                    name.durable = name.now

    def let_go(self) -> None:
        """Power is off for good; what a dying program still does succeeds, and changes nothing."""
        with self._lock:
            self.is_off = self._is_over = True

    def crash(self, source: Path, target: Path, keep: Keep) -> None:
        """Write into `target` what is left of the files of `source`.

        `keep` is asked for each thing that was not synced, numbered from 0: a sector that was
        written, a truncation, a file that was made or removed.
        """
        asked = iter(range(2**62))

        def keep_next() -> bool:
            return keep(next(asked))

        target.mkdir(parents=True)
        with self._lock:
            self.is_off = True
            for path, name in self._names.items():
                if path.parent != source:
                    continue
                left = name.durable
                if name.now is not left and keep_next():
                    left = name.now
                if left:
                    (target / path.name).write_bytes(_settled(left, keep_next))

    def _change(self, path: Path, change: tuple[int, bytes] | int) -> None:
        if not self._is_over and (file := self._names[path].now):
            file.unsynced.append(change)


def _settled(file: _File, keep: Callable[[], bool]) -> bytearray:
    """The content, if of what is unsynced only some was kept."""
    content = bytearray(file.durable)
    for change in file.unsynced:
        if isinstance(change, int):
            if keep():
                _resize(content, change)
            continue
        offset, octets = change
        start = 0
        while start < len(octets):
            stop = start + _SECTOR_OCTETS - (offset + start) % _SECTOR_OCTETS
            if keep():
                piece = octets[start:stop]
                end = offset + start + len(piece)
                if len(content) < end:
                    _resize(content, end)
                content[offset + start : end] = piece
            start = stop
    return content


def _resize(content: bytearray, octets: int) -> None:
    if octets < len(content):
        del content[octets:]
    else:
        content.extend(bytes(octets - len(content)))
