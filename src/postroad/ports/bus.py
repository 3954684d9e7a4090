"""How the parts of the program hear of changes. Losing it costs latency, never truth."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Protocol

from postroad.model.ids import AccountId


class Bus(Protocol):
    """Topics are accounts (something in its mailboxes changed) and the queue."""

    @abstractmethod
    def announce(self, account: AccountId) -> None:
        """Tell every listener, on every node, that mailboxes of this account changed."""
        ...

    @abstractmethod
    def watch(self, account: AccountId, wake: Callable[[], None]) -> Callable[[], None]:
        """Have `wake` called when something changes, from the loop's thread; it must not wait.

        Several changes may be one call. Returns what ends the watch.
        """
        ...

    @abstractmethod
    def wake_queue(self) -> None:
        """There is something to send, and who says so looks for it."""
        ...

    @abstractmethod
    def share_queue(self) -> None:
        """There is something to send, and no room for it here: others may look for it."""
        ...
