"""Named numbers in memory that all workers see.

Each worker writes to its own part alone, so there is no lock and nothing is lost when one is
killed: its part stays, and who takes its place counts on.
"""

import mmap
import struct

_NAME_OCTETS = 55
_ENTRY = struct.Struct(f"<B{_NAME_OCTETS}sq")
_VALUE = struct.Struct("@q")  # native, and so one access: nobody reads half a number
_VALUE_AT = 1 + _NAME_OCTETS
_ENTRIES = 250
_PART_OCTETS = 16 * 1024

NOW = "now."
"""Names that begin so say how it is now, and end with the process; others count for good."""


class Board:
    """Made before the workers are; `parts` has one for each."""

    def __init__(self, parts: int) -> None:
        self._memory = mmap.mmap(-1, parts * _PART_OCTETS)
        self._closed = mmap.mmap(-1, 1)
        self.parts = [Part(self._memory, number * _PART_OCTETS) for number in range(parts)]

    @property
    def is_closed(self) -> bool:
        """The supervisor has been told to end, which a worker may not have heard yet."""
        return bool(self._closed[0])

    def close(self) -> None:
        self._closed[0] = 1

    def totals(self) -> dict[str, int]:
        """Every name with the sum over all parts."""
        found: dict[str, int] = {}
        for part in self.parts:
            for name, value in part.values().items():
                found[name] = found.get(name, 0) + value
        return found

    def total(self, name: str) -> int:
        return sum(part.value(name) for part in self.parts)


class Part:
    """One worker's numbers: it alone writes here, or the supervisor after its end."""

    def __init__(self, memory: mmap.mmap, start: int) -> None:
        self._memory = memory
        self._start = start
        self._places: dict[str, int] = {}  # where each known name has its value

    def add(self, name: str, amount: int = 1) -> None:
        place = self._places.get(name) or self._place(name)
        (value,) = _VALUE.unpack_from(self._memory, place)
        _VALUE.pack_into(self._memory, place, value + amount)

    def set(self, name: str, value: int) -> None:
        _VALUE.pack_into(self._memory, self._places.get(name) or self._place(name), value)

    def value(self, name: str) -> int:
        """0 for a name that was never written."""
        place = self._places.get(name)
        if place is None:
            self._look()
            place = self._places.get(name)
        return 0 if place is None else int(_VALUE.unpack_from(self._memory, place)[0])

    def values(self) -> dict[str, int]:
        self._look()
        read, memory = _VALUE.unpack_from, self._memory
        return {name: read(memory, place)[0] for name, place in self._places.items()}

    def forget_now(self) -> None:
        """The process is gone, and with it what was true of it."""
        for name in self.values():
            if name.startswith(NOW):
                self.set(name, 0)

    def _place(self, name: str) -> int:
        """Raises `ValueError` for a name too long or too many: names are the program's own."""
        self._look()
        if (place := self._places.get(name)) is not None:
            return place
        octets, number = name.encode(), len(self._places)
        if len(octets) > _NAME_OCTETS or number == _ENTRIES:
            raise ValueError(f"no room on the board for {name}")
        start = self._start + number * _ENTRY.size
        _ENTRY.pack_into(self._memory, start, 0, octets, 0)
        self._memory[start] = len(octets)  # the last: a reader sees all of it, or nothing
        self._places[name] = start + _VALUE_AT
        return start + _VALUE_AT

    def _look(self) -> None:
        """Find the names that were written since; they are never moved nor removed."""
        for number in range(len(self._places), _ENTRIES):
            start = self._start + number * _ENTRY.size
            length = self._memory[start]
            if not length:
                return
            name = self._memory[start + 1 : start + 1 + length].decode()
            self._places[name] = start + _VALUE_AT
