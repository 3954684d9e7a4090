"""An SQLite VFS over the default one whose database loses what was not synced.

    disk = LosingDisk(off_after=200)
    with losing_vfs(disk) as name:
        ...  # open databases with vfs=name
    disk.crash(folder, other_folder, keep)

The -shm file is memory, and always lost.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from support.losing_disk import LosingDisk

_JOURNALS = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL
_names = itertools.count()


@contextmanager
def losing_vfs(disk: LosingDisk) -> Iterator[str]:
    """Its name, for the time of the block."""
    vfs = _LosingVfs(f"losing-{next(_names)}", disk)
    try:
        yield vfs.name
    finally:
        vfs.unregister()


class _LosingVfs(apsw.VFS):
    def __init__(self, name: str, disk: LosingDisk) -> None:
        self.name = name
        self._disk = disk
        super().__init__(name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None:  # a temporary file: nothing of it is to survive
            return apsw.VFSFile("", name, flags)
        return _LosingFile(name, flags, Path(path), self._disk)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        with _answered(self._disk):
            super().xDelete(filename, syncdir)
            self._disk.unlinked(Path(filename))
            if syncdir:
                self._disk.synced_names(Path(filename).parent)

    def excepthook(self, *_: object) -> bool:
        """SQLite is told by the error code; nothing is printed."""
        return True


class _LosingFile(apsw.VFSFile):
    def __init__(
        self, name: Any, flags: list[int], path: Path, disk: LosingDisk
    ) -> None:  # Any: str or apsw.URIFilename, handed through
        self._path = path
        self._disk = disk
        with _answered(disk):
            is_new = not path.exists()
            super().__init__("", name, flags)
            if is_new:
                disk.created(path)
            else:
                disk.opened(path)
            # SQLite's own VFS syncs the folder with the first sync of a new journal or log; the
            # database's own name, and the removal of an earlier journal, are synced by this alone.
            self._syncs_names = is_new and bool(flags[0] & _JOURNALS)

    def xWrite(self, data: bytes, offset: int) -> None:
        with _answered(self._disk):
            super().xWrite(data, offset)
            self._disk.wrote(self._path, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:
        with _answered(self._disk):
            super().xTruncate(newsize)
            self._disk.truncated(self._path, newsize)

    def xSync(self, flags: int) -> None:
        with _answered(self._disk):
            super().xSync(flags)
            self._disk.synced(self._path)
            if self._syncs_names:
                self._disk.synced_names(self._path.parent)
                self._syncs_names = False

    def excepthook(self, *_: object) -> bool:
        """SQLite is told by the error code; nothing is printed."""
        return True


@contextmanager
def _answered(disk: LosingDisk) -> Iterator[None]:
    try:
        with disk.operation():
            yield
    except OSError as error:
        raise apsw.IOError(str(error)) from error
