"""What the core asks of the store of keys that authorize URLs (RFC 4467 section 2.3).

A key is one viewer's for one mailbox, and goes with either of them.
"""

from abc import abstractmethod
from typing import Protocol

from postroad.model.ids import AccountId, MailboxId
from postroad.model.sharing import Viewer


class UrlKeyStore(Protocol):
    @abstractmethod
    async def find(self, viewer: Viewer, owner: AccountId, mailbox: MailboxId) -> bytes | None: ...

    @abstractmethod
    async def keep(
        self, viewer: Viewer, owner: AccountId, mailbox: MailboxId, secret: bytes
    ) -> bytes:
        """The key there is, or `secret`, which is one from now on.

        Raises `NotFound` where the tenant has no such mailbox.
        """
        ...

    @abstractmethod
    async def replace(
        self, viewer: Viewer, owner: AccountId, mailbox: MailboxId, secret: bytes
    ) -> None:
        """Raises `NotFound` where the tenant has no such mailbox."""
        ...

    @abstractmethod
    async def forget(self, viewer: Viewer) -> None:
        """Remove all keys of the viewer."""
        ...
