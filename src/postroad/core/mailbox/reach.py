"""Which mailbox a name means to whoever says it, and what may be done there.

This is the one place that turns names into mailboxes, for every protocol. A mailbox that somebody
may not look up is as one that does not exist (RFC 4314 section 6).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from postroad.base.errors import Invalid, NoSuchTarget, NotFound, NotPermitted
from postroad.base.phrases import phrase
from postroad.core.mailbox.permitted import require
from postroad.core.mailbox.service import DELIMITER, INBOX
from postroad.core.mailbox.virtual import VirtualMailboxes, refuse_virtual
from postroad.formats.mailaddress import normalise_address
from postroad.model.ids import MailboxName
from postroad.model.sharing import Place, Rights, SharedMailbox, Spot, Viewer
from postroad.model.virtual import PREFIX
from postroad.stores.mail import MailStore
from postroad.stores.sharing import SharingStore

# RFC 2342: below each of them come addresses, and below those the mailboxes.
OTHER_USERS = "Other Users"
SHARED = "Shared"
_NAMESPACES = (OTHER_USERS, SHARED)
# RFC 4314 section 4: one of these lets somebody ask for the own rights.
_ANY = Rights.LOOKUP | Rights.READ | Rights.INSERT | Rights.CREATE | Rights.DELETE | Rights.ADMIN


@dataclass(frozen=True, slots=True)
class _Foreign:
    """A name in a namespace of others, taken apart."""

    namespace: str
    address: str
    name: MailboxName  # as the owner calls it

    @property
    def prefix(self) -> str:
        return f"{self.namespace}/{self.address}/"

    def fits(self, found: SharedMailbox) -> bool:
        return found.of_shared_account == (self.namespace == SHARED)


class Reach:
    """With `private_seen` everybody has a \\Seen of their own in the mailboxes of others."""

    def __init__(
        self,
        store: MailStore,
        sharing: SharingStore,
        *,
        private_seen: bool = True,
        virtual: VirtualMailboxes | None = None,
    ) -> None:
        self._store = store
        self._sharing = sharing
        self._private_seen = private_seen
        self._virtual = virtual

    async def find(self, viewer: Viewer, name: MailboxName, needed: Rights = Rights.READ) -> Place:
        """A mailbox that can be selected. Raises `NotFound`, `NotPermitted`."""
        found = await self.existing(viewer, name, needed)
        if not found.mailbox.selectable:
            raise NotFound(phrase("there is no mailbox {name}", name=name))
        return found

    async def existing(self, viewer: Viewer, name: MailboxName, needed: Rights) -> Place:
        """A mailbox, also one that is only \\Noselect. Raises `NotFound`, `NotPermitted`."""
        found = await self._locate(viewer, name)
        if found is None or not (needed in found.rights or Rights.LOOKUP in found.rights):
            raise NotFound(phrase("there is no mailbox {name}", name=name))
        require(found.rights, needed)
        return found

    async def known(self, viewer: Viewer, name: MailboxName) -> Place:
        """A mailbox to which the viewer has some right. Raises `NotFound`."""
        found = await self._locate(viewer, name)
        if found is None or not found.rights & _ANY:
            raise NotFound(phrase("there is no mailbox {name}", name=name))
        return found

    async def target(self, viewer: Viewer, name: MailboxName) -> Place:
        """A mailbox that takes messages. Raises `NoSuchTarget`, `NotPermitted`, `Invalid`."""
        found = await self._locate(viewer, name)
        needed = Rights.INSERT
        visible = found is not None and (needed in found.rights or Rights.LOOKUP in found.rights)
        if found is None or not visible or not found.mailbox.selectable:
            raise NoSuchTarget(phrase("there is no mailbox {name}", name=name))
        refuse_virtual(found.mailbox.mailbox_id)
        require(found.rights, needed)
        return found

    async def places(self, viewer: Viewer) -> list[Place]:
        """All that the viewer may see, by name."""
        own = await self._store.mailboxes(viewer.account)
        places = [Place(Spot(viewer.account, each.name), each) for each in own]
        if self._virtual is not None:
            names = {each.name for each in own}
            virtual = await self._virtual.places(viewer)
            places += [place for place in virtual if place.name not in names]
        for found in await self._sharing.shared(viewer):
            if Rights.LOOKUP in found.rights:
                namespace = SHARED if found.of_shared_account else OTHER_USERS
                foreign = _Foreign(namespace, found.address, found.mailbox.name)
                places.append(self._place(viewer, foreign, found))
        return places

    async def renewed(self, viewer: Viewer, place: Place) -> Place:
        """The place with the rights as they are now. Raises `NotFound` where READ is lost."""
        if not place.spot.is_foreign:
            return place
        mailbox = place.mailbox.mailbox_id
        rights = await self._sharing.rights(viewer, place.owner, mailbox)
        if Rights.READ not in rights:
            raise NotFound("the mailbox is gone")
        return place if rights == place.rights else replace(place, rights=rights)

    async def new(self, viewer: Viewer, name: MailboxName) -> Spot:
        """Where a mailbox of that name may be made. Raises `NotPermitted`, `Invalid`.

        It is the same refusal whether there is no such account or the rights are lacking.
        """
        foreign = _take_apart(name)
        if foreign is None:
            if name.partition(DELIMITER)[0] in _NAMESPACES:
                raise NotPermitted("mailboxes of others have names like that")
            if self._virtual is not None and f"{name}/".startswith(PREFIX):
                raise Invalid("virtual mailboxes have names like that")
            return Spot(viewer.account, name)
        above = await self._above(viewer, foreign)
        if above is None or Rights.CREATE not in above.rights:
            raise NotPermitted("you may not create mailboxes there")
        return Spot(above.owner, foreign.name, foreign.prefix)

    def is_foreign(self, name: MailboxName) -> bool:
        """Whether the name is one of a mailbox of others, there or not."""
        return _take_apart(name) is not None

    async def _locate(self, viewer: Viewer, name: MailboxName) -> Place | None:
        foreign = _take_apart(name)
        if foreign is not None:
            found = await self._shared(viewer, foreign, foreign.name)
            if found is not None and found.rights:
                return self._place(viewer, foreign, found)
        # Older mailboxes of one's own may have names that are not given any more.
        mailbox = await self._store.find_mailbox(viewer.account, name)
        if mailbox is not None:
            return Place(Spot(viewer.account, name), mailbox)
        if self._virtual is not None and name.startswith(PREFIX):
            return await self._virtual.find(viewer, name)
        return None

    async def _above(self, viewer: Viewer, foreign: _Foreign) -> SharedMailbox | None:
        """The nearest mailbox above (RFC 4314 section 4: CREATE), whatever the rights to it."""
        levels = foreign.name.split(DELIMITER)
        for depth in range(len(levels) - 1, 0, -1):
            name = MailboxName(DELIMITER.join(levels[:depth]))
            found = await self._shared(viewer, foreign, name)
            if found is not None:
                return found
        return None

    async def _shared(
        self, viewer: Viewer, foreign: _Foreign, name: MailboxName
    ) -> SharedMailbox | None:
        found = await self._sharing.find_shared(viewer, foreign.address, name)
        if found is None or found.owner == viewer.account or not foreign.fits(found):
            return None
        return found

    def _place(self, viewer: Viewer, foreign: _Foreign, found: SharedMailbox) -> Place:
        spot = Spot(found.owner, foreign.name, foreign.prefix)
        seen_by = viewer.account if self._private_seen else None
        return Place(spot, found.mailbox, found.rights, seen_by, viewer.account)


def _take_apart(name: MailboxName) -> _Foreign | None:
    """A name of the form ``Other Users/ADDRESS/NAME`` or ``Shared/ADDRESS/NAME``."""
    namespace, *levels = name.split(DELIMITER)
    if namespace not in _NAMESPACES:
        return None
    # A local part may hold the delimiter, so the address ends at the level with the @.
    at = next((n for n, level in enumerate(levels) if "@" in level), None)
    if at is None or not (rest := _inner(levels[at + 1 :])):
        return None
    address = normalise_address(DELIMITER.join(levels[: at + 1]))
    return _Foreign(namespace, address, MailboxName(rest))


def _inner(levels: Sequence[str]) -> str:
    if levels and levels[0].upper() == INBOX:
        levels = [INBOX, *levels[1:]]
    return DELIMITER.join(levels)
