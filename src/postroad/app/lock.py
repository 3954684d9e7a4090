"""One serving process for a data folder."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from postroad.base.errors import Invalid
from postroad.config.settings import Settings

_NAME = "serve.lock"


@contextmanager
def serving_alone(settings: Settings) -> Iterator[None]:
    """While it lasts no other process may serve the folder; commands may work beside it.

    The lock goes with the process, however that ends. Raises `Invalid`.
    """
    if sys.platform == "win32":  # Limit: there is no flock, so nobody is kept out
        yield
        return
    import fcntl

    path = settings.below_data(_NAME)
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(file, 20, 0).decode("ascii", "replace").strip()
            raise Invalid(
                f"process {holder or 'another'} serves {settings.data_dir} already. "
                "Stop it first, or choose another --data-dir."
            ) from error
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(file)
