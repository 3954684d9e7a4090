"""Which mailbox a name means to whoever says it, and what may be done there.

This is the one place that turns names into mailboxes, for every protocol.
"""

from postroad.base.errors import NoSuchTarget, NotFound
from postroad.model.ids import MailboxName
from postroad.model.sharing import Place, Spot, Viewer
from postroad.stores.mail import MailStore


class Reach:
    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def find(self, viewer: Viewer, name: MailboxName) -> Place:
        """A mailbox that can be selected. Raises `NotFound`."""
        found = await self.existing(viewer, name)
        if not found.mailbox.selectable:
            raise NotFound(f"there is no mailbox {name}")
        return found

    async def existing(self, viewer: Viewer, name: MailboxName) -> Place:
        """A mailbox, also one that is only \\Noselect. Raises `NotFound`."""
        found = await self._locate(viewer, name)
        if found is None:
            raise NotFound(f"there is no mailbox {name}")
        return found

    async def target(self, viewer: Viewer, name: MailboxName) -> Place:
        """A mailbox that takes messages. Raises `NoSuchTarget`."""
        found = await self._locate(viewer, name)
        if found is None or not found.mailbox.selectable:
            raise NoSuchTarget(f"there is no mailbox {name}")
        return found

    async def places(self, viewer: Viewer) -> list[Place]:
        """All that the viewer may see, by name."""
        mailboxes = await self._store.mailboxes(viewer.account)
        return [Place(Spot(viewer.account, each.name), each) for each in mailboxes]

    def spot(self, viewer: Viewer, name: MailboxName) -> Spot:
        """Where a name leads."""
        return Spot(viewer.account, name)

    async def _locate(self, viewer: Viewer, name: MailboxName) -> Place | None:
        spot = self.spot(viewer, name)
        mailbox = await self._store.find_mailbox(spot.owner, spot.name)
        return None if mailbox is None else Place(spot, mailbox)
