"""Giving others rights to mailboxes (RFC 4314): who has which, and who may change that."""

from collections.abc import Sequence

from postroad.base.errors import NotFound, NotPermitted
from postroad.base.phrases import phrase
from postroad.core.mailbox.reach import Reach
from postroad.formats.mailaddress import normalise_address
from postroad.model.ids import AccountId, MailboxName, TenantId
from postroad.model.sharing import (
    ALL_RIGHTS,
    AclAction,
    AclChange,
    AclEntry,
    Group,
    Identifier,
    Rights,
    Viewer,
)
from postroad.ports.bus import Bus
from postroad.stores.directory import DirectoryStore
from postroad.stores.sharing import SharingStore

_GROUPS = {group.value: group for group in Group}


class Sharing:
    """The owner of a mailbox always has all rights; nobody can change that."""

    def __init__(
        self, reach: Reach, store: SharingStore, directory: DirectoryStore, bus: Bus
    ) -> None:
        self._reach = reach
        self._store = store
        self._directory = directory
        self._bus = bus

    async def my_rights(self, viewer: Viewer, name: MailboxName) -> Rights:
        """Raises `NotFound`."""
        return (await self._reach.known(viewer, name)).rights

    async def acl(self, viewer: Viewer, name: MailboxName) -> Sequence[AclEntry]:
        """All entries, that of the owner first. Raises `NotFound`, `NotPermitted`."""
        place = await self._reach.existing(viewer, name, Rights.ADMIN)
        owner = await self._directory.load_account(place.owner)
        entries = await self._store.acl(viewer.tenant, place.owner, place.mailbox.mailbox_id)
        return [AclEntry(owner.address, False, ALL_RIGHTS), *entries]

    async def change(
        self,
        viewer: Viewer,
        name: MailboxName,
        identifier: str,
        action: AclAction,
        rights: Rights,
    ) -> None:
        """SETACL; DELETEACL is to replace the rights by none.

        Raises `NotFound` (mailbox or person), `NotPermitted`, `TooMany`.
        """
        place = await self._reach.existing(viewer, name, Rights.ADMIN)
        who, negative = await self._identified(viewer.tenant, identifier)
        change = AclChange(who, negative, action, rights)
        if who == place.owner:
            if negative or change.applied(ALL_RIGHTS) != ALL_RIGHTS:
                raise NotPermitted("the owner of a mailbox always has all rights")
            return
        mailbox = place.mailbox.mailbox_id
        await self._store.change_acl(viewer.tenant, place.owner, mailbox, change)
        # Whoever has it selected is to hear of it: rights may be lost.
        self._bus.announce(place.owner)
        if not isinstance(who, Group):
            self._bus.announce(who)  # who watches for mailboxes that appear

    async def grantable(
        self, viewer: Viewer, name: MailboxName, identifier: str
    ) -> tuple[Rights, Rights]:
        """LISTRIGHTS: the rights that an identifier always has, and those it may be given."""
        place = await self._reach.existing(viewer, name, Rights.ADMIN)
        who, negative = await self._identified(viewer.tenant, identifier)
        if who != place.owner:
            return Rights.NONE, ALL_RIGHTS
        return (Rights.NONE if negative else ALL_RIGHTS), Rights.NONE

    async def _identified(self, tenant: TenantId, text: str) -> tuple[Identifier, bool]:
        """Who is meant, and whether the rights are to be taken away. Raises `NotFound`."""
        negative = text.startswith("-")
        name = text.removeprefix("-")
        if name in _GROUPS:
            return _GROUPS[name], negative
        found = await self._directory.find_account(normalise_address(name))
        if found is None or found.tenant_id != tenant or not found.is_person:
            raise NotFound(phrase("there is no account {name}", name=name))
        return AccountId(found.account_id), negative
