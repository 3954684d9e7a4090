"""What one spool holds of memory and disk, apart from it, so that a finalizer can let go of it."""

import mmap
import os
from contextlib import suppress

from postroad.adapters.spool.accounts import Accounts


class Held:
    """`release` is final. While `is_busy` a thread writes: then the file is closed after it."""

    def __init__(self, accounts: Accounts) -> None:
        self.chunks: list[bytes] = []
        self.fd: int | None = None
        self.mapped: mmap.mmap | None = None
        self.memory_octets = 0
        self.file_octets = 0
        self.is_busy = False
        self.is_released = False
        self._accounts = accounts

    def take_memory(self, octets: int) -> None:
        self._accounts.take_memory(octets)
        self.memory_octets += octets

    def take_file(self, octets: int) -> None:
        """Raises `TryLater`."""
        self._accounts.take_file(octets)
        self.file_octets += octets

    def give_memory_back(self) -> None:
        self._accounts.give_back(self.memory_octets, 0)
        self.memory_octets = 0

    def map(self, octets: int) -> mmap.mmap:
        """The file as octets; nothing can be added any more."""
        if self.fd is None:
            raise RuntimeError("there is no file")
        self.mapped = mmap.mmap(self.fd, octets, access=mmap.ACCESS_READ)
        # The map has a descriptor of its own.
        os.close(self.fd)
        self.fd = None
        return self.mapped

    def release(self) -> None:
        if not self.is_released:
            self.is_released = True
            self._accounts.give_back(self.memory_octets, self.file_octets)
            self.memory_octets = self.file_octets = 0
            self.chunks = []
            self._close()

    def done(self) -> None:
        """The thread has come back."""
        self.is_busy = False
        if self.is_released:
            self._close()

    def _close(self) -> None:
        if self.is_busy:
            return
        mapped, self.mapped = self.mapped, None
        if mapped is not None:
            # Someone may still look at a part; the map then goes with the last view of it.
            with suppress(BufferError):
                mapped.close()
        fd, self.fd = self.fd, None
        if fd is not None:
            with suppress(OSError):
                os.close(fd)
