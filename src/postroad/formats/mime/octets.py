"""Questions about a long run of octets, answered without a copy of it or a loop per octet."""

import mmap
from collections.abc import Iterator

Octets = bytes | mmap.mmap
"""A whole message: octets in memory, or a mapped file. Never changed while it is read."""

WINDOW_OCTETS = 256 * 1024

LINE_LIMIT = 998
"""RFC 5322 section 2.1.1: the most octets of a line, without its CRLF."""


def windows(octets: Octets, start: int, end: int) -> Iterator[bytes]:
    """The octets from `start` to `end`, in pieces of at most `WINDOW_OCTETS`."""
    for at in range(start, end, WINDOW_OCTETS):
        yield octets[at : min(at + WINDOW_OCTETS, end)]


def count_lines(octets: Octets, start: int, end: int) -> int:
    """The line ends (LF) between `start` and `end`."""
    if isinstance(octets, bytes):
        return octets.count(b"\n", start, end)
    return sum(window.count(b"\n") for window in windows(octets, start, end))


def is_ascii(octets: Octets) -> bool:
    """Whether no octet is over 127."""
    if isinstance(octets, bytes):
        return octets.isascii()
    return all(window.isascii() for window in windows(octets, 0, len(octets)))


def longest_line(octets: Octets) -> int:
    """The octets of the longest line without its line end where that is over 998, else 0.

    Lines that RFC 5322 section 2.1.1 allows are not measured one by one, so that the usual
    message costs one search per kilobyte.
    """
    longest, allowed, at, size = 0, LINE_LIMIT + 2, 0, len(octets)
    while size - at > LINE_LIMIT:
        # Every line that ends within the next `allowed` octets is short enough.
        last_end = octets.rfind(b"\n", at, at + allowed)
        if last_end >= 0:
            at = last_end + 1
            continue
        found = octets.find(b"\n", at)
        line_end = size if found < 0 else found
        length = line_end - at
        if found > at and octets[found - 1] == 0x0D:
            length -= 1
        if length > max(longest, LINE_LIMIT):
            longest = length
            allowed = length + 1
        at = line_end + 1
    return longest
