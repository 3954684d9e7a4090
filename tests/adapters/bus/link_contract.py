"""What every link between nodes must do, over the real service."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from postroad.adapters.bus.link import NodeLink
from postroad.adapters.bus.local import LocalBus
from postroad.model.ids import AccountId
from support.services import Service

ANN, BEN = AccountId(1), AccountId(2**53)
MakeLink = Callable[[str], NodeLink]


class Listener:
    """A process of a node, and what it was told."""

    def __init__(self, link: NodeLink) -> None:
        self.link = link
        self.bus = LocalBus()
        self.bus.join(link)
        self.noted: list[AccountId] = []
        self.bus.watch_all(self.noted.append)

    async def is_up(self) -> None:
        await until(lambda: self.link.is_up)


async def until(is_true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not is_true():  # noqa: ASYNC110  # what it waits for is a plain value
            await asyncio.sleep(0.005)


@asynccontextmanager
async def listening(make_link: MakeLink, *nodes: str) -> AsyncIterator[list[Listener]]:
    listeners = [Listener(make_link(node)) for node in nodes]
    tasks = [asyncio.ensure_future(one.link.run()) for one in listeners]
    try:
        for one in listeners:
            await one.is_up()
        yield listeners
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


class LinkContract:
    async def test_other_nodes_hear_of_changes(self, make_link: MakeLink) -> None:
        async with listening(make_link, "north", "south") as (north, south):
            for _ in range(3):
                north.bus.announce(ANN)
            north.bus.announce(BEN)
            assert north.noted == [ANN, ANN, ANN, BEN], "here at once"
            await until(lambda: len(south.noted) == 4)
            assert sorted(south.noted) == [ANN, ANN, ANN, BEN]
            await asyncio.sleep(0.05)
            assert len(north.noted) == 4, "nobody hears of their own"

    async def test_processes_of_a_node_hear_of_each_other_in_other_ways(
        self, make_link: MakeLink
    ) -> None:
        async with listening(make_link, "north", "north", "south") as (one, two, south):
            one.bus.announce(ANN)
            await until(lambda: south.noted)
            assert two.noted == []

    async def test_the_queue_is_woken_elsewhere(self, make_link: MakeLink) -> None:
        async with listening(make_link, "north", "south") as (north, south):
            north.bus.share_queue()
            await until(south.bus.queue.is_set)

    async def test_many_at_once(self, make_link: MakeLink) -> None:
        async with listening(make_link, "north", "south") as (north, south):
            for number in range(20_000):
                north.bus.announce(AccountId(2**52 + number))
            await until(lambda: len(south.noted) == 20_000)
            assert len(set(south.noted)) == 20_000

    async def test_one_that_comes_up_has_everybody_look(self, make_link: MakeLink) -> None:
        async with listening(make_link, "north") as (north,):
            assert north.bus.has_missed(), "what was before it came up"
            assert not north.bus.has_missed(), "told once"
            async with listening(make_link, "south"):
                await until(north.bus.has_missed)


async def loses_and_finds(make_link: MakeLink, service: Service) -> None:
    """The service dies, and comes back: who was linked knows both, and hears again."""
    async with listening(make_link, "north", "south") as (north, south):
        north.bus.has_missed()
        service.kill()
        north.bus.announce(ANN)
        await until(lambda: not north.link.is_up and not south.link.is_up)
        assert north.bus.has_missed()
        service.start()
        await north.is_up()
        await south.is_up()
        assert south.bus.has_missed()
        before = len(south.noted)
        north.bus.announce(BEN)
        await until(lambda: south.noted[before:] == [BEN])
