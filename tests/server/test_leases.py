"""Duties that one process does: who has them, and who takes them over."""

from datetime import timedelta

from postroad.adapters.memory.leases import MemoryLeaseStore
from postroad.adapters.memory.state import MemoryState
from postroad.app.leases import Lease
from postroad.base.errors import TryLater
from postroad.base.moments import Moment, after
from postroad.ports.clock import Clock
from stores.making import NOW


class Watch(Clock):
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> Moment:
        return self.at


class Away(MemoryLeaseStore):
    async def take(self, name: str, token: str, now: Moment, until: Moment) -> bool:
        raise TryLater("the database does not answer")


async def test_the_duty_goes_to_another_when_its_holder_dies() -> None:
    store, clock = MemoryLeaseStore(MemoryState()), Watch()
    first, second = (Lease("upkeep", store, clock) for _ in range(2))
    assert await first.renew()
    assert not await first.renew(), "it is not new to it"
    assert not await second.renew()
    assert (first.is_held, second.is_held) == (True, False)
    clock.at = after(NOW, timedelta(seconds=15))
    assert not await second.renew(), "the holder may be slow"
    clock.at = after(NOW, timedelta(seconds=25))
    assert await second.renew()
    assert not await first.renew()
    assert (first.is_held, second.is_held) == (False, True)


async def test_who_ends_in_good_order_leaves_it_at_once() -> None:
    store, clock = MemoryLeaseStore(MemoryState()), Watch()
    first, second = (Lease("upkeep", store, clock) for _ in range(2))
    await first.renew()
    await second.give_back()
    assert not await second.renew()
    await first.give_back()
    assert await second.renew()


async def test_without_the_database_nobody_has_it() -> None:
    state, clock = MemoryState(), Watch()
    lease = Lease("upkeep", MemoryLeaseStore(state), clock)
    await lease.renew()
    away = Lease("upkeep", Away(state), clock)
    away.is_held = True
    assert not await away.renew()
    assert not away.is_held
