"""An order that is kept stays what sorting anew gives, whatever comes and goes."""

from array import array
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.sessions.imap import orders
from postroad.sessions.imap.orders import Order, made, renewed


class Mailbox:
    """Keys by UID; `asked` counts how many keys were read."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = dict(enumerate(keys, 1))
        self.last = len(keys)
        self.uids = array("I", self.keys)
        self.lost: set[int] = set()  # UIDs that have no row any more
        self.asked = 0

    def change(self, gone: Sequence[int], new: Sequence[str]) -> None:
        self.keys |= dict(enumerate(new, self.last + 1))
        self.last += len(new)
        self.keys = {uid: key for uid, key in self.keys.items() if uid not in gone}
        self.uids = array("I", self.keys)

    async def read(self, places: Sequence[int]) -> tuple[list[int], list[Any]]:
        self.asked += len(places)
        there = [place for place in places if self.uids[place] not in self.lost]
        return there, [self.keys[self.uids[place]] for place in there]

    def sorted(self, *, reverse: bool = False) -> list[int]:
        places = [n for n, uid in enumerate(self.uids) if uid not in self.lost]
        return sorted(places, key=lambda place: self.keys[self.uids[place]], reverse=reverse)


async def check(order: Order, mailbox: Mailbox) -> None:
    everything = range(len(mailbox.uids))
    assert await order.of(everything, reverse=False) == mailbox.sorted()
    assert await order.of(everything, reverse=True) == mailbox.sorted(reverse=True)
    some = everything[::3]
    assert await order.of(some, reverse=True) == [
        place for place in mailbox.sorted(reverse=True) if place in some
    ]
    ranks = await order.ranks()
    assert sorted(mailbox.sorted(), key=ranks.__getitem__) == mailbox.sorted()
    assert len({ranks[place] for place in order.places}) == len(
        {mailbox.keys[mailbox.uids[place]] for place in order.places}
    )


TEXTS = st.lists(st.text(alphabet="ab", max_size=2), max_size=40)
STEPS = st.lists(st.tuples(st.sets(st.integers(1, 120)), TEXTS), max_size=4)


@given(TEXTS, STEPS)
async def test_an_order_is_what_sorting_gives(
    keys: list[str], steps: list[tuple[set[int], list[str]]]
) -> None:
    mailbox = Mailbox(keys)
    order = await made(mailbox.uids, mailbox.read)
    await check(order, mailbox)
    for gone, new in steps:
        mailbox.change(sorted(gone), new)
        order = await renewed(order, mailbox.uids, mailbox.read)
        await check(order, mailbox)


async def test_few_new_messages_cost_few_reads() -> None:
    mailbox = Mailbox([f"{n * 7919 % 10_007:05}" for n in range(10_000)])
    order = await made(mailbox.uids, mailbox.read)
    mailbox.asked = 0
    mailbox.change([17], ["00000", "05000", "99999"])
    order = await renewed(order, mailbox.uids, mailbox.read)
    assert mailbox.asked < 3 * 20
    await check(order, mailbox)


async def test_many_new_messages_are_sorted_anew() -> None:
    mailbox = Mailbox(["b"] * 100)
    order = await made(mailbox.uids, mailbox.read)
    mailbox.asked = 0
    mailbox.change([], ["a"] * (orders.FEW + 1))
    order = await renewed(order, mailbox.uids, mailbox.read)
    assert mailbox.asked == 100 + orders.FEW + 1
    await check(order, mailbox)


@pytest.mark.parametrize("lost", [{5}, {1, 2, 3}, {11}])
async def test_messages_that_go_while_they_are_read_are_left_out(lost: set[int]) -> None:
    mailbox = Mailbox(["b", "a"] * 5)
    order = await made(mailbox.uids, mailbox.read)
    mailbox.change([], ["a"])
    mailbox.lost = lost
    order = await renewed(order, mailbox.uids, mailbox.read)
    there = [place for place in await order.of(range(11), reverse=False)]
    assert [place for place in there if mailbox.uids[place] not in lost] == mailbox.sorted()


async def test_an_older_snapshot_has_what_is_gone_in_a_newer_one() -> None:
    mailbox = Mailbox(["c", "b", "a"])
    old, texts = mailbox.uids, dict(mailbox.keys)
    mailbox.change([2], [])
    order = await made(mailbox.uids, mailbox.read)
    mailbox.uids, mailbox.keys = old, texts
    await check(await renewed(order, old, mailbox.read), mailbox)
