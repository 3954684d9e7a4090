"""Bringing virtual mailboxes up to date."""

from collections.abc import Sequence

import pytest

from postroad.adapters.memory.directory import MemoryDirectoryStore
from postroad.adapters.memory.leases import MemoryLeaseStore
from postroad.adapters.memory.mail import MemoryMailStore
from postroad.adapters.memory.metadata import MemoryMetadataStore
from postroad.adapters.memory.nodes import MemoryNodeStore
from postroad.adapters.memory.queue import MemoryQueueStore
from postroad.adapters.memory.references import MemoryReferenceStore
from postroad.adapters.memory.sharing import MemorySharingStore
from postroad.adapters.memory.state import MemoryState
from postroad.adapters.memory.urlkeys import MemoryUrlKeyStore
from postroad.adapters.memory.virtual import MemoryVirtualStore
from postroad.base.errors import Invalid, NotPermitted
from postroad.core.mailbox import virtual
from postroad.core.mailbox.virtual import Matching, VirtualMailboxes, acceptable_name
from postroad.model.ids import AccountId, MailboxId, MailboxName, Uid
from postroad.model.mailbox import FlagAction, FlagChange, Flags, Mailbox, SpecialUse
from postroad.model.sharing import Viewer
from postroad.model.virtual import Fold, NewVirtual
from stores.making import Stores, uids_of

FLAGGED = FlagChange(FlagAction.ADD, Flags.FLAGGED, frozenset())


class Searches(Matching):
    """Knows ALL and FLAGGED; counts what it was asked."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self.asked: list[tuple[str, int | None]] = []

    async def matching(
        self, account: AccountId, mailbox: Mailbox, uids: Sequence[Uid] | None, search: str
    ) -> Sequence[Uid]:
        self.asked.append((mailbox.name, None if uids is None else len(uids)))
        return [
            Uid(message[0])
            for message in await self._stores.messages(account, mailbox.mailbox_id)
            if (uids is None or message[0] in uids)
            and (search == "ALL" or message[2] & Flags.FLAGGED)
        ]


class CountingVirtualStore(MemoryVirtualStore):
    folds = 0
    loses = 0  # so many times somebody else is faster

    async def fold(self, account: AccountId, virtual: MailboxId, fold: Fold) -> bool:
        self.folds += 1
        if self.loses:
            self.loses -= 1
            return False
        return await super().fold(account, virtual, fold)


class World:
    def __init__(self) -> None:
        state = MemoryState()
        self.store = CountingVirtualStore(state)
        self.stores = Stores(
            MemoryMailStore(state),
            MemoryDirectoryStore(state),
            MemoryQueueStore(state),
            MemoryReferenceStore(state),
            MemorySharingStore(state),
            MemoryLeaseStore(state),
            MemoryMetadataStore(state),
            MemoryUrlKeyStore(state),
            self.store,
            MemoryNodeStore(state),
        )
        self.searches = Searches(self.stores)
        self.virtual = VirtualMailboxes(self.store, self.stores.mail, self.searches)

    async def move_in(self) -> Viewer:
        person = await self.stores.person()
        self.account = person.account_id
        self.inbox = (await self.stores.mailbox(self.account)).mailbox_id
        return Viewer(person.account_id, person.tenant_id)

    async def refreshed(self, name: str) -> list[int]:
        there = await self.store.virtuals(self.account)
        found = next(each.mailbox for each in there if each.mailbox.name == f"Virtual/{name}")
        await self.virtual.refresh(self.account, found.mailbox_id)
        return uids_of(await self.stores.messages(self.account, found.mailbox_id))


@pytest.fixture
def world() -> World:
    return World()


async def test_the_built_in_ones_are_made_once(world: World) -> None:
    viewer = await world.move_in()
    first = await world.virtual.places(viewer)
    assert [place.name for place in first] == ["Virtual/All Mail", "Virtual/Starred"]
    assert await world.virtual.places(viewer) == first
    with pytest.raises(NotPermitted):
        await world.virtual.delete(first[0])


async def test_junk_and_trash_are_left_out_with_all_below_them(world: World) -> None:
    viewer = await world.move_in()
    for name, use in (("Trash", SpecialUse.TRASH), ("Trash/Old", None), ("Trashy", None)):
        made = await world.stores.mail.create_mailbox(world.account, MailboxName(name), use)
        await world.stores.fill(world.account, made.mailbox_id, 1)
    await world.virtual.places(viewer)
    assert await world.refreshed("All Mail") == [1]
    assert {name for name, _ in world.searches.asked} == {"INBOX", "Sent", "Trashy"}


async def test_only_what_changed_is_searched(world: World) -> None:
    viewer = await world.move_in()
    await world.stores.fill(world.account, world.inbox, 5)
    await world.virtual.places(viewer)
    assert await world.refreshed("Starred") == []
    world.searches.asked.clear()
    folds = world.store.folds
    assert await world.refreshed("Starred") == []
    assert (world.searches.asked, world.store.folds) == ([], folds)
    await world.stores.mail.store_flags(world.account, world.inbox, [Uid(3)], FLAGGED)
    assert await world.refreshed("Starred") == [1]
    assert world.searches.asked == [("INBOX", 1)]


async def test_what_an_account_has_already_comes_in_slices(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual, "_AT_ONCE", 4)
    viewer = await world.move_in()
    await world.stores.fill(world.account, world.inbox, 10)
    await world.virtual.places(viewer)
    assert await world.refreshed("All Mail") == list(range(1, 11))
    assert world.store.folds == 3


async def test_somebody_else_was_faster(world: World) -> None:
    viewer = await world.move_in()
    await world.stores.fill(world.account, world.inbox, 1)
    await world.virtual.places(viewer)
    world.store.loses = 2
    assert await world.refreshed("All Mail") == [1]
    await world.stores.fill(world.account, world.inbox, 1)
    world.store.loses = 99
    assert await world.refreshed("All Mail") == [1]  # and it ends


async def test_only_the_mailboxes_named(world: World) -> None:
    await world.move_in()
    await world.store.create_virtual(world.account, NewVirtual("in", "ALL", ("INBOX", "gone")))
    sent = await world.stores.mailbox(world.account, "Sent")
    for mailbox in (world.inbox, sent.mailbox_id):
        await world.stores.fill(world.account, mailbox, 2)
    assert await world.refreshed("in") == [1, 2]


async def test_a_mailbox_that_is_renamed_keeps_its_messages(world: World) -> None:
    viewer = await world.move_in()
    made = await world.stores.mail.create_mailbox(world.account, MailboxName("a"), None)
    await world.stores.fill(world.account, made.mailbox_id, 2)
    await world.virtual.places(viewer)
    assert await world.refreshed("All Mail") == [1, 2]
    mail = world.stores.mail
    await mail.rename_mailbox(world.account, MailboxName("a"), MailboxName("b"))
    assert await world.refreshed("All Mail") == [1, 2]
    await mail.delete_mailbox(world.account, made.mailbox_id)
    assert await world.refreshed("All Mail") == []


@pytest.mark.parametrize("name", ["", " ", "a/b", "a%", "*", "a\nb", "x" * 201, "\ud800"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(Invalid):
        acceptable_name(name)


def test_a_name_is_kept_in_nfc() -> None:
    assert acceptable_name("U\u0308bers Jahr") == "\u00dcbers Jahr"
