"""`SpoolFolder`: where messages stand while they come in."""

import asyncio
import errno
import os
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from postroad.adapters.spool.accounts import Accounts
from postroad.adapters.spool.held import Held
from postroad.adapters.spool.settings import SpoolSettings
from postroad.base.errors import Invalid, LowSpace, TryLater
from postroad.ports.spool import Octets, Spool, Spools

_BUFFER_OCTETS = 1024**2
_CHUNKS = 1024  # of one writev: IOV_MAX of Linux


class SpoolFolder(Spools):
    """For one event loop.

    The files have no names, so that nothing is left after a crash. Raises `Invalid` for a folder
    that cannot be used.
    """

    def __init__(
        self,
        path: Path,
        settings: SpoolSettings | None = None,
        *,
        free_octets: Callable[[], int] | None = None,
    ) -> None:
        self._path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(_unnamed_file(path))
        except OSError as error:
            raise Invalid(f"the spool folder cannot be used: {error}") from error
        self.accounts = Accounts(settings or SpoolSettings(), free_octets or self._free_octets)

    def open(self) -> Spool:
        self.accounts.check_room()
        return _FolderSpool(self._path, self.accounts)

    def _free_octets(self) -> int:
        state = os.statvfs(self._path)
        return state.f_bavail * state.f_frsize


class _FolderSpool(Spool):
    """Chunks gather in `_held.chunks`: all of the message, or what its file does not have yet.

    `_held` lets go of memory and file also when the spool is forgotten without `close`.
    """

    def __init__(self, path: Path, accounts: Accounts) -> None:
        self._path = path
        self._accounts = accounts
        self._size = 0
        self._gathered = 0
        self._failed = False
        self._held = Held(accounts)
        self._finalizer = weakref.finalize(self, self._held.release)

    @property
    def size(self) -> int:
        return self._size

    async def write(self, chunk: bytes) -> None:
        held = self._held
        self._check_usable()
        if held.mapped is not None:
            raise RuntimeError("the spool was read already")
        if not chunk:
            return
        self._accounts.check_room()
        held.take_memory(len(chunk))
        held.chunks.append(chunk)
        self._size += len(chunk)
        self._gathered += len(chunk)
        if self._gathered > self._keeps() or self._accounts.is_memory_full:
            await self._flush()

    async def octets(self) -> Octets:
        self._check_usable()
        held = self._held
        if held.mapped is not None:
            return held.mapped
        if held.fd is None:
            if len(held.chunks) != 1:
                held.chunks = [b"".join(held.chunks)]
            return held.chunks[0]
        if self._gathered:
            await self._flush()
        return held.map(self._size)

    def close(self) -> None:
        self._finalizer()

    def _check_usable(self) -> None:
        if self._held.is_released:
            raise RuntimeError("the spool is closed")
        if self._failed:
            raise TryLater("the message could not be spooled")

    async def _flush(self) -> None:
        """Move what has gathered to the file, in a thread."""
        held = self._held
        self._failed = True
        held.take_file(self._gathered)
        chunks, held.chunks, self._gathered = held.chunks, [], 0
        held.is_busy = True
        # Also when the caller is cancelled, the file stays open until the thread has come back.
        writing = asyncio.get_running_loop().run_in_executor(None, self._append, chunks)
        writing.add_done_callback(lambda _: held.done())
        try:
            await asyncio.shield(writing)
        except OSError as error:
            kind = LowSpace if error.errno in (errno.ENOSPC, errno.EDQUOT) else TryLater
            raise kind(f"the message could not be spooled: {error}") from error
        held.give_memory_back()
        self._failed = False

    def _keeps(self) -> int:
        """How many octets may wait in memory."""
        if self._held.fd is None:
            return self._accounts.settings.message_memory_octets
        return _BUFFER_OCTETS

    def _append(self, chunks: list[bytes]) -> None:
        held = self._held
        if held.fd is None:
            held.fd = _unnamed_file(self._path)
        for start in range(0, len(chunks), _CHUNKS):
            window = chunks[start : start + _CHUNKS]
            written = os.writev(held.fd, window)
            if written < sum(map(len, window)):
                rest = memoryview(b"".join(window))[written:]
                while rest:
                    rest = rest[os.write(held.fd, rest) :]


def _unnamed_file(folder: Path) -> int:
    """A file that goes with its descriptor."""
    with suppress(OSError, AttributeError):
        return os.open(folder, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
    # Interop: some file systems (NFS, overlayfs before Linux 6.x) have no O_TMPFILE.
    fd, name = tempfile.mkstemp(dir=folder, prefix="spool-")
    os.unlink(name)
    return fd
