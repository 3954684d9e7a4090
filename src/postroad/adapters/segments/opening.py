"""Taking a folder of segments into use."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import apsw

from postroad.adapters.segments.adopting import adopt
from postroad.adapters.segments.folder import SegmentFolder
from postroad.adapters.segments.index import (
    Index,
    open_index,
    open_index_to_read,
    remove_index,
)
from postroad.base.errors import Invalid, LowSpace, TryLater

log = logging.getLogger(__name__)

_INDEX_NAME = "index.db"
_LOCK_NAME = "index.lock"


@dataclass(frozen=True, slots=True)
class Opened:
    index: Index | None
    """For the writer; None when nothing is to be written."""
    lock: int | None
    """A descriptor, shared by all processes that write; who holds it alone may rebuild."""


def open_folder(folder: SegmentFolder, vfs: str | None) -> Opened:
    """To read and write. Raises `Invalid`, `TryLater`, `LowSpace`."""
    files = folder.files
    try:
        files.make_folder(folder.path)
        lock = files.open_for_lock(folder.path / _LOCK_NAME)
    except OSError as error:
        raise Invalid(f"the folder of blobs cannot be written: {error}") from error
    try:
        return Opened(_adopted_index(folder, lock, vfs), lock)
    except (apsw.Error, OSError) as error:
        files.close(lock)
        raise Invalid(f"the folder of blobs {folder.path} cannot be used: {error}") from error
    except BaseException:
        files.close(lock)
        raise


def open_to_read(folder: SegmentFolder, _vfs: str | None) -> Opened:
    """Changing nothing. Raises `Invalid`."""
    try:
        folder.segments()
    except OSError as error:
        raise Invalid(f"the folder of blobs cannot be read: {error}") from error
    return Opened(None, None)


def connect(folder: Path, vfs: str | None, *, read_only: bool) -> Index:
    """A further connection to the index of an opened folder. Raises `TryLater`."""
    path = folder / _INDEX_NAME
    try:
        return open_index_to_read(path) if read_only else open_index(path, vfs)
    except apsw.Error as error:
        raise TryLater(f"the index of blobs: {error}") from error


def _adopted_index(folder: SegmentFolder, lock: int, vfs: str | None) -> Index:
    """The index, knowing all that nobody writes to any more."""
    path = folder.path / _INDEX_NAME
    if is_first := folder.files.lock(lock):
        index = _sound_index(path, vfs)
    else:
        # Whoever is first may be rebuilding.
        folder.files.lock(lock, shared=True, wait=True)
        index = open_index(path, vfs)
    try:
        with suppress(LowSpace):  # the readers find what the index lacks; `compact` tries again
            for _ in adopt(folder, index):
                pass
        if is_first:
            folder.files.lock(lock, shared=True, wait=True)
    except BaseException:
        index.close()
        raise
    return index


def _sound_index(path: Path, vfs: str | None) -> Index:
    """The index, or an empty one in place of what is damaged or of another version."""
    try:
        index = open_index(path, vfs)
        if index.is_sound():
            return index
        index.close()
    except (apsw.NotADBError, apsw.CorruptError, apsw.IOError):
        pass
    log.warning("index of blobs is damaged and will be rebuilt", extra={"path": str(path)})
    remove_index(path)
    return open_index(path, vfs)
