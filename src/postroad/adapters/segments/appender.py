"""A segment file while this process appends to it."""

import logging
import secrets
from collections.abc import Sequence
from contextlib import suppress

from postroad.adapters.segments.files import Buffer, is_full
from postroad.adapters.segments.folder import SegmentFolder
from postroad.adapters.segments.record import (
    SALT_OCTETS,
    Header,
    Place,
    checksum_of,
)
from postroad.base.errors import LowSpace, TryLater
from postroad.model.ids import BlobId

log = logging.getLogger(__name__)

_BUFFERS = 1024  # of one writev: IOV_MAX of Linux
_ATTEMPTS = 1000  # to find a free number beside other processes that start

NewBlob = tuple[BlobId, Sequence[Buffer]]


class Appender:
    """Made by `begin`; locked until `close`, so that no other process touches it.

    The first `size` octets are whole, synced records. After `is_broken` nothing may be appended.
    """

    def __init__(self, folder: SegmentFolder, segment: int, fd: int) -> None:
        self.segment = segment
        self.salt = secrets.token_bytes(SALT_OCTETS)
        self.size = 0
        self.is_broken = False
        self._folder = folder
        self._files = folder.files
        self._fd = fd
        self._is_named = False

    def append(self, blobs: Sequence[NewBlob]) -> list[Place]:
        """Store blobs with one sync; durable when it returns, and none of them if it raises.

        Raises `LowSpace`, `TryLater`.
        """
        buffers: list[Buffer] = []
        places: list[Place] = []
        end = self.size
        for blob_id, pieces in blobs:
            length = sum(len(piece) for piece in pieces)
            header = Header(self.salt, blob_id, length, checksum_of(pieces))
            buffers.append(header.encode())
            buffers.extend(piece for piece in pieces if len(piece))
            places.append(Place(self.segment, end, length))
            end += header.record_octets
        try:
            self._write(buffers)
        except OSError as error:
            self._cut()
            raise self._told(error) from error
        try:
            self._sync()
        except OSError as error:
            # What a failed sync left on the disk is unknown, and a second one would tell nothing.
            self.is_broken = True
            self._cut()
            raise self._told(error) from error
        self.size = end
        return places

    def close(self) -> None:
        """Let go of the lock; an empty file is removed."""
        if not self.size:
            with suppress(OSError):
                self._files.unlink(self._folder.path_of(self.segment))
        with suppress(OSError):
            self._files.close(self._fd)

    def _write(self, buffers: list[Buffer]) -> None:
        for start in range(0, len(buffers), _BUFFERS):
            window = buffers[start : start + _BUFFERS]
            missing = sum(map(len, window)) - self._files.writev(self._fd, window)
            while missing:
                window = _tail(window, missing)
                missing -= self._files.writev(self._fd, window)

    def _sync(self) -> None:
        self._files.fdatasync(self._fd)
        if not self._is_named:
            self._files.fsync_folder(self._folder.path)
            self._is_named = True

    def _cut(self) -> None:
        try:
            self._files.truncate(self._fd, self.size)
        except OSError:
            self.is_broken = True

    def _told(self, error: OSError) -> TryLater:
        path = self._folder.path_of(self.segment)
        log.error("segment not written", extra={"path": str(path), "reason": str(error)})
        kind = LowSpace if is_full(error) else TryLater
        return kind(f"{path} cannot be written: {error}")


def begin(folder: SegmentFolder) -> Appender:
    """A new segment with a number above all others. Raises `LowSpace`, `TryLater`."""
    try:
        number = max(folder.segments(), default=0)
        for _ in range(_ATTEMPTS):
            number += 1
            if (fd := _create(folder, number)) is not None:
                return Appender(folder, number, fd)
    except OSError as error:
        kind = LowSpace if is_full(error) else TryLater
        raise kind(f"no new file in {folder.path}: {error}") from error
    raise TryLater(f"no free number for a new file in {folder.path}")


def _create(folder: SegmentFolder, number: int) -> int | None:
    try:
        fd = folder.files.create(folder.path_of(number))
    except FileExistsError:
        return None
    # Between the two calls another process may have taken the empty file for an orphan.
    if folder.files.lock(fd) and not folder.files.is_unlinked(fd):
        return fd
    folder.files.close(fd)
    return None


def _tail(buffers: list[Buffer], octets: int) -> list[Buffer]:
    """The last octets of the buffers, without a copy."""
    tail: list[Buffer] = []
    for buffer in reversed(buffers):
        if octets >= len(buffer):
            tail.append(buffer)
            octets -= len(buffer)
        else:
            tail.append(memoryview(buffer)[len(buffer) - octets :])
            octets = 0
        if not octets:
            break
    tail.reverse()
    return tail
