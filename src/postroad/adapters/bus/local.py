"""A bus for the parts of one process, which may hear of other nodes as well."""

import asyncio
from collections.abc import Callable

from postroad.adapters.bus.link import NodeLink
from postroad.model.ids import AccountId
from postroad.ports.bus import Bus

Wake = Callable[[], None]


class LocalBus(Bus):
    def __init__(self) -> None:
        # A dict keeps the order of coming and drops one watcher at once.
        self._watchers: dict[AccountId, dict[object, Wake]] = {}
        self._watchers_of_all: list[Callable[[AccountId], None]] = []
        self.queue = asyncio.Event()
        """Set when there is something to send; its reader clears it."""
        self._link: NodeLink | None = None

    def join(self, link: NodeLink) -> None:
        """Tell and hear other nodes from now on, while the link runs."""
        self._link = link
        link.tell(self._announced, self.wake_queue)

    def has_missed(self) -> bool:
        """Whether something was told since the last call that did not get through."""
        return self._link is not None and self._link.has_missed()

    def announce(self, account: AccountId) -> None:
        if self._link is not None:
            self._link.announce(account)
        self._announced(account, 1)

    def _announced(self, account: AccountId, times: int) -> None:
        """Sleepers wake once, those who count are told of each time."""
        for tell in self._watchers_of_all:
            for _ in range(times):
                tell(account)
        for wake in list(self._watchers.get(account, {}).values()):
            wake()

    def announce_all(self) -> None:
        """Something changed, and nobody knows for whom: another process wrote."""
        for watchers in list(self._watchers.values()):
            for wake in list(watchers.values()):
                wake()

    def watch(self, account: AccountId, wake: Wake) -> Wake:
        token = object()
        self._watchers.setdefault(account, {})[token] = wake

        def cancel() -> None:
            watchers = self._watchers.get(account, {})
            watchers.pop(token, None)
            if not watchers:
                self._watchers.pop(account, None)

        return cancel

    def watch_all(self, tell: Callable[[AccountId], None]) -> None:
        """Be told of every account in which something changes, for good."""
        self._watchers_of_all.append(tell)

    def wake_queue(self) -> None:
        self.queue.set()

    def share_queue(self) -> None:
        if self._link is not None:
            self._link.wake_queue()
