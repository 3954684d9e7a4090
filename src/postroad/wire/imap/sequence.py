"""Sets of message numbers and UIDs (RFC 9051 section 9, ``sequence-set``), kept as ranges."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

STAR = 0  # the number that ``*`` is kept as; no message has it
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """Pairs of first and last as the client wrote them, `STAR` standing for ``*``.

    `saved` is ``$``: the result of the last SEARCH with SAVE (RFC 9051 section 6.4.4.1).
    Nothing here ever lists the members of a range: ``1:4294967295`` costs two numbers.
    """

    ranges: tuple[Span, ...]
    saved: bool = False

    def spans(self, last: int) -> list[Span]:
        """The set with ``*`` as `last`: ascending, apart, first not over last."""
        spans = []
        for pair in self.ranges:
            low, high = (end or last for end in pair)
            spans.append((low, high) if low <= high else (high, low))
        return merged(spans)

    def places(self, numbers: Sequence[int]) -> list[Span]:
        """Where members stand in ascending `numbers`, as half-open spans of places."""
        if not numbers:
            return []
        places = []
        for low, high in self.spans(numbers[-1]):
            start, stop = bisect_left(numbers, low), bisect_right(numbers, high)
            if start < stop:
                places.append((start, stop))
        return places

    @property
    def highest(self) -> int:
        """The greatest number written, `STAR` counting as none."""
        return max((max(pair) for pair in self.ranges), default=0)

    @property
    def has_star(self) -> bool:
        return any(STAR in pair for pair in self.ranges)


def merged(spans: Iterable[Span]) -> list[Span]:
    """Sort spans (last included) and join those that touch."""
    joined: list[Span] = []
    for low, high in sorted(spans):
        if joined and low <= joined[-1][1] + 1:
            if high > joined[-1][1]:
                joined[-1] = (joined[-1][0], high)
        else:
            joined.append((low, high))
    return joined


def spans_of(numbers: Sequence[int]) -> list[Span]:
    """Ascending, different numbers as spans (last included)."""
    if not numbers:
        return []
    if numbers[-1] - numbers[0] == len(numbers) - 1:
        return [(numbers[0], numbers[-1])]
    spans = []
    first = previous = numbers[0]
    for number in numbers:
        if number - previous > 1:
            spans.append((first, previous))
            first = number
        previous = number
    spans.append((first, previous))
    return spans


def absent(wanted: SequenceSet, uids: Sequence[int], first: int, last: int) -> list[Span]:
    """What of `wanted`, from `first` to `last`, is not among ascending `uids`."""
    gaps: list[Span] = []
    for low, high in wanted.spans(last):
        low, high = max(low, first), min(high, last)
        for start, stop in SequenceSet(((low, high),)).places(uids) if low <= high else ():
            for uid in uids[start:stop]:
                if low < uid:
                    gaps.append((low, uid - 1))
                low = uid + 1
        if low <= high:
            gaps.append((low, high))
    return gaps


def encode_spans(spans: Iterable[Span]) -> bytes:
    """Write spans as a ``sequence-set``."""
    return b",".join([b"%d" % a if a == b else b"%d:%d" % (a, b) for a, b in spans])


def encode_numbers(numbers: Sequence[int]) -> bytes:
    """Write ascending, different numbers as a ``sequence-set``, ranges joined."""
    return encode_spans(spans_of(numbers))


def encode_in_order(numbers: Sequence[int]) -> bytes:
    """Write a ``uid-set`` in its own order (RFC 4315 section 3); only rising runs are joined."""
    runs: list[Span] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return encode_spans(runs)
