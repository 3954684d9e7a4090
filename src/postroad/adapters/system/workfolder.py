"""Folders for work that may end suddenly, cleared by whoever comes next.

Each has a file beside it that its process holds locked: made before the folder and removed after
it, so that a folder without one, or with one that nobody holds, was left behind.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from postroad.base.errors import Invalid

_LOCK = ".lock"


@contextmanager
def work_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder below `parent`, readable by its owner alone, removed at the end.

    Those of the same prefix whose process is gone are removed first. Raises `Invalid` when
    nothing can be written there.
    """
    for left in parent.glob(f"{prefix}*"):
        _remove_if_left(left)
    try:
        lock, path = _locked(parent, prefix)
        try:
            folder = path.with_suffix("")
            folder.mkdir(mode=0o700)
        except OSError:
            _forget(lock, path)
            raise
    except OSError as error:
        raise Invalid(f"{parent} cannot be written: {error.strerror}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _forget(lock, path)


def _locked(parent: Path, prefix: str) -> tuple[int, Path]:
    """A new file that is held; somebody who clears may have removed it before it was."""
    while True:
        lock, name = tempfile.mkstemp(prefix=prefix, suffix=_LOCK, dir=parent)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock).st_nlink:
            return lock, Path(name)
        os.close(lock)


def _remove_if_left(path: Path) -> None:
    if path.suffix != _LOCK:
        if not path.with_name(f"{path.name}{_LOCK}").exists():
            shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return
        shutil.rmtree(path.with_suffix(""), ignore_errors=True)
        _forget(lock, path)


def _forget(lock: int, path: Path) -> None:
    with suppress(OSError):
        path.unlink()
    os.close(lock)
