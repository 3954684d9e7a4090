"""What the core asks of the place where backups are kept."""

from abc import abstractmethod
from contextlib import AbstractAsyncContextManager
from enum import Enum
from typing import Protocol


class Room(Enum):
    """The parts of an archive."""

    PIECES = "pieces"
    """What backups are made of, shared among them; a name never means other octets."""
    BACKUPS = "backups"
    """One entry for each backup that is whole."""


class Archive(Protocol):
    """Named octets. Names are letters, digits and hyphens; `place` says for people where it is."""

    place: str

    @abstractmethod
    def alone(self) -> AbstractAsyncContextManager[None]:
        """While it lasts nobody else reads or writes here. Raises `InUse`, `TryLater`.

        The hold ends with the process, however that ends.
        """
        ...

    @abstractmethod
    def reading(self) -> AbstractAsyncContextManager[None]:
        """While it lasts nobody writes here. Raises `InUse`, `NotFound` (no archive)."""
        ...

    @abstractmethod
    async def names(self, room: Room) -> list[str]:
        """All names, sorted. Raises `TryLater`."""
        ...

    @abstractmethod
    async def put(self, room: Room, name: str, octets: bytes) -> None:
        """Store all of it or nothing; durable when it returns. Raises `LowSpace`, `TryLater`."""
        ...

    @abstractmethod
    async def get(self, room: Room, name: str) -> bytes:
        """Raises `NotFound`, `TryLater`."""
        ...

    @abstractmethod
    async def delete(self, room: Room, names: list[str]) -> int:
        """Remove what is there of these, durably; returns how many octets became free."""
        ...
