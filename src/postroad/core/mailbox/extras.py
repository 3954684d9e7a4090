"""What was worked out of a mailbox's messages, kept in this process until it is used no more.

Messages do not change but for their flags, so what follows from the rest (an order, threads)
holds as long as the same messages are there. All of it can be worked out anew.
"""

from abc import abstractmethod
from array import array
from collections import OrderedDict
from collections.abc import Hashable
from typing import Protocol

from postroad.model.ids import AccountId
from postroad.model.mailbox import Mailbox


class Extra(Protocol):
    """Something that was worked out. Immutable."""

    @property
    @abstractmethod
    def uids(self) -> "array[int]":
        """The messages that it was worked out of, ascending."""
        ...

    @property
    @abstractmethod
    def octets(self) -> int:
        """About how much memory it takes."""
        ...


class Extras:
    """Extras up to `max_octets`, by mailbox and name; the one used longest ago goes first."""

    def __init__(self, max_octets: int = 32 * 2**20) -> None:
        self._max_octets = max_octets
        self._octets = 0
        self._kept: OrderedDict[Hashable, Extra] = OrderedDict()

    def find(self, account: AccountId, mailbox: Mailbox, name: Hashable) -> Extra | None:
        """What was kept last; its `uids` say whether it still holds."""
        key = account, mailbox.mailbox_id, mailbox.uid_validity, name
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, account: AccountId, mailbox: Mailbox, name: Hashable, extra: Extra) -> None:
        """In place of what was there; what is larger than everything may be is not kept."""
        key = account, mailbox.mailbox_id, mailbox.uid_validity, name
        self._drop(key)
        if extra.octets > self._max_octets:
            return
        self._kept[key] = extra
        self._octets += extra.octets
        while self._octets > self._max_octets:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        known = self._kept.pop(key, None)
        if known is not None:
            self._octets -= known.octets
