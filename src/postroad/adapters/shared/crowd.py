"""How many connections each address has, over all workers: a count-min sketch in shared memory.

Two addresses may fall on one counter of a row, but hardly ever of both rows; the smaller of the
two sums is told. So no address is counted too low, and next to none too high. The places depend on
a secret, so that nobody can aim at another's.
"""

import hashlib
import mmap
import secrets

_BITS = 15
_COUNTERS = 2**_BITS  # of a row
_ROWS = 2
_ITEM_OCTETS = 4
_PART_OCTETS = _ROWS * _COUNTERS * _ITEM_OCTETS


class Crowd:
    """Each worker counts in a part of its own; pages that nobody uses take no memory."""

    def __init__(self, parts: int) -> None:
        self._key = secrets.token_bytes(16)
        self._memory = mmap.mmap(-1, parts * _PART_OCTETS)
        self._counters = memoryview(self._memory).cast("I")
        self._parts = range(0, parts * _ROWS * _COUNTERS, _ROWS * _COUNTERS)

    def add(self, part: int, address: str, amount: int) -> None:
        for place in self._places(address):
            self._counters[self._parts[part] + place] += amount

    def count(self, address: str) -> int:
        return min(
            sum(self._counters[part + place] for part in self._parts)
            for place in self._places(address)
        )

    def clear(self, part: int) -> None:
        """The worker is gone, and its connections with it."""
        start = part * _PART_OCTETS
        self._memory[start : start + _PART_OCTETS] = bytes(_PART_OCTETS)

    def _places(self, address: str) -> tuple[int, int]:
        digest = hashlib.blake2b(address.encode(), key=self._key, digest_size=8).digest()
        first = int.from_bytes(digest[:4], "big") % _COUNTERS
        second = int.from_bytes(digest[4:], "big") % _COUNTERS
        return first, _COUNTERS + second
