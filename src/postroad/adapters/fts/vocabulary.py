"""All terms of an index in memory, to find those that have a needle inside or at their end.

SQLite's own table of them reads the list of messages of each term that it passes, which takes
a hundred times as long.
"""

LARGEST_OCTETS = 4 * 2**20
"""Of more terms than this nothing is kept."""

_END = b"\n"  # is in no term


class Vocabulary:
    """`terms` are parted by line feeds."""

    def __init__(self, terms: str) -> None:
        self._octets = b"".join((_END, terms.encode(), _END))

    def ending(self, term: str, most: int) -> list[str]:
        """The terms that end with `term`, in no order."""
        return self._having(term.encode() + _END, most)

    def containing(self, term: str, most: int) -> list[str]:
        return self._having(term.encode(), most)

    def _having(self, wanted: bytes, most: int) -> list[str]:
        octets, found = self._octets, list[str]()
        at = octets.find(wanted)
        while at >= 0 and len(found) < most:
            start = octets.rfind(_END, 0, at) + 1
            end = octets.index(_END, at)
            found.append(octets[start:end].decode())
            at = octets.find(wanted, end)
        return found
