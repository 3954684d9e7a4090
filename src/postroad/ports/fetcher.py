"""Getting a file from a URL that a user gives us."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FetchedFile:
    octets: bytes
    media_type: str | None  # what the other server calls it, without parameters
    filename: str | None  # the last segment of the path


class Fetcher(Protocol):
    @abstractmethod
    async def fetch(self, url: str, max_octets: int) -> FetchedFile:
        """Read a whole file of at most `max_octets`.

        Only from public addresses, whatever names and redirects say. Raises `Invalid` for a URL
        that may not or cannot be fetched, `TooLarge`, `TryLater` when the server does not answer.
        """
        ...
