"""Sets of UIDs as text, as IMAP writes them: ``1:5,9`` (RFC 9051 section 9, uid-set)."""

from array import array
from collections.abc import Iterable, Iterator


def encode(uids: Iterable[int]) -> str:
    """Ranges of ascending UIDs."""
    return ",".join(
        str(first) if first == last else f"{first}:{last}" for first, last in ranges(uids)
    )


def ranges(uids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Runs of ascending numbers, as first and last."""
    if isinstance(uids, range) and uids and uids.step == 1:
        yield uids[0], uids[-1]
        return
    numbers = iter(uids)
    first = last = next(numbers, None)
    if first is None or last is None:
        return
    for number in numbers:
        if number != last + 1:
            yield first, last
            first = number
        last = number
    yield first, last


def decode(text: str) -> "array[int]":
    """The UIDs of what `encode` wrote."""
    uids = array("I")
    for piece in filter(None, text.split(",")):
        first, _, last = piece.partition(":")
        uids.extend(range(int(first), int(last or first) + 1))
    return uids


def count(text: str) -> int:
    """How many UIDs a text names, without listing them."""
    total = 0
    for piece in filter(None, text.split(",")):
        first, _, last = piece.partition(":")
        total += int(last or first) - int(first) + 1
    return total
