"""PARTIAL (RFC 9394): a range of results, counted from the first or from the last."""

from dataclasses import dataclass

from postroad.wire.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class PartialRange:
    """`first` and `last` count from 1, or (`from_end`) from the last result backwards.

    `text` is what the answer repeats; counted from the first, the lower end comes first.
    """

    first: int
    last: int
    from_end: bool
    text: bytes

    def places(self, count: int) -> tuple[int, int]:
        """The half-open span of the range among `count` results, ascending; may be empty."""
        low, high = sorted((self.first, self.last))
        if self.from_end:
            return max(count - high, 0), max(count - low + 1, 0)
        return min(low - 1, count), min(high, count)


def partial_range(cursor: Cursor) -> PartialRange:
    """``partial-range`` (RFC 9394 section 4): never with ``*``, both ends with one sign."""
    from_end = cursor.take(b"-")
    first = cursor.nz_number()
    cursor.expect(b":-" if from_end else b":")
    last = cursor.nz_number()
    form = b"-%d:-%d" if from_end else b"%d:%d"
    if not from_end and first > last:  # RFC 5267 section 5: the same range
        first, last = last, first
    return PartialRange(first, last, from_end, form % (first, last))
