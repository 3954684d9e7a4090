"""The store of rights to mailboxes, as operations on an engine."""

from collections.abc import Sequence

from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.mail import sharing
from postroad.model.ids import AccountId, MailboxId, MailboxName, TenantId
from postroad.model.sharing import AclChange, AclEntry, Rights, SharedMailbox, Viewer
from postroad.stores.sharing import SharingStore


class SqlSharingStore(SharingStore):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def acl(
        self, tenant: TenantId, owner: AccountId, mailbox: MailboxId
    ) -> Sequence[AclEntry]:
        return await self._engine.look_up(lambda: sharing.acl(tenant, owner, mailbox))

    async def change_acl(
        self, tenant: TenantId, owner: AccountId, mailbox: MailboxId, change: AclChange
    ) -> None:
        await self._engine.write(lambda: sharing.change_acl(tenant, owner, mailbox, change))

    async def find_shared(
        self, viewer: Viewer, address: str, name: MailboxName
    ) -> SharedMailbox | None:
        return await self._engine.look_up(lambda: sharing.find_shared(viewer, address, name))

    async def shared(self, viewer: Viewer) -> Sequence[SharedMailbox]:
        return await self._engine.read(lambda: sharing.shared(viewer))

    async def rights(self, viewer: Viewer, owner: AccountId, mailbox: MailboxId) -> Rights:
        return await self._engine.look_up(lambda: sharing.rights_of(viewer, owner, mailbox))
