"""Keys that authorize URLs (RFC 4467) in memory: with the boxes."""

from postroad.adapters.memory.mailboxes import load
from postroad.adapters.memory.state import Box, MemoryState
from postroad.base.errors import NotFound
from postroad.model.ids import AccountId, MailboxId
from postroad.model.sharing import Viewer
from postroad.stores.urlkeys import UrlKeyStore


class MemoryUrlKeyStore(UrlKeyStore):
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def find(self, viewer: Viewer, owner: AccountId, mailbox: MailboxId) -> bytes | None:
        there = self._state.owners.get(owner)
        box = there.boxes.get(mailbox) if there else None
        return box.url_keys.get(viewer.account) if box else None

    async def keep(
        self, viewer: Viewer, owner: AccountId, mailbox: MailboxId, secret: bytes
    ) -> bytes:
        return self._box(viewer, owner, mailbox).url_keys.setdefault(viewer.account, secret)

    async def replace(
        self, viewer: Viewer, owner: AccountId, mailbox: MailboxId, secret: bytes
    ) -> None:
        self._box(viewer, owner, mailbox).url_keys[viewer.account] = secret

    async def forget(self, viewer: Viewer) -> None:
        for owner in self._state.owners.values():
            for box in owner.boxes.values():
                box.url_keys.pop(viewer.account, None)

    def _box(self, viewer: Viewer, owner: AccountId, mailbox: MailboxId) -> Box:
        account = self._state.accounts.get(owner)
        if account is None or account.tenant_id != viewer.tenant:
            raise NotFound("there is no such mailbox")
        return load(self._state.owner(owner), mailbox)
