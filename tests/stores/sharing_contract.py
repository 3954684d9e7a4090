"""What every store must do where accounts share mailboxes: rights, own \\Seen, and giving."""

from dataclasses import replace

import pytest

from postroad.base.errors import NotFound, OverQuota
from postroad.model.directory import Account, Role
from postroad.model.ids import AccountId, BlobId, MailboxId, MailboxName, ModSeq, Uid
from postroad.model.mailbox import Column, FlagAction, FlagChange, Flags, MailboxCounts
from postroad.model.sharing import (
    ALL_RIGHTS,
    AclAction,
    AclChange,
    AclEntry,
    Group,
    Identifier,
    Rights,
    Side,
    Viewer,
)
from postroad.stores.directory import NewAccount
from stores.making import INBOX, NOW, Stores, arrival, email, uids_of

READ = Rights.LOOKUP | Rights.READ
SEEN = FlagChange(FlagAction.ADD, Flags.SEEN, frozenset())
UNSEEN = FlagChange(FlagAction.REMOVE, Flags.SEEN, frozenset())


def of(account: Account) -> Viewer:
    return Viewer(account.account_id, account.tenant_id)


def sets(
    identifier: Identifier,
    rights: Rights,
    action: AclAction = AclAction.REPLACE,
    *,
    negative: bool = False,
) -> AclChange:
    return AclChange(identifier, negative, action, rights)


async def grant(stores: Stores, owner: Account, mailbox: MailboxId, change: AclChange) -> None:
    await stores.sharing.change_acl(owner.tenant_id, owner.account_id, mailbox, change)


async def outsider(stores: Stores) -> Account:
    """A person of another tenant."""
    tenant = await stores.tenant("other", "other.test")
    new = NewAccount(tenant, "eve@other.test", "", Role.MEMBER, None, [("INBOX", None)])
    return await stores.directory.create_account(new, NOW)


async def seen_by(stores: Stores, account: Account, viewer: Account | None) -> dict[int, bool]:
    inbox = await stores.mailbox(account.account_id)
    who = None if viewer is None else viewer.account_id
    _, found = await stores.mail.placements(account.account_id, inbox.mailbox_id, who)
    looks = [found.combinations[look][0] for look in found.looks]
    return {uid: bool(look & Flags.SEEN) for uid, look in zip(found.uids, looks, strict=True)}


class AclContract:
    async def test_nobody_has_rights_at_first(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        inbox = (await stores.mailbox(alice.account_id)).mailbox_id
        found = await stores.sharing.find_shared(of(bob), alice.address, INBOX)
        assert found is not None
        assert found.rights is Rights.NONE
        assert await stores.sharing.rights(of(bob), alice.account_id, inbox) is Rights.NONE
        assert list(await stores.sharing.shared(of(bob))) == []
        assert list(await stores.sharing.acl(alice.tenant_id, alice.account_id, inbox)) == []

    async def test_rights_are_set_added_removed_and_listed(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        inbox = (await stores.mailbox(alice.account_id)).mailbox_id
        steps = [
            (sets(bob.account_id, READ), READ),
            (sets(bob.account_id, Rights.SEEN, AclAction.ADD), READ | Rights.SEEN),
            (sets(bob.account_id, Rights.READ, AclAction.REMOVE), Rights.LOOKUP | Rights.SEEN),
            (sets(bob.account_id, ALL_RIGHTS), ALL_RIGHTS),
        ]
        for change, rights in steps:
            await grant(stores, alice, inbox, change)
            acl = await stores.sharing.acl(alice.tenant_id, alice.account_id, inbox)
            assert list(acl) == [AclEntry(bob.address, False, rights)]
            assert await stores.sharing.rights(of(bob), alice.account_id, inbox) == rights
            (shared,) = await stores.sharing.shared(of(bob))
            assert (shared.owner, shared.address) == (alice.account_id, alice.address)
            assert (shared.mailbox.name, shared.rights) == (INBOX, rights)
            assert not shared.of_shared_account
        await grant(stores, alice, inbox, sets(bob.account_id, Rights.NONE))
        assert list(await stores.sharing.acl(alice.tenant_id, alice.account_id, inbox)) == []
        assert list(await stores.sharing.shared(of(bob))) == []

    async def test_groups_are_everybody_of_the_tenant(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        eve = await outsider(stores)
        inbox = (await stores.mailbox(alice.account_id)).mailbox_id
        for group in Group:
            await grant(stores, alice, inbox, sets(group, READ))
            carol = await stores.person(f"later-{group.value}")
            for viewer, rights in ((bob, READ), (carol, READ), (eve, Rights.NONE)):
                found = await stores.sharing.rights(of(viewer), alice.account_id, inbox)
                assert found == rights
                assert len(await stores.sharing.shared(of(viewer))) == bool(rights)
            assert await stores.sharing.find_shared(of(eve), alice.address, INBOX) is None
            await grant(stores, alice, inbox, sets(group, Rights.NONE))
            assert list(await stores.sharing.shared(of(bob))) == []

    async def test_negative_rights_take_away(self, stores: Stores) -> None:
        """RFC 4314 section 2."""
        alice, bob = await stores.person("alice"), await stores.person("bob")
        inbox = (await stores.mailbox(alice.account_id)).mailbox_id
        await grant(stores, alice, inbox, sets(Group.ANYONE, READ | Rights.SEEN))
        await grant(stores, alice, inbox, sets(bob.account_id, Rights.SEEN, negative=True))
        assert await stores.sharing.rights(of(bob), alice.account_id, inbox) == READ
        await grant(stores, alice, inbox, sets(bob.account_id, ALL_RIGHTS, negative=True))
        assert list(await stores.sharing.shared(of(bob))) == []
        acl = await stores.sharing.acl(alice.tenant_id, alice.account_id, inbox)
        assert [(one.identifier, one.negative) for one in acl] == [
            ("anyone", False),
            (bob.address, True),
        ]

    async def test_rights_go_to_people_of_the_tenant_only(self, stores: Stores) -> None:
        alice, eve = await stores.person("alice"), await outsider(stores)
        inbox = (await stores.mailbox(alice.account_id)).mailbox_id
        change = sets(eve.account_id, READ)
        for tenant, identifier in (
            (alice.tenant_id, change),
            (eve.tenant_id, sets(Group.ANYONE, READ)),
            (alice.tenant_id, sets(AccountId(99_999), READ)),
        ):
            with pytest.raises(NotFound):
                await stores.sharing.change_acl(tenant, alice.account_id, inbox, identifier)
        with pytest.raises(NotFound):
            await stores.sharing.acl(eve.tenant_id, alice.account_id, inbox)
        with pytest.raises(NotFound):
            await grant(stores, alice, MailboxId(99_999), sets(Group.ANYONE, READ))

    async def test_what_is_made_below_inherits(self, stores: Stores) -> None:
        """RFC 4314 section 4: CREATE."""
        alice, bob = await stores.person("alice"), await stores.person("bob")
        owner = alice.account_id
        team = await stores.mail.create_mailbox(owner, MailboxName("team"), None)
        await grant(stores, alice, team.mailbox_id, sets(bob.account_id, READ))
        await stores.mail.create_mailbox(owner, MailboxName("team/a/b"), None)
        await stores.mail.create_mailbox(owner, MailboxName("elsewhere"), None)
        await stores.mail.rename_mailbox(
            owner, MailboxName("elsewhere"), MailboxName("team/c/moved")
        )
        shared = await stores.sharing.shared(of(bob))
        # RENAME does not change the rights of what is renamed.
        names = ["team", "team/a", "team/a/b", "team/c"]
        assert [(one.mailbox.name, one.rights) for one in shared] == [(n, READ) for n in names]

    async def test_rights_go_with_the_mailbox(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        owner = alice.account_id
        for names in (["team"], ["team", "team/below"]):
            made = [
                await stores.mail.create_mailbox(owner, MailboxName(name), None) for name in names
            ]
            await grant(stores, alice, made[0].mailbox_id, sets(bob.account_id, READ))
            await stores.mail.delete_mailbox(owner, made[0].mailbox_id)
            assert list(await stores.sharing.shared(of(bob))) == []
            found = await stores.sharing.find_shared(of(bob), alice.address, MailboxName("team"))
            assert found is None or found.rights is Rights.NONE
            assert await stores.references.check() == []

    async def test_rights_go_with_the_account(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        carol = await stores.person("carol")
        inboxes = {
            one.account_id: (await stores.mailbox(one.account_id)).mailbox_id
            for one in (alice, bob)
        }
        await grant(stores, alice, inboxes[alice.account_id], sets(bob.account_id, READ))
        await grant(stores, alice, inboxes[alice.account_id], sets(carol.account_id, READ))
        await grant(stores, bob, inboxes[bob.account_id], sets(carol.account_id, READ))
        await stores.directory.delete_account(bob.account_id)
        acl = await stores.sharing.acl(
            alice.tenant_id, alice.account_id, inboxes[alice.account_id]
        )
        assert [one.identifier for one in acl] == [carol.address]
        assert [one.owner for one in await stores.sharing.shared(of(carol))] == [alice.account_id]
        again = await stores.person("bob")
        assert list(await stores.sharing.shared(of(again))) == []
        assert await stores.references.check() == []

    async def test_a_shared_account_says_so(self, stores: Stores) -> None:
        bob = await stores.person("bob")
        new = NewAccount(
            bob.tenant_id, "info@example.test", "", Role.MEMBER, None, [("INBOX", None)], True
        )
        made = await stores.directory.create_account(new, NOW)
        assert made.is_shared
        assert not bob.is_shared
        found = await stores.directory.find_account("info@example.test")
        assert found == made
        recipient = await stores.directory.find_recipient("info", "example.test")
        assert recipient.account == made
        inbox = await stores.mailbox(made.account_id)
        await grant(stores, made, inbox.mailbox_id, sets(Group.ANYONE, READ))
        (shared,) = await stores.sharing.shared(of(bob))
        assert shared.of_shared_account


class SeenContract:
    async def test_everybody_has_seen_what_they_have_seen(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        carol, owner = await stores.person("carol"), alice.account_id
        inbox = (await stores.mailbox(owner)).mailbox_id
        await stores.fill(owner, inbox, 3)
        await stores.mail.store_flags(owner, inbox, [Uid(1)], SEEN)
        before = (await stores.mailbox(owner)).mod_seq
        done = await stores.mail.store_flags(
            owner, inbox, [Uid(1), Uid(2), Uid(9)], SEEN, None, bob.account_id
        )
        assert list(done.changed) == [1, 2]
        assert done.mod_seq > before
        assert (await stores.mailbox(owner)).mod_seq == done.mod_seq
        assert await seen_by(stores, alice, None) == {1: True, 2: False, 3: False}
        assert await seen_by(stores, alice, bob) == {1: True, 2: True, 3: False}
        assert await seen_by(stores, alice, carol) == {1: False, 2: False, 3: False}
        for viewer, unseen in ((None, 2), (bob.account_id, 1), (carol.account_id, 3)):
            assert await stores.mail.counts(owner, inbox, viewer) == MailboxCounts(unseen, 0)
        again = await stores.mail.store_flags(owner, inbox, [Uid(1)], SEEN, None, bob.account_id)
        assert list(again.changed) == []
        await stores.mail.store_flags(owner, inbox, [Uid(1)], UNSEEN, None, bob.account_id)
        assert await seen_by(stores, alice, bob) == {1: False, 2: True, 3: False}
        assert await seen_by(stores, alice, None) == {1: True, 2: False, 3: False}

    async def test_everything_else_is_common(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        owner, viewer = alice.account_id, bob.account_id
        inbox = (await stores.mailbox(owner)).mailbox_id
        await stores.fill(owner, inbox, 2)
        await stores.mail.store_flags(owner, inbox, [Uid(1)], SEEN)
        change = FlagChange(FlagAction.REPLACE, Flags.SEEN | Flags.FLAGGED, frozenset({"$a"}))
        await stores.mail.store_flags(owner, inbox, [Uid(1), Uid(2)], change, None, viewer)
        common = [one[2:4] for one in await stores.messages(owner, inbox)]
        assert common == [(5, frozenset({"$a"})), (4, frozenset({"$a"}))]
        assert await seen_by(stores, alice, bob) == {1: True, 2: True}

    async def test_what_replace_keeps(self, stores: Stores) -> None:
        """RFC 4314 section 4: only what the rights allow is changed."""
        owner = await stores.account()
        inbox = (await stores.mailbox(owner)).mailbox_id
        await stores.mail.append(
            owner, inbox, [arrival(flags=Flags.DELETED | Flags.FLAGGED, keywords=frozenset("k"))]
        )
        change = FlagChange(FlagAction.REPLACE, Flags.DRAFT, frozenset("n"), Flags.DELETED, True)
        await stores.mail.store_flags(owner, inbox, [Uid(1)], change)
        assert (await stores.messages(owner, inbox))[0][2:4] == (24, frozenset("k"))

    async def test_the_viewers_other_programs_hear_of_it(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        owner, viewer = alice.account_id, bob.account_id
        inbox = (await stores.mailbox(owner)).mailbox_id
        await stores.fill(owner, inbox, 3)
        since = (await stores.mailbox(owner)).mod_seq
        done = await stores.mail.store_flags(owner, inbox, [Uid(2)], SEEN, None, viewer)
        found = await stores.mail.changes(owner, inbox, since, viewer)
        assert found.complete
        assert list(found.placed.uids) == [2]
        assert list(found.placed.mod_seqs) == [done.mod_seq]
        assert found.placed.combinations[found.placed.looks[0]][0] == Flags.SEEN
        owns = (await stores.mail.changes(owner, inbox, since)).placed
        assert all(mod_seq <= since for mod_seq in owns.mod_seqs)  # if it is named at all

    async def test_unchangedsince_knows_own_marks(self, stores: Stores) -> None:
        """RFC 7162 section 3.1.3."""
        alice, bob = await stores.person("alice"), await stores.person("bob")
        owner, viewer = alice.account_id, bob.account_id
        inbox = (await stores.mailbox(owner)).mailbox_id
        await stores.fill(owner, inbox, 2)
        since = (await stores.mailbox(owner)).mod_seq
        await stores.mail.store_flags(owner, inbox, [Uid(1)], SEEN, None, viewer)
        flagged = FlagChange(FlagAction.ADD, Flags.FLAGGED, frozenset())
        uids = [Uid(1), Uid(2)]
        done = await stores.mail.store_flags(owner, inbox, uids, flagged, since, viewer)
        assert (list(done.changed), list(done.modified)) == ([2], [1])
        done = await stores.mail.store_flags(owner, inbox, [Uid(1)], flagged, ModSeq(since))
        assert list(done.changed) == [1]  # for the owner nothing had changed

    async def test_marks_go_and_move_with_messages(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        owner, viewer = alice.account_id, bob.account_id
        inbox, sent = await stores.mailbox(owner), await stores.mailbox(owner, "Sent")
        await stores.fill(owner, inbox.mailbox_id, 3)
        uids = [Uid(1), Uid(2), Uid(3)]
        await stores.mail.store_flags(owner, inbox.mailbox_id, uids, SEEN, None, viewer)
        await stores.mail.copy(owner, [Uid(1)], inbox.mailbox_id, sent.mailbox_id)
        await stores.mail.move(owner, [Uid(2)], inbox.mailbox_id, sent.mailbox_id)
        assert (await stores.mail.counts(owner, sent.mailbox_id, viewer)).unseen == 0
        deleted = FlagChange(FlagAction.ADD, Flags.DELETED, frozenset())
        await stores.mail.store_flags(owner, inbox.mailbox_id, [Uid(3)], deleted)
        await stores.mail.expunge(owner, inbox.mailbox_id, None)
        assert await seen_by(stores, alice, bob) == {1: True}
        assert (await stores.mail.counts(owner, inbox.mailbox_id, viewer)).unseen == 0
        await stores.fill(owner, inbox.mailbox_id, 1)
        assert (await stores.mail.counts(owner, inbox.mailbox_id, viewer)).unseen == 1
        assert await stores.references.check() == []
        await stores.mail.delete_mailbox(owner, sent.mailbox_id)
        assert await stores.references.check() == []


class TransferContract:
    @pytest.mark.parametrize("keep", [True, False])
    async def test_between_accounts(self, stores: Stores, keep: bool) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        source, target = await _sides(stores, alice, bob)
        new = email(size=700, thread_keys=[7, 8])
        await stores.mail.append(
            alice.account_id,
            source.mailbox,
            [arrival(new, Flags.SEEN | Flags.FLAGGED, frozenset({"$k"})), arrival()],
        )
        own, rows = (Column.EMAIL_ID, Column.THREAD_ID, Column.SAVED_AT), stores.mail.rows
        columns = [each for each in Column if each not in own]
        before = await rows(alice.account_id, source.mailbox, [Uid(1)], columns)
        done = await stores.mail.transfer([Uid(1)], source, target, ALL_RIGHTS, keep=keep)
        assert (list(done.source), list(done.target)) == ([1], [1])
        left = await stores.messages(alice.account_id, source.mailbox)
        assert uids_of(left) == ([1, 2] if keep else [2])
        (message,) = await stores.messages(bob.account_id, target.mailbox)
        assert message[2:4] == (5, frozenset({"$k"}))
        assert len(before) == 1
        assert await rows(bob.account_id, target.mailbox, [Uid(1)], columns) == before
        assert (await stores.room(bob.account_id))[0] == 700
        assert (await stores.room(alice.account_id))[0] == (800 if keep else 100)
        kept = await stores.mail.expunged(alice.account_id, 10)
        assert [one.uid for one in kept] == ([] if keep else [1])
        pairs = await stores.references.references(BlobId(b""), 99)
        held = {account for account, blob_id in pairs if blob_id == new.blob_id}
        assert held == {alice.account_id, bob.account_id}
        assert await stores.references.check() == []

    async def test_a_message_joins_the_thread_it_has_there(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        source, target = await _sides(stores, alice, bob)
        for side in (source, target):
            await stores.mail.append(side.owner, side.mailbox, [arrival(email(thread_keys=[41]))])
        await stores.mail.transfer([Uid(1)], source, target, ALL_RIGHTS, keep=True)
        rows = await stores.mail.rows(
            target.owner, target.mailbox, [Uid(1), Uid(2)], [Column.THREAD_ID]
        )
        assert len({row[1] for row in rows}) == 1

    async def test_flags_as_far_as_the_rights_go(self, stores: Stores) -> None:
        """RFC 4314 section 4, both of its examples."""
        alice, bob = await stores.person("alice"), await stores.person("bob")
        source, target = await _sides(stores, alice, bob)
        given = [
            arrival(flags=Flags.DRAFT | Flags.DELETED),
            arrival(flags=Flags.ANSWERED),
            arrival(flags=Flags.SEEN, keywords=frozenset({"$Forwarded"})),
        ]
        done = await stores.mail.append(alice.account_id, source.mailbox, given)
        cases = [
            (Rights.WRITE | Rights.SEEN, [(16, ""), (2, ""), (1, "$Forwarded")]),
            (Rights.SEEN | Rights.DELETE_MESSAGES, [(8, ""), (0, ""), (1, "")]),
        ]
        for rights, expected in cases:
            copied = await stores.mail.transfer(done.uids, source, target, rights, keep=True)
            found = {one[0]: one for one in await stores.messages(bob.account_id, target.mailbox)}
            looks = [(found[uid][2], " ".join(found[uid][3])) for uid in copied.target]
            assert looks == expected

    async def test_what_one_has_seen_goes_along(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        source, target = await _sides(stores, alice, bob)
        await stores.fill(alice.account_id, source.mailbox, 2)
        viewed = replace(source, viewer=bob.account_id)
        await stores.mail.store_flags(
            alice.account_id, source.mailbox, [Uid(2)], SEEN, None, bob.account_id
        )
        uids = [Uid(1), Uid(2)]
        await stores.mail.transfer(uids, viewed, target, ALL_RIGHTS, keep=True)
        assert await seen_by(stores, bob, None) == {1: False, 2: True}
        await stores.mail.transfer([Uid(2)], target, viewed, ALL_RIGHTS, keep=True)
        assert await seen_by(stores, alice, bob) == {1: False, 2: True, 3: True}
        assert await seen_by(stores, alice, None) == {1: False, 2: False, 3: False}

    async def test_within_an_account_nothing_is_doubled(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        source, _ = await _sides(stores, alice, bob)
        sent = (await stores.mailbox(alice.account_id, "Sent")).mailbox_id
        await stores.fill(alice.account_id, source.mailbox, 2)
        viewed = replace(source, viewer=bob.account_id)
        target = Side(alice.account_id, sent, bob.account_id)
        await stores.mail.store_flags(
            alice.account_id, source.mailbox, [Uid(1)], SEEN, None, bob.account_id
        )
        ids = [one[1] for one in await stores.messages(alice.account_id, source.mailbox)]
        uids = [Uid(1), Uid(2)]
        await stores.mail.transfer(uids, viewed, target, ALL_RIGHTS, keep=False)
        moved = await stores.messages(alice.account_id, sent)
        assert [one[1] for one in moved] == ids
        assert await stores.messages(alice.account_id, source.mailbox) == []
        assert (await stores.room(alice.account_id))[0] == 200
        assert await stores.mail.expunged(alice.account_id, 10) == []
        assert (await stores.mail.counts(alice.account_id, sent, bob.account_id)).unseen == 1

    async def test_the_quota_of_the_target_counts(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob", quota=150)
        source, target = await _sides(stores, alice, bob)
        await stores.fill(alice.account_id, source.mailbox, 2)
        uids = [Uid(1), Uid(2)]
        for keep in (True, False):
            with pytest.raises(OverQuota):
                await stores.mail.transfer(uids, source, target, ALL_RIGHTS, keep=keep)
        assert len(await stores.messages(alice.account_id, source.mailbox)) == 2
        assert await stores.messages(bob.account_id, target.mailbox) == []
        assert await stores.references.check() == []

    async def test_never_between_tenants(self, stores: Stores) -> None:
        alice, eve = await stores.person("alice"), await outsider(stores)
        source, target = await _sides(stores, alice, eve)
        await stores.fill(alice.account_id, source.mailbox, 1)
        for one, other in ((source, target), (target, source)):
            with pytest.raises(NotFound):
                await stores.mail.transfer([Uid(1)], one, other, ALL_RIGHTS, keep=True)
        assert await stores.messages(eve.account_id, target.mailbox) == []

    async def test_what_is_gone_is_left_out(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        source, target = await _sides(stores, alice, bob)
        for uids in ([], [Uid(5)]):
            done = await stores.mail.transfer(uids, source, target, ALL_RIGHTS, keep=False)
            assert (list(done.source), list(done.target)) == ([], [])


async def _sides(stores: Stores, one: Account, other: Account) -> tuple[Side, Side]:
    source = await stores.mailbox(one.account_id)
    target = await stores.mailbox(other.account_id)
    return (
        Side(one.account_id, source.mailbox_id),
        Side(other.account_id, target.mailbox_id),
    )
