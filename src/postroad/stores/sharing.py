"""What the core asks of the store of rights to mailboxes (RFC 4314).

Rights lie with the owner of the mailbox and are read on each use. Nothing is found or granted
across tenants.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from postroad.model.ids import AccountId, MailboxId, MailboxName, TenantId
from postroad.model.sharing import AclChange, AclEntry, Rights, SharedMailbox, Viewer


class SharingStore(Protocol):
    @abstractmethod
    async def acl(
        self, tenant: TenantId, owner: AccountId, mailbox: MailboxId
    ) -> Sequence[AclEntry]:
        """All entries, by identifier; those of the owner are none. Raises `NotFound`."""
        ...

    @abstractmethod
    async def change_acl(
        self, tenant: TenantId, owner: AccountId, mailbox: MailboxId, change: AclChange
    ) -> None:
        """Change one entry; one without rights is removed.

        Raises `NotFound` (mailbox, owner or person, also where one of another tenant has that
        id), `TooMany`.
        """
        ...

    @abstractmethod
    async def find_shared(
        self, viewer: Viewer, address: str, name: MailboxName
    ) -> SharedMailbox | None:
        """The mailbox `name` of the person with that normalised address, in the same tenant.

        It is found whatever the rights: none may be shown that the viewer must not look up.
        """
        ...

    @abstractmethod
    async def shared(self, viewer: Viewer) -> Sequence[SharedMailbox]:
        """All mailboxes of others to which the viewer has a right, by owner and name."""
        ...

    @abstractmethod
    async def rights(self, viewer: Viewer, owner: AccountId, mailbox: MailboxId) -> Rights:
        """The rights as they are now; none where there is no such mailbox in the tenant."""
        ...
