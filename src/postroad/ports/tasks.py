"""How the core has work done beside itself; `server` implements it, tests drive it."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol, TypeVar

T = TypeVar("T")


class Tasks(Protocol):
    @abstractmethod
    async def together(
        self, jobs: Sequence[Callable[[], Awaitable[T]]], deadline: timedelta
    ) -> list[T | None]:
        """Run jobs at the same time; None for each that failed or was not done by the deadline."""
        ...

    @abstractmethod
    async def offload(self, function: Callable[[], T]) -> T:
        """Run a function that computes for long in a thread."""
        ...

    @abstractmethod
    def start(
        self,
        name: str,
        job: Callable[[], Awaitable[None]],
        *instead: Callable[[], Awaitable[None]],
    ) -> None:
        """Start a job that the server owns: its error is logged, shutdown ends it.

        After an error the jobs of `instead` are run in turn, until one does not fail.
        """
        ...

    @abstractmethod
    def every(self, name: str, interval: timedelta, job: Callable[[], Awaitable[None]]) -> None:
        """Run a job again and again, the interval counted from its end."""
        ...
