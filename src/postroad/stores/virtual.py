"""What the core asks of the store of virtual mailboxes.

The messages of one are read and changed by `MailStore`, under the id of the virtual mailbox.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from postroad.model.ids import AccountId, MailboxId
from postroad.model.virtual import Fold, NewVirtual, VirtualMailbox, VirtualState


class VirtualStore(Protocol):
    @abstractmethod
    async def virtuals(self, account: AccountId) -> Sequence[VirtualMailbox]:
        """All of an account, by name."""
        ...

    @abstractmethod
    async def create_virtual(self, account: AccountId, new: NewVirtual) -> VirtualMailbox:
        """An empty one, nothing folded yet. Raises `AlreadyExists`, `NotFound`, `TooMany`."""
        ...

    @abstractmethod
    async def delete_virtual(self, account: AccountId, virtual: MailboxId) -> None:
        """Its messages stay where they are. Raises `NotFound`."""
        ...

    @abstractmethod
    async def virtual_state(self, account: AccountId, virtual: MailboxId) -> VirtualState:
        """Raises `NotFound`."""
        ...

    @abstractmethod
    async def fold(self, account: AccountId, virtual: MailboxId, fold: Fold) -> bool:
        """Bring it up to date in one operation. False: somebody else did so meanwhile.

        New messages get UIDs in the order in which they came to the account. What comes, goes or
        changes gets one new mod_seq. Raises `NotFound`.
        """
        ...
