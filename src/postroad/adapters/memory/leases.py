"""Leases in memory."""

from postroad.adapters.memory.state import MemoryState
from postroad.base.moments import Moment
from postroad.stores.leases import LeaseStore


class MemoryLeaseStore(LeaseStore):
    def __init__(self, state: MemoryState) -> None:
        self._leases = state.leases

    async def take(self, name: str, token: str, now: Moment, until: Moment) -> bool:
        held = self._leases.get(name)
        if held is not None and held[0] != token and held[1] > now:
            return False
        self._leases[name] = token, until
        return True

    async def give_back(self, name: str, token: str) -> None:
        held = self._leases.get(name)
        if held is not None and held[0] == token:
            del self._leases[name]

    async def any_held(self, prefix: str, now: Moment) -> bool:
        return any(
            name.startswith(prefix) and until > now for name, (_, until) in self._leases.items()
        )
