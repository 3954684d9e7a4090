"""What every store must do with virtual mailboxes."""

from collections.abc import Sequence

import pytest

from postroad.base.errors import AlreadyExists, NotFound, OverQuota
from postroad.model.ids import AccountId, MailboxId, MailboxName, ModSeq, Uid
from postroad.model.mailbox import (
    Column,
    FlagAction,
    FlagChange,
    Flags,
    Replaced,
    SpecialUse,
)
from postroad.model.quota import QuotaLimits
from postroad.model.sharing import ALL_RIGHTS, Side
from postroad.model.virtual import Fold, Look, NewVirtual, VirtualMailbox
from stores.making import FUTURE, Stores, arrival, uids_of

INBOX_2 = MailboxName("other")
SEEN = FlagChange(FlagAction.ADD, Flags.SEEN, frozenset())
DELETED = FlagChange(FlagAction.ADD, Flags.DELETED, frozenset())


async def fold(
    stores: Stores,
    account: AccountId,
    virtual: MailboxId,
    *looks: tuple[MailboxId, Sequence[int] | None, Sequence[int]],
) -> bool:
    """Look at mailboxes as they are now: which UIDs were asked about, which of them match."""
    state = await stores.virtual.virtual_state(account, virtual)
    made = [
        Look(box, None if asked is None else list(map(Uid, asked)), list(map(Uid, matching)))
        for box, asked, matching in looks
    ]
    scope = frozenset(box for box, _, _ in looks) | state.virtual.scope
    wish = Fold(state.virtual.folded, state.mod_seq, made, scope, is_last=True)
    return await stores.virtual.fold(account, virtual, wish)


async def filled(stores: Stores) -> tuple[AccountId, MailboxId, MailboxId, MailboxId]:
    """INBOX and Sent with three messages each, and a virtual mailbox of all."""
    account = await stores.account()
    inbox, sent = await stores.mailbox(account), await stores.mailbox(account, "Sent")
    a, b = inbox.mailbox_id, sent.mailbox_id
    for _ in range(3):
        await stores.fill(account, b, 1)
        await stores.fill(account, a, 1)
    made = await stores.virtual.create_virtual(account, NewVirtual("all", "ALL"))
    virtual = made.mailbox.mailbox_id
    assert await fold(stores, account, virtual, (a, None, [1, 2, 3]), (b, None, [1, 2, 3]))
    return account, virtual, a, b


async def real_places(
    stores: Stores, account: AccountId, virtual: MailboxId, *uids: int
) -> list[object]:
    wanted = [Uid(uid) for uid in uids]
    rows = await stores.mail.rows(account, virtual, wanted, [Column.EMAIL_ID])
    return [row[1] for row in rows]


class VirtualContract:
    async def test_made_and_removed(self, stores: Stores) -> None:
        account = await stores.account()
        assert await stores.virtual.virtuals(account) == []
        new = NewVirtual("b", "OR SEEN FLAGGED", ("INBOX", "Sent"))
        made = await stores.virtual.create_virtual(account, new)
        all_of_it = NewVirtual("a", "ALL", special_use=SpecialUse.ALL)
        other = await stores.virtual.create_virtual(account, all_of_it)
        assert isinstance(made, VirtualMailbox)
        assert made.mailbox.mailbox_id < 0
        assert made.mailbox.name == "Virtual/b"
        assert (made.search, made.within, made.is_built_in) == (new.search, new.within, False)
        assert other.is_built_in
        assert made.mailbox.uid_validity != other.mailbox.uid_validity
        assert await stores.virtual.virtuals(account) == [other, made]
        with pytest.raises(AlreadyExists):
            await stores.virtual.create_virtual(account, new)
        await stores.virtual.delete_virtual(account, made.mailbox.mailbox_id)
        assert await stores.virtual.virtuals(account) == [other]
        for wish in (stores.virtual.delete_virtual, stores.virtual.virtual_state):
            with pytest.raises(NotFound):
                await wish(account, made.mailbox.mailbox_id)
        with pytest.raises(NotFound):
            await stores.mail.placements(account, made.mailbox.mailbox_id)

    async def test_it_is_the_owners_alone(self, stores: Stores) -> None:
        account, virtual, a, _ = await filled(stores)
        bob = await stores.account("bob")
        assert await stores.virtual.virtuals(bob) == []
        for wish in (stores.virtual.delete_virtual, stores.virtual.virtual_state):
            with pytest.raises(NotFound):
                await wish(bob, virtual)
        with pytest.raises(NotFound):
            await fold(stores, bob, virtual, (a, None, []))
        await stores.directory.delete_account(account)
        assert await stores.virtual.virtuals(account) == []

    async def test_uids_are_in_order_of_arrival(self, stores: Stores) -> None:
        account, virtual, a, b = await filled(stores)
        found = await stores.messages(account, virtual)
        assert uids_of(found) == [1, 2, 3, 4, 5, 6]
        emails = [message[1] for message in found]
        assert emails == sorted(emails)
        assert await real_places(stores, account, virtual, 2, 4) == [emails[1], emails[3]]
        state = await stores.virtual.virtual_state(account, virtual)
        mailbox = state.virtual.mailbox
        assert (mailbox.messages, mailbox.octets, mailbox.uid_next) == (6, 600, 7)
        assert state.virtual.folded == state.mod_seq == mailbox.mod_seq
        assert state.virtual.scope == {a, b}

    async def test_a_uid_is_never_used_twice(self, stores: Stores) -> None:
        account, virtual, a, _ = await filled(stores)
        before = (await stores.virtual.virtual_state(account, virtual)).mod_seq
        assert await fold(stores, account, virtual, (a, [2, 3], [3]))
        assert uids_of(await stores.messages(account, virtual)) == [1, 2, 3, 5, 6]
        assert await fold(stores, account, virtual, (a, [2], [2]))
        assert uids_of(await stores.messages(account, virtual)) == [1, 2, 3, 5, 6, 7]
        changes = await stores.mail.changes(account, virtual, before)
        assert (list(changes.expunged), changes.complete) == ([4], True)
        assert list(changes.placed.uids) == [6, 7]
        assert all(mod_seq > before for mod_seq in changes.placed.mod_seqs)
        assert changes.mailbox.mod_seq > before

    async def test_what_began_before_another_counts_for_nothing(self, stores: Stores) -> None:
        account, virtual, a, b = await filled(stores)
        state = await stores.virtual.virtual_state(account, virtual)
        await stores.fill(account, a, 1)
        assert await fold(stores, account, virtual, (a, [4], [4]))
        late = Fold(
            state.virtual.folded,
            state.mod_seq,
            [Look(a, None, [])],
            frozenset((a, b)),
            is_last=True,
        )
        assert not await stores.virtual.fold(account, virtual, late)
        assert len(await stores.messages(account, virtual)) == 7

    async def test_what_happened_since_is_still_to_be_looked_at(self, stores: Stores) -> None:
        account, virtual, a, b = await filled(stores)
        state = await stores.virtual.virtual_state(account, virtual)
        await stores.fill(account, a, 1)
        looks = [Look(b, [Uid(1)], [])]
        wish = Fold(state.virtual.folded, state.mod_seq, looks, state.virtual.scope, is_last=True)
        assert await stores.virtual.fold(account, virtual, wish)
        now = await stores.virtual.virtual_state(account, virtual)
        assert now.virtual.folded == state.mod_seq < now.mod_seq

    async def test_a_part_is_not_the_end(self, stores: Stores) -> None:
        account, virtual, a, b = await filled(stores)
        await stores.fill(account, a, 2)
        state = await stores.virtual.virtual_state(account, virtual)
        part = Fold(
            state.virtual.folded,
            state.mod_seq,
            [Look(a, [Uid(4)], [Uid(4)])],
            frozenset((a,)),
            is_last=False,
        )
        assert await stores.virtual.fold(account, virtual, part)
        now = await stores.virtual.virtual_state(account, virtual)
        assert now.virtual.folded == state.virtual.folded
        assert now.virtual.scope == {a, b}
        assert now.virtual.mailbox.messages == 7

    async def test_what_is_out_of_scope_leaves(self, stores: Stores) -> None:
        account, virtual, a, _ = await filled(stores)
        state = await stores.virtual.virtual_state(account, virtual)
        wish = Fold(state.virtual.folded, state.mod_seq, [], frozenset((a,)), is_last=True)
        assert await stores.virtual.fold(account, virtual, wish)
        now = (await stores.virtual.virtual_state(account, virtual)).virtual
        assert uids_of(await stores.messages(account, virtual)) == [2, 4, 6]
        assert (now.mailbox.messages, now.mailbox.octets) == (3, 300)
        assert now.scope == {a}

    async def test_flags_are_those_of_the_real_message(self, stores: Stores) -> None:
        account, virtual, a, b = await filled(stores)
        await stores.mail.store_flags(account, a, [Uid(1)], SEEN)
        before = (await stores.mail.counts(account, virtual)).unseen
        asked = [Uid(1), Uid(2), Uid(9)]
        done = await stores.mail.store_flags(account, virtual, asked, SEEN)
        assert (before, list(done.changed), list(done.modified)) == (5, [1], [])
        assert (await stores.mail.counts(account, virtual)).unseen == 4
        assert (await stores.messages(account, b))[0][2] == Flags.SEEN
        since = (await stores.virtual.virtual_state(account, virtual)).mod_seq
        assert await fold(stores, account, virtual, (a, [1], [1]), (b, [1], [1]))
        changes = await stores.mail.changes(account, virtual, since)
        assert list(changes.placed.uids) == [1, 2]
        assert all(mod_seq > since for mod_seq in changes.placed.mod_seqs)

    async def test_unchanged_since(self, stores: Stores) -> None:
        """RFC 7162 section 3.1.3, by the modification sequence that is told."""
        account, virtual, _, _ = await filled(stores)
        since = ModSeq((await stores.messages(account, virtual))[0][4] - 1)
        done = await stores.mail.store_flags(account, virtual, [Uid(1)], SEEN, since)
        assert (list(done.changed), list(done.modified)) == ([], [1])
        now = ModSeq(since + 1)
        done = await stores.mail.store_flags(account, virtual, [Uid(1)], SEEN, now)
        assert (list(done.changed), list(done.modified)) == ([1], [])

    async def test_expunged_where_they_are(self, stores: Stores) -> None:
        account, virtual, a, b = await filled(stores)
        asked = [Uid(1), Uid(2)]
        await stores.mail.store_flags(account, virtual, asked, DELETED)
        assert (await stores.mail.counts(account, virtual)).deleted == 2
        assert list(await stores.mail.expunge(account, virtual, [Uid(2), Uid(3)])) == [2]
        assert uids_of(await stores.messages(account, a)) == [2, 3]
        assert uids_of(await stores.messages(account, virtual)) == [1, 3, 4, 5, 6]
        assert list(await stores.mail.expunge(account, virtual, None)) == [1]
        assert uids_of(await stores.messages(account, b)) == [2, 3]

    async def test_columns(self, stores: Stores) -> None:
        account, virtual, _, _ = await filled(stores)
        asked = [Uid(6), Uid(1), Uid(77)]
        rows = await stores.mail.rows(account, virtual, asked, [Column.SIZE])
        assert [tuple(row) for row in rows] == [(1, 100), (6, 100)]
        found = await stores.mail.octets_of(account, virtual, asked, [Column.ENVELOPE])
        assert (list(found[0]), found[1]) == ([1, 6], [b"(envelope)"] * 2)
        assert await stores.mail.rows(account, virtual, [], [Column.SIZE]) == []

    async def test_copied_and_moved_out(self, stores: Stores) -> None:
        account, virtual, a, b = await filled(stores)
        made = await stores.mail.create_mailbox(account, INBOX_2, None)
        target = made.mailbox_id
        copied = await stores.mail.copy(account, [Uid(1), Uid(2), Uid(3)], virtual, target)
        assert (list(copied.source), sorted(copied.target)) == ([1, 2, 3], [1, 2, 3])
        assert copied.uid_validity == made.uid_validity
        emails = dict(zip(copied.target, copied.source, strict=True))
        here = {message[0]: message[1] for message in await stores.messages(account, virtual)}
        for uid, email, *_ in await stores.messages(account, target):
            assert here[emails[Uid(uid)]] == email
        moved = await stores.mail.move(account, [Uid(1), Uid(2)], virtual, target)
        assert list(moved.source) == [1, 2]
        assert uids_of(await stores.messages(account, a)) == [2, 3]
        assert uids_of(await stores.messages(account, b)) == [2, 3]

    async def test_a_copy_is_all_or_nothing(self, stores: Stores) -> None:
        account, virtual, a, _ = await filled(stores)
        await stores.directory.set_account_quota(account, QuotaLimits(messages=8))
        with pytest.raises(OverQuota):
            await stores.mail.copy(account, [Uid(1), Uid(2), Uid(3)], virtual, a)
        assert uids_of(await stores.messages(account, a)) == [1, 2, 3]

    async def test_given_to_somebody_else(self, stores: Stores) -> None:
        account, virtual, a, _ = await filled(stores)
        bob = await stores.account("bob")
        target = Side(bob, (await stores.mailbox(bob)).mailbox_id)
        asked = [Uid(1), Uid(2)]
        done = await stores.mail.transfer(
            asked, Side(account, virtual), target, ALL_RIGHTS, keep=False
        )
        assert list(done.source) == [1, 2]
        assert len(await stores.messages(bob, target.mailbox)) == 2
        assert uids_of(await stores.messages(account, a)) == [2, 3]

    async def test_replaced(self, stores: Stores) -> None:
        """RFC 8508."""
        account, virtual, a, _ = await filled(stores)
        message = Replaced(account, virtual, Uid(2))
        await stores.mail.append(account, a, [arrival()], (), message)
        assert uids_of(await stores.messages(account, a)) == [2, 3, 4]
        with pytest.raises(NotFound):
            await stores.mail.append(
                account, a, [arrival()], (), Replaced(account, virtual, Uid(77))
            )

    async def test_old_changes_are_forgotten(self, stores: Stores) -> None:
        account, virtual, a, _ = await filled(stores)
        before = (await stores.virtual.virtual_state(account, virtual)).virtual.mailbox
        await fold(stores, account, virtual, (a, [1], []))
        await stores.references.purge_changes(FUTURE, 100)
        assert not (await stores.mail.changes(account, virtual, before.mod_seq)).complete
        now = (await stores.virtual.virtual_state(account, virtual)).virtual.mailbox
        assert (await stores.mail.changes(account, virtual, now.mod_seq)).complete

    async def test_it_counts_to_no_quota(self, stores: Stores) -> None:
        account, _, _, _ = await filled(stores)
        used = (await stores.mail.quota(account)).used
        assert (used.octets, used.messages, used.mailboxes) == (600, 6, 2)
