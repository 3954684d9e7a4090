"""What the stores ask of a database engine."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol, TypeVar

from postroad.adapters.sql.migrations import Dialect
from postroad.adapters.sql.statement import Operation

T = TypeVar("T")


MOVED = "this installation was moved"
"""What those are told who write to a database that was left, see `transfer`."""


@dataclass(frozen=True, slots=True)
class Weakness:
    what: str
    fix: str
    is_grave: bool


class Engine(Protocol):
    dialect: Dialect

    @abstractmethod
    async def write(self, operation: Operation[T]) -> T:
        """Run an operation in a transaction; durable when it returns.

        What the operation raises undoes it alone. Raises `TryLater`, `LowSpace` for the engine's
        own troubles.
        """
        ...

    @abstractmethod
    async def read(self, operation: Operation[T]) -> T:
        """Run an operation that only reads, on one state of the database."""
        ...

    async def look_up(self, operation: Operation[T]) -> T:
        """As `read`, for a few rows found by a key: it never waits behind a long read."""
        return await self.read(operation)

    @abstractmethod
    async def changes_by_guests(self) -> int:
        """How often a process beside the servers, such as the command line, has written."""
        ...

    async def weaknesses(self) -> list[Weakness]:
        """Why something that was acknowledged may be lost, as the engine is set up."""
        return []

    @abstractmethod
    async def check(self) -> list[str]:
        """What the engine itself finds damaged."""
        ...

    @abstractmethod
    async def close(self) -> None: ...
