"""Where a message stands while it comes in."""

from abc import abstractmethod
from mmap import mmap
from typing import Protocol

Octets = bytes | mmap


class Spool(Protocol):
    """One message on its way in: in memory while small, then in a file."""

    @property
    @abstractmethod
    def size(self) -> int: ...

    @abstractmethod
    async def write(self, chunk: bytes) -> None:
        """Add octets. Raises `LowSpace`, and `TryLater` when all spools together are full."""
        ...

    @abstractmethod
    async def octets(self) -> Octets:
        """All that was written, without a copy where it is a file; valid until `close`."""
        ...

    @abstractmethod
    def close(self) -> None:
        """Give room and file back. Calling it again does nothing."""
        ...


class Spools(Protocol):
    @abstractmethod
    def open(self) -> Spool:
        """Raises `LowSpace` while the disk is nearly full."""
        ...
