"""How the parts of the program hear of changes. Losing it costs latency, never truth."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from postroad.model.ids import AccountId


class Bus(Protocol):
    """Topics are accounts (something in its mailboxes changed) and the queue."""

    @abstractmethod
    def announce(self, account: AccountId) -> None:
        """Tell every listener, on every node, that mailboxes of this account changed."""
        ...

    @abstractmethod
    def listen(self, account: AccountId) -> AbstractAsyncContextManager[AsyncIterator[None]]:
        """Hear of changes; several that come while nobody looks count as one."""
        ...

    @abstractmethod
    def wake_queue(self) -> None:
        """There is something to send."""
        ...
