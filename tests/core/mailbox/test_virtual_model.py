"""Virtual mailboxes under random changes: what they hold, and what a client may rely on."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from postroad.adapters.sql.directory.store import SqlDirectoryStore
from postroad.adapters.sql.sqlite.engine import SqliteEngine, migrate
from postroad.adapters.sql.store import SqlMailStore
from postroad.adapters.sql.virtual import SqlVirtualStore
from postroad.core.mailbox.virtual import Matching, VirtualMailboxes
from postroad.model.directory import Role
from postroad.model.ids import AccountId, MailboxId, MailboxName, ModSeq, Uid
from postroad.model.mailbox import Column, FlagAction, FlagChange, Flags, Mailbox
from postroad.model.virtual import NewVirtual
from postroad.stores.directory import NewAccount
from stores.making import DOMAIN, NOW, arrival, spread

_ACTIONS = (FlagAction.ADD, FlagAction.REMOVE)
_NAMES = ("INBOX", "a", "b")


class Flagged(Matching):
    def __init__(self, mail: SqlMailStore) -> None:
        self._mail = mail

    async def matching(
        self, account: AccountId, mailbox: Mailbox, uids: Sequence[Uid] | None, search: str
    ) -> Sequence[Uid]:
        _, placements = await self._mail.placements(account, mailbox.mailbox_id)
        return [
            Uid(message[0])
            for message in spread(placements)
            if message[2] & Flags.FLAGGED and (uids is None or message[0] in uids)
        ]


class Client:
    """Keeps what it was told, and comes back with the last HIGHESTMODSEQ (RFC 7162)."""

    def __init__(self, since: ModSeq) -> None:
        self.known: dict[int, tuple[int, int]] = {}  # by UID: the email and its flags
        self.since = since

    async def come_back(self, mail: SqlMailStore, account: AccountId, virtual: MailboxId) -> None:
        changes = await mail.changes(account, virtual, self.since)
        assert changes.complete
        for uid in changes.expunged:
            self.known.pop(uid, None)
        for uid, email, flags, _, mod_seq in spread(changes.placed):
            assert mod_seq > self.since, "FETCH CHANGEDSINCE would not tell it"
            self.known[uid] = email, flags
        self.since = changes.mailbox.mod_seq


class World:
    def __init__(self, engine: SqliteEngine, seed: int) -> None:
        self.mail, self.store = SqlMailStore(engine), SqlVirtualStore(engine)
        self.directory = SqlDirectoryStore(engine)
        self.virtual = VirtualMailboxes(self.store, self.mail, Flagged(self.mail))
        self.random = random.Random(seed)  # noqa: S311  # a walk that can be walked again
        self.given: dict[int, object] = {}  # which email a UID was given to

    async def move_in(self) -> ModSeq:
        tenant = await self.directory.create_tenant("house", NOW)
        await self.directory.create_domain(tenant.tenant_id, "d", DOMAIN, (), NOW)
        new = NewAccount(
            tenant.tenant_id, f"a@{DOMAIN}", "", Role.MEMBER, None, [(n, None) for n in _NAMES]
        )
        self.account = (await self.directory.create_account(new, NOW)).account_id
        made = await self.store.create_virtual(self.account, NewVirtual("v", "FLAGGED"))
        self.id = made.mailbox.mailbox_id
        self.boxes = list(await self.mail.mailboxes(self.account))
        return made.mailbox.mod_seq

    async def step(self) -> None:
        """Something that a program does in the real mailboxes, or in the virtual one."""
        choice = self.random.randrange
        box = self.random.choice([*self.boxes, None])
        where = self.id if box is None else box.mailbox_id
        _, placements = await self.mail.placements(self.account, where)
        uids = [Uid(uid) for uid in placements.uids]
        some = sorted(self.random.sample(uids, min(len(uids), 1 + choice(3))))
        target = self.random.choice(self.boxes).mailbox_id
        match choice(6):
            case 0:
                messages = [
                    arrival(flags=Flags(Flags.FLAGGED * choice(2))) for _ in range(1 + choice(3))
                ]
                await self.mail.append(self.account, target, messages)
            case 1 | 2:
                flags = Flags.FLAGGED if choice(2) else Flags.SEEN | Flags.DELETED
                change = FlagChange(self.random.choice(_ACTIONS), flags, frozenset())
                await self.mail.store_flags(self.account, where, some, change)
            case 3:
                await self.mail.copy(self.account, some, where, target)
            case 4:
                await self.mail.move(self.account, some, where, target)
            case _:
                await self.mail.expunge(self.account, where, some)

    async def lose_a_mailbox(self) -> None:
        """It is deleted, and another one of its name made."""
        old = self.boxes.pop()
        await self.mail.delete_mailbox(self.account, old.mailbox_id)
        name = MailboxName(old.name)
        self.boxes.append(await self.mail.create_mailbox(self.account, name, None))

    async def check(self, client: Client) -> None:
        mailbox = await self.virtual.refresh(self.account, self.id)
        _, placements = await self.mail.placements(self.account, self.id)
        found = spread(placements)
        wanted = []
        for box in self.boxes:
            _, there = await self.mail.placements(self.account, box.mailbox_id)
            wanted += [(m[1], m[2]) for m in spread(there) if m[2] & Flags.FLAGGED]
        assert sorted((m[1], m[2]) for m in found) == sorted(wanted)
        assert (mailbox.messages, mailbox.octets) == (len(found), 100 * len(found))
        assert all(message[4] <= mailbox.mod_seq for message in found)
        for uid, email, *_ in found:
            assert self.given.setdefault(uid, email) == email, "a UID was used twice"
            assert uid < mailbox.uid_next
        rows = await self.mail.rows(
            self.account, self.id, [Uid(message[0]) for message in found], [Column.EMAIL_ID]
        )
        assert [tuple(row) for row in rows] == [(m[0], m[1]) for m in found]
        await client.come_back(self.mail, self.account, self.id)
        assert client.known == {m[0]: (m[1], m[2]) for m in found}


@pytest.mark.parametrize("seed", range(8))
async def test_a_client_that_comes_back_misses_nothing(tmp_path: Path, seed: int) -> None:
    migrate(tmp_path / "mail.db")
    engine = SqliteEngine(tmp_path / "mail.db")
    try:
        world = World(engine, seed)
        begin = await world.move_in()
        often, seldom = Client(begin), Client(begin)
        for round_ in range(25):
            for _ in range(world.random.randrange(4)):
                await world.step()
            if round_ == 15:
                await world.lose_a_mailbox()
            await world.check(often)
            if round_ % 8 == 7:
                await world.check(seldom)
    finally:
        await engine.close()
