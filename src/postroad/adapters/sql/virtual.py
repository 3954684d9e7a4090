"""The store of virtual mailboxes, as operations on an engine."""

from collections.abc import Sequence

from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.mail import virtual as operations
from postroad.model.ids import AccountId, MailboxId
from postroad.model.virtual import Fold, NewVirtual, VirtualMailbox, VirtualState
from postroad.stores.virtual import VirtualStore


class SqlVirtualStore(VirtualStore):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def virtuals(self, account: AccountId) -> Sequence[VirtualMailbox]:
        return await self._engine.look_up(lambda: operations.virtuals(account))

    async def create_virtual(self, account: AccountId, new: NewVirtual) -> VirtualMailbox:
        return await self._engine.write(lambda: operations.create(account, new))

    async def delete_virtual(self, account: AccountId, virtual: MailboxId) -> None:
        await self._engine.write(lambda: operations.delete(account, virtual))

    async def virtual_state(self, account: AccountId, virtual: MailboxId) -> VirtualState:
        return await self._engine.read(lambda: operations.state(account, virtual))

    async def fold(self, account: AccountId, virtual: MailboxId, fold: Fold) -> bool:
        return await self._engine.write(lambda: operations.fold(account, virtual, fold))
