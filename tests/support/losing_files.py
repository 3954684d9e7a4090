"""The files of segments on a disk that loses what was not synced."""

from collections.abc import Sequence
from pathlib import Path

from postroad.adapters.segments.files import Buffer, Files
from support.losing_disk import LosingDisk


class LosingFiles(Files):
    """`_written` has, for each descriptor made by `create`, its path and its end."""

    def __init__(self, disk: LosingDisk) -> None:
        self._disk = disk
        self._written: dict[int, tuple[Path, int]] = {}

    def create(self, path: Path) -> int:
        with self._disk.operation():
            fd = super().create(path)
            self._disk.created(path)
            self._written[fd] = (path, 0)
            return fd

    def writev(self, fd: int, buffers: Sequence[Buffer]) -> int:
        with self._disk.operation():
            octets = super().writev(fd, buffers)
            path, end = self._written[fd]
            self._disk.wrote(path, end, b"".join(buffers)[:octets])
            self._written[fd] = (path, end + octets)
            return octets

    def truncate(self, fd: int, octets: int) -> None:
        with self._disk.operation():
            super().truncate(fd, octets)
            path, _ = self._written[fd]
            self._disk.truncated(path, octets)
            self._written[fd] = (path, octets)

    def fdatasync(self, fd: int) -> None:
        with self._disk.operation():
            self._disk.synced(self._written[fd][0])

    def fsync_folder(self, folder: Path) -> None:
        with self._disk.operation():
            self._disk.synced_names(folder)

    def unlink(self, path: Path) -> None:
        with self._disk.operation():
            super().unlink(path)
            self._disk.unlinked(path)
