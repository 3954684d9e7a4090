"""The few file operations that segments use, in one place that tests replace.

A test's version loses what was not synced, tears writes, and fails as a full or broken disk does.
"""

import errno
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

Buffer = bytes | bytearray | memoryview


class Files:
    """Thin over `os`: raises `OSError` as it does."""

    def make_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def create(self, path: Path) -> int:
        """A new file to write and read; `FileExistsError` when the name is taken."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open_for_reading(self, path: Path) -> int:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def open_for_lock(self, path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def close(self, fd: int) -> None:
        os.close(fd)

    def writev(self, fd: int, buffers: Sequence[Buffer]) -> int:
        """May write less than asked, as the system call."""
        return os.writev(fd, buffers)

    def pread(self, fd: int, octets: int, offset: int) -> bytes:
        return os.pread(fd, octets, offset)

    def fdatasync(self, fd: int) -> None:
        os.fdatasync(fd)

    def fsync_folder(self, folder: Path) -> None:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def truncate(self, fd: int, octets: int) -> None:
        """Cut the file and put its end where the next write goes."""
        os.ftruncate(fd, octets)
        os.lseek(fd, octets, os.SEEK_SET)

    def unlink(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def names(self, folder: Path) -> list[str]:
        return os.listdir(folder)

    def size(self, path: Path) -> int:
        return path.stat().st_size

    def is_unlinked(self, fd: int) -> bool:
        return os.fstat(fd).st_nlink == 0

    def free_octets(self, folder: Path) -> int:
        state = os.statvfs(folder)
        return state.f_bavail * state.f_frsize

    def lock(self, fd: int, *, shared: bool = False, wait: bool = False) -> bool:
        """Lock the open file for this process; False when another has it and `wait` is off."""
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(fd, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def is_full(error: OSError) -> bool:
    """Whether room is what the disk lacks."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
