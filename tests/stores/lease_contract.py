"""Leases: one holder at a time, and none for ever."""

import asyncio

from postroad.base.moments import Moment
from stores.making import NOW, Stores

LATER, LATEST = Moment(NOW + 10), Moment(NOW + 20)


class LeaseContract:
    async def test_one_holder_at_a_time(self, stores: Stores) -> None:
        leases = stores.leases
        assert await leases.take("upkeep", "ann", NOW, LATER)
        assert not await leases.take("upkeep", "ben", NOW, LATEST)
        assert await leases.take("indexing", "ben", NOW, LATER)
        assert not await leases.take("indexing", "ann", NOW, LATER)

    async def test_a_holder_renews(self, stores: Stores) -> None:
        leases = stores.leases
        await leases.take("upkeep", "ann", NOW, LATER)
        assert await leases.take("upkeep", "ann", NOW, LATEST)
        assert not await leases.take("upkeep", "ben", LATER, LATEST)

    async def test_what_has_lapsed_is_anybodys(self, stores: Stores) -> None:
        leases = stores.leases
        await leases.take("upkeep", "ann", NOW, LATER)
        assert await leases.take("upkeep", "ben", LATER, LATEST)
        assert not await leases.take("upkeep", "ann", LATER, LATEST), "who was late has lost it"

    async def test_only_the_holder_gives_back(self, stores: Stores) -> None:
        leases = stores.leases
        await leases.give_back("upkeep", "ann")
        await leases.take("upkeep", "ann", NOW, LATER)
        await leases.give_back("upkeep", "ben")
        assert not await leases.take("upkeep", "ben", NOW, LATER)
        await leases.give_back("upkeep", "ann")
        assert await leases.take("upkeep", "ben", NOW, LATER)

    async def test_of_many_that_ask_at_once_one_gets_it(self, stores: Stores) -> None:
        leases = stores.leases
        names = [f"worker {number}" for number in range(10)]
        asked = await asyncio.gather(*(leases.take("upkeep", name, NOW, LATER) for name in names))
        assert sum(asked) == 1

    async def test_whether_any_of_a_kind_is_held(self, stores: Stores) -> None:
        leases = stores.leases
        await leases.take("backup /mnt/a", "ann", NOW, LATER)
        assert await leases.any_held("backup ", NOW)
        assert not await leases.any_held("backups", NOW)
        assert not await leases.any_held("%", NOW)
        assert not await leases.any_held("backup ", LATER), "it has lapsed"
        await leases.take("backup /mnt/b", "ben", NOW, LATEST)
        assert await leases.any_held("backup ", LATER)
        await leases.give_back("backup /mnt/b", "ben")
        assert not await leases.any_held("backup ", LATER)
