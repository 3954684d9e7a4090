"""An SQLite VFS over the default one that counts syncs and can refuse."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import apsw

_names = itertools.count()


@dataclass
class Faults:
    name: str = ""
    syncs: int = 0  # of the write-ahead log
    full: bool = False
    read_only: bool = False
    broken: bool = False


@contextmanager
def faulty_vfs() -> Iterator[Faults]:
    """A VFS for the time of the block; what it shall refuse is set in the value given."""
    faults = Faults(f"faulty-{next(_names)}")
    vfs = _Vfs(faults)
    try:
        yield faults
    finally:
        vfs.unregister()


class _Vfs(apsw.VFS):
    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        super().__init__(faults.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        if self._faults.read_only and flags[0] & apsw.SQLITE_OPEN_CREATE:
            raise apsw.CantOpenError("the folder is read-only")
        return _File(name, flags, self._faults)

    def excepthook(self, *_: object) -> bool:
        """SQLite is told by the error code; nothing is printed."""
        return True


class _File(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int], faults: Faults) -> None:  # Any: handed through
        self._faults = faults
        self._is_log = bool(flags[0] & apsw.SQLITE_OPEN_WAL)
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        if self._faults.full:
            raise apsw.FullError("no room")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        if self._faults.broken:
            raise apsw.IOError("the disk is broken")
        super().xSync(flags)
        self._faults.syncs += self._is_log

    def excepthook(self, *_: object) -> bool:
        """SQLite is told by the error code; nothing is printed."""
        return True
