"""Backups in a folder, which may be a disk of its own or a network file system."""

import asyncio
import errno
import fcntl
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

from postroad.base.errors import InUse, Invalid, LowSpace, MailError, NotFound, TryLater
from postroad.ports.archive import Archive, Room

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z0-9-]{2,100}", re.ASCII)
_LOCK = "archive.lock"
_NEW = "new"  # what is being written, cleared when somebody is alone here


class FolderArchive(Archive):
    """``backups/ID`` and ``pieces/ab/NAME``, readable by their owner alone."""

    def __init__(self, path: Path) -> None:
        self.place = str(path.absolute())
        self._path = path.absolute()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        lock = await self._do(self._open_alone)
        try:
            yield
        finally:
            os.close(lock)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        lock = await self._do(self._open_to_read)
        try:
            yield
        finally:
            os.close(lock)

    async def names(self, room: Room) -> list[str]:
        return await self._do(lambda: sorted(self._names(room)))

    async def put(self, room: Room, name: str, octets: bytes) -> None:
        await self._do(lambda: self._put(self._file(room, name), octets))

    async def get(self, room: Room, name: str) -> bytes:
        try:
            return await self._do(self._file(room, name).read_bytes)
        except FileNotFoundError as error:
            raise NotFound(f"{error.filename} is missing") from error

    async def delete(self, room: Room, names: list[str]) -> int:
        return await self._do(lambda: self._delete(room, names))

    def _open_alone(self) -> int:
        """Raises `InUse`, `Invalid`."""
        known = {_LOCK, _NEW, *(room.value for room in Room)}
        there = {file.name for file in self._path.iterdir()} if self._path.is_dir() else set()
        if not self._is_ours() and not there <= known:
            raise Invalid(
                f"{self._path} holds something else than backups: choose an empty folder"
            )
        for name in ("", *sorted(known - {_LOCK})):
            (self._path / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = self._lock(os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX)
        for file in (self._path / _NEW).iterdir():
            file.unlink()
        return lock

    def _open_to_read(self) -> int:
        """Raises `InUse`, `NotFound`."""
        if not self._is_ours():
            raise NotFound(f"there are no backups in {self._path}")
        return self._lock(os.O_RDONLY, fcntl.LOCK_SH)

    def _is_ours(self) -> bool:
        return (self._path / _LOCK).is_file()

    def _lock(self, flags: int, kind: int) -> int:
        lock = os.open(self._path / _LOCK, flags | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise InUse(f"another command is at work in {self._path}: wait for its end") from error
        return lock

    def _names(self, room: Room) -> list[str]:
        folder = self._path / room.value
        if room is Room.BACKUPS:
            return [file.name for file in folder.iterdir() if _NAME.fullmatch(file.name)]
        return [
            file.name
            for shelf in folder.iterdir()
            if shelf.is_dir()
            for file in shelf.iterdir()
            if _NAME.fullmatch(file.name)
        ]

    def _file(self, room: Room, name: str) -> Path:
        if _NAME.fullmatch(name) is None:
            raise NotFound(f"there is no {room.value} {name!r}")
        folder = self._path / room.value
        return folder / name if room is Room.BACKUPS else folder / name[:2] / name

    def _put(self, path: Path, octets: bytes) -> None:
        new = self._path / _NEW / path.name
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(file, "wb") as writing:
                writing.write(octets)
                writing.flush()
                os.fsync(file)
            if not path.parent.is_dir():
                path.parent.mkdir(mode=0o700)
                _sync_folder(path.parent.parent)
            new.replace(path)
        except BaseException:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def _delete(self, room: Room, names: list[str]) -> int:
        freed, folders = 0, set[Path]()
        for name in names:
            path = self._file(room, name)
            with suppress(FileNotFoundError):
                freed += path.stat().st_size
                path.unlink()
                folders.add(path.parent)
        for folder in folders:
            _sync_folder(folder)
        return freed

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except FileNotFoundError:
            raise
        except OSError as error:
            is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            kind: type[MailError] = LowSpace if is_full else TryLater
            raise kind(f"the backups in {self._path}: {error}") from error


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
