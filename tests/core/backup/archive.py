"""An archive in memory whose process may be killed at any step."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroad.base.errors import NotFound
from postroad.ports.archive import Archive, Room


class Killed(BaseException):
    """The process ends here: nothing catches it."""


class MemoryArchive(Archive):
    """`lives` counts the steps down that change something; the one at 0 is half done at most."""

    place = "memory"

    def __init__(self) -> None:
        self.rooms: dict[Room, dict[str, bytes]] = {room: {} for room in Room}
        self.lives: int | None = None

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        yield

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        yield

    async def names(self, room: Room) -> list[str]:
        return sorted(self.rooms[room])

    async def put(self, room: Room, name: str, octets: bytes) -> None:
        self._step()
        self.rooms[room][name] = octets

    async def get(self, room: Room, name: str) -> bytes:
        if name not in self.rooms[room]:
            raise NotFound(f"{name} is missing")
        return self.rooms[room][name]

    async def delete(self, room: Room, names: list[str]) -> int:
        freed = 0
        for name in names:
            self._step()
            freed += len(self.rooms[room].pop(name, b""))
        return freed

    def _step(self) -> None:
        if self.lives is None:
            return
        if not self.lives:
            raise Killed
        self.lives -= 1
