"""The order of all messages of a mailbox by one sort key, kept from one SORT to the next.

An order takes five octets for each message and knows no keys: where a few messages came, the keys
of some others are read to find where they belong, as in a binary search.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress
from typing import Any

from postroad.sessions.imap.turns import Turns, ordered, turn

Keys = Callable[[Sequence[int]], Awaitable[tuple[list[int], list[Any]]]]
"""The places that are still there, of those asked for, and their keys (numbers or texts)."""

FEW = 32
"""So many messages are put into an order; of more it is made anew."""

_STEPS = 20_000  # of what runs in C, about 2 ms


@dataclass(frozen=True, slots=True)
class Order:
    """Messages by a key, equal ones as they are in the mailbox. Those without a row are left out.

    `places[i]` is a place in `uids`; where `starts[i]` is 0 the key is that of the one before.
    """

    uids: "array[int]"
    places: "array[int]"  # type code I
    starts: bytearray

    @property
    def octets(self) -> int:
        return 200 + 4 * len(self.uids) + 5 * len(self.places)

    async def of(self, places: Sequence[int], *, reverse: bool) -> list[int]:
        """These places, which ascend, in this order; equal ones ascend also in `reverse`."""
        found: Sequence[int] = await self._reversed() if reverse else self.places
        if len(places) == len(self.uids):
            return list(found)
        wanted = bytearray(len(self.uids))
        for start in range(0, len(places), _STEPS):
            for place in places[start : start + _STEPS]:
                wanted[place] = 1
            await turn()
        chosen: list[int] = []
        for start in range(0, len(found), _STEPS):
            some = found[start : start + _STEPS]
            chosen += compress(some, map(wanted.__getitem__, some))
            await turn()
        return chosen

    async def ranks(self) -> "array[int]":
        """By place, how many different keys there are up to its own."""
        ranks = array("I", bytes(4 * len(self.uids)))
        turns = Turns()
        for place, rank in zip(self.places, accumulate(self.starts), strict=True):
            ranks[place] = rank
            if turns.due():
                await turn()
        return ranks

    async def _reversed(self) -> Sequence[int]:
        if self.starts.count(0) == 0:
            return self.places[::-1]
        found = array("I")
        turns = Turns()
        end = len(self.places)
        while end:
            start = self.starts.rindex(1, 0, end)
            found += self.places[start:end]
            end = start
            if turns.due():
                await turn()
        return found


async def made(uids: "array[int]", keys: Keys) -> Order:
    """Read all keys."""
    kept, found = await keys(range(len(uids)))
    order = await ordered(range(len(kept)), found)
    starts = bytearray(b"\1" * len(order))
    for at in range(1, len(order)):
        if found[order[at]] == found[order[at - 1]]:
            starts[at] = 0
        if at % _STEPS == 0:
            await turn()
    return Order(uids, array("I", map(kept.__getitem__, order)), starts)


async def renewed(order: Order, uids: "array[int]", keys: Keys) -> Order:
    """The order of the messages that are there now."""
    last = order.uids[-1] if order.uids else 0
    fresh = len(uids)
    while fresh and uids[fresh - 1] > last:
        fresh -= 1
        if len(uids) - fresh > FEW:
            return await made(uids, keys)
    left: Order | None = order
    if uids[:fresh] != order.uids:
        left = await _without(order, uids[:fresh])
    if left is not None and fresh < len(uids):
        left = await _with(left, uids, fresh, keys)
    return left or await made(uids, keys)


async def _without(order: Order, uids: "array[int]") -> Order | None:
    """With some messages gone; None where `uids` has others, as an older snapshot may."""
    stays = bytearray()
    for start in range(0, len(order.uids), _STEPS):
        some = order.uids[start : start + _STEPS]
        left = set(uids[bisect_left(uids, some[0]) : bisect_right(uids, some[-1])])
        stays += bytes(map(left.__contains__, some))
        await turn()
    if stays.count(1) != len(uids):
        return None
    now = array("I", accumulate(stays))  # the place, counted from 1, of what stays
    places, starts = array("I"), bytearray()
    turns = Turns()
    begins = 0
    for place, start in zip(order.places, order.starts, strict=True):
        begins |= start
        if stays[place]:
            places.append(now[place] - 1)
            starts.append(begins)
            begins = 0
        if turns.due():
            await turn()
    return Order(uids, places, starts)


async def _with(order: Order, uids: "array[int]", fresh: int, keys: Keys) -> Order | None:
    """With the messages from the place `fresh` on; None where one goes while it is looked at."""
    new = dict(zip(*await keys(range(fresh, len(uids))), strict=True))
    ends = await _found(order, new, keys)
    if ends is None:
        return None
    places, starts = order.places[:], order.starts[:]
    coming = sorted((ends[place][0], new[place], place) for place in new)
    for n in range(len(coming) - 1, -1, -1):
        at, key, place = coming[n]
        is_same = ends[place][1] or (n > 0 and coming[n - 1][:2] == (at, key))
        places.insert(at, place)
        starts.insert(at, not is_same)
    return Order(uids, places, starts)


async def _found(
    order: Order, new: dict[int, Any], keys: Keys
) -> dict[int, tuple[int, bool]] | None:
    """For each new place where it goes, and whether the one before that has its key."""
    low = dict.fromkeys(new, 0)
    high = dict.fromkeys(new, len(order.places))
    same = dict.fromkeys(new, False)
    while open_ones := [place for place in new if low[place] < high[place]]:
        middle = {place: (low[place] + high[place]) // 2 for place in open_ones}
        asked = sorted({order.places[at] for at in middle.values()})
        known = dict(zip(*await keys(asked), strict=True))
        if len(known) < len(asked):
            return None
        for place, at in middle.items():
            other = known[order.places[at]]
            if new[place] < other:
                high[place] = at
            else:
                low[place], same[place] = at + 1, other == new[place]
    return {place: (low[place], same[place]) for place in new}
