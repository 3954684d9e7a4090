"""Rights to mailboxes in memory; who shares what with whom is looked for each time."""

from collections.abc import Sequence

from postroad.adapters.memory.mailboxes import load
from postroad.adapters.memory.state import Box, MemoryState
from postroad.base.errors import NotFound, TooMany
from postroad.model.directory import Account
from postroad.model.ids import AccountId, MailboxId, MailboxName, TenantId
from postroad.model.sharing import (
    AclChange,
    AclEntry,
    Group,
    Identifier,
    Rights,
    SharedMailbox,
    Viewer,
)
from postroad.stores.sharing import SharingStore

_MAX_ENTRIES = 1000


class MemorySharingStore(SharingStore):
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def acl(
        self, tenant: TenantId, owner: AccountId, mailbox: MailboxId
    ) -> Sequence[AclEntry]:
        box = load(self._state.owner(self._person(tenant, owner).account_id), mailbox)
        found = [
            AclEntry(self._name(identifier), negative, rights)
            for (identifier, negative), rights in box.acl.items()
        ]
        return sorted(found, key=lambda entry: (entry.identifier, entry.negative))

    async def change_acl(
        self, tenant: TenantId, owner: AccountId, mailbox: MailboxId, change: AclChange
    ) -> None:
        box = load(self._state.owner(self._person(tenant, owner).account_id), mailbox)
        if not isinstance(change.identifier, Group):
            self._person(tenant, change.identifier)
        key = change.identifier, change.negative
        rights = change.applied(box.acl.get(key, Rights.NONE))
        if not rights:
            box.acl.pop(key, None)
            return
        if key not in box.acl and len(box.acl) >= _MAX_ENTRIES:
            raise TooMany(f"a mailbox has rights for at most {_MAX_ENTRIES} identifiers")
        box.acl[key] = rights

    async def find_shared(
        self, viewer: Viewer, address: str, name: MailboxName
    ) -> SharedMailbox | None:
        for account in self._people(viewer.tenant):
            box = self._state.owner(account.account_id).box_named(name)
            if account.address == address and box is not None:
                return _shared(viewer, account, box)
        return None

    async def shared(self, viewer: Viewer) -> Sequence[SharedMailbox]:
        found = [
            _shared(viewer, account, box)
            for account in self._people(viewer.tenant)
            if account.account_id != viewer.account
            for box in self._state.owner(account.account_id).boxes.values()
        ]
        found = [one for one in found if one.rights]
        return sorted(found, key=lambda one: (one.address, one.mailbox.name))

    async def rights(self, viewer: Viewer, owner: AccountId, mailbox: MailboxId) -> Rights:
        for account in self._people(viewer.tenant):
            box = self._state.owner(account.account_id).boxes.get(mailbox)
            if account.account_id == owner and box is not None:
                return _rights(viewer, box)
        return Rights.NONE

    def _people(self, tenant: TenantId) -> list[Account]:
        accounts = self._state.accounts.values()
        return [one for one in accounts if one.tenant_id == tenant and one.is_person]

    def _person(self, tenant: TenantId, account: AccountId) -> Account:
        """Raises `NotFound`."""
        for person in self._people(tenant):
            if person.account_id == account:
                return person
        raise NotFound("there is no such account")

    def _name(self, identifier: Identifier) -> str:
        if isinstance(identifier, Group):
            return identifier.value
        return self._state.accounts[identifier].address


def _rights(viewer: Viewer, box: Box) -> Rights:
    mine = {viewer.account, *Group}
    given = taken = Rights.NONE
    for (identifier, negative), rights in box.acl.items():
        if identifier in mine:
            given, taken = (given, taken | rights) if negative else (given | rights, taken)
    return given & ~taken


def _shared(viewer: Viewer, owner: Account, box: Box) -> SharedMailbox:
    return SharedMailbox(
        owner.account_id, owner.address, owner.is_shared, box.value(), _rights(viewer, box)
    )
