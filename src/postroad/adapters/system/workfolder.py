"""Folders for work that may end suddenly, cleared by whoever comes next."""

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
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    except OSError as error:
        raise Invalid(f"{parent} cannot be written: {error.strerror}") from error
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove_if_left(folder: Path) -> None:
    """One that has no lock file is being made at this moment, or was at its process's end."""
    with suppress(OSError):
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
