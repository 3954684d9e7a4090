"""What a run of octets asks of a server: 8BITMIME, BINARYMIME, or lines that cannot be sent."""

import re

from postroad.formats.mime.octets import LINE_LIMIT, Octets, windows
from postroad.model.queue import Needs

_BINARY = re.compile(rb"\x00|\r(?!\n)|(?<!\r)\n")


def examine(octets: Octets, start: int, end: int) -> Needs:
    """What the octets from `start` to `end` need; linear, without a copy of them. Never `utf8`."""
    return Needs(
        eight_bit=not all(window.isascii() for window in windows(octets, start, end)),
        binary=_has_binary(octets, start, end),
        long_lines=_has_long_line(octets, start, end),
    )


def is_in_the_way(needed: Needs, lacks: Needs) -> bool:
    """Whether something is needed that is lacking. No server takes lines over 998 octets."""
    return (
        (needed.eight_bit and lacks.eight_bit)
        or (needed.binary and lacks.binary)
        or needed.long_lines
    )


def _has_binary(octets: Octets, start: int, end: int) -> bool:
    before = b""
    for window in windows(octets, start, end):
        # A CR at the end of a window waits for its LF in the next one.
        held = before + window
        before = b"\r" if held.endswith(b"\r") else b""
        if _BINARY.search(held[: len(held) - len(before)]):
            return True
    return bool(before)


def _has_long_line(octets: Octets, start: int, end: int) -> bool:
    at = start
    while end - at > LINE_LIMIT:
        last_end = octets.rfind(b"\n", at, min(end, at + LINE_LIMIT + 2))
        if last_end < 0:
            # What is left has no line end, and may just fit with its CR.
            return end - at > LINE_LIMIT + 1 or octets[end - 1] != 0x0D
        at = last_end + 1
    return False
