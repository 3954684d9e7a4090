"""Telling who waits how far it is."""

from typing import Protocol


class Progress(Protocol):
    def __call__(self, what: str, done: int, total: int) -> None:
        """How much of the total is done, in whatever it is counted."""
        ...


def silent(what: str, done: int, total: int) -> None:
    """For those whom nobody watches."""
