"""How much all spools of a process hold together, and how much room the disk has."""

import time
from collections.abc import Callable

from postroad.adapters.spool.settings import SpoolSettings
from postroad.base.errors import LowSpace, TryLater

_LOOK_AT_DISK_SECONDS = 1.0


class Accounts:
    """`memory_octets` and `file_octets` are the sums over all spools that are not closed."""

    def __init__(
        self,
        settings: SpoolSettings,
        free_octets: Callable[[], int],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.memory_octets = 0
        self.file_octets = 0
        self._free_octets = free_octets
        self._now = now
        self._looked_at = float("-inf")
        self._is_low = False

    def check_room(self) -> None:
        """Raises `LowSpace`. Asks the disk once a second at most."""
        now = self._now()
        if now - self._looked_at >= _LOOK_AT_DISK_SECONDS:
            self._looked_at = now
            try:
                self._is_low = self._free_octets() < self.settings.min_free_octets
            except OSError as error:
                self._looked_at = float("-inf")
                raise TryLater(f"the spool folder is not there: {error}") from error
        if self._is_low:
            raise LowSpace("the disk of the spool is nearly full")

    @property
    def is_memory_full(self) -> bool:
        return self.memory_octets > self.settings.max_memory_octets

    def take_memory(self, octets: int) -> None:
        self.memory_octets += octets

    def take_file(self, octets: int) -> None:
        """Raises `TryLater`."""
        if self.file_octets + octets > self.settings.max_file_octets:
            raise TryLater("too many large messages are coming in")
        self.file_octets += octets

    def give_back(self, memory_octets: int, file_octets: int) -> None:
        self.memory_octets -= memory_octets
        self.file_octets -= file_octets
