"""What every `MailStore` must do with mailboxes and their names."""

import pytest

from postroad.base.errors import AlreadyExists, InUse, NoSuchTarget, NotFound
from postroad.model.ids import AccountId, MailboxId, MailboxName
from postroad.model.mailbox import SpecialUse
from stores.making import INBOX, Stores, arrival, uids_of


def name(text: str) -> MailboxName:
    return MailboxName(text)


async def names(stores: Stores, account: AccountId) -> list[str]:
    return [mailbox.name for mailbox in await stores.mail.mailboxes(account)]


class MailboxesContract:
    async def test_a_new_account_has_its_mailboxes_subscribed(self, stores: Stores) -> None:
        account = await stores.account()
        inbox, sent = await stores.mail.mailboxes(account)
        assert (inbox.name, inbox.special_use, inbox.selectable) == ("INBOX", None, True)
        assert (sent.name, sent.special_use) == ("Sent", SpecialUse.SENT)
        assert (inbox.uid_next, inbox.messages, inbox.octets) == (1, 0, 0)
        assert await stores.mail.subscriptions(account) == {"INBOX", "Sent"}

    async def test_an_account_that_is_not_there_has_no_mailboxes(self, stores: Stores) -> None:
        nobody = AccountId(999)
        assert await stores.mail.mailboxes(nobody) == ()
        assert await stores.mail.find_mailbox(nobody, INBOX) is None
        assert await stores.mail.subscriptions(nobody) == frozenset()
        with pytest.raises(NotFound):
            await stores.mail.create_mailbox(nobody, name("a"), None)
        with pytest.raises(NotFound):
            await stores.room(nobody)

    async def test_creating_makes_what_is_above(self, stores: Stores) -> None:
        account = await stores.account()
        made = await stores.mail.create_mailbox(account, name("a/b/c"), None)
        assert made.name == "a/b/c"
        assert await names(stores, account) == ["INBOX", "Sent", "a", "a/b", "a/b/c"]
        tree = [await stores.mailbox(account, one) for one in ("a", "a/b", "a/b/c")]
        assert all(mailbox.selectable for mailbox in tree)
        assert len({mailbox.mailbox_id for mailbox in tree}) == 3
        assert len({mailbox.uid_validity for mailbox in tree}) == 3

    async def test_one_operation_takes_one_mod_seq(self, stores: Stores) -> None:
        account = await stores.account()
        before = await stores.mail.create_mailbox(account, name("first"), None)
        made = await stores.mail.create_mailbox(account, name("a/b/c"), None)
        assert made.mod_seq == before.mod_seq + 1
        assert (await stores.mailbox(account, "a")).mod_seq == made.mod_seq
        await stores.mail.rename_mailbox(account, name("a"), name("x/y/z"))
        after = await stores.mail.create_mailbox(account, name("last"), None)
        assert after.mod_seq == made.mod_seq + 2

    async def test_names_are_listed_by_their_octets(self, stores: Stores) -> None:
        account = await stores.account()
        for one in ("b", "B", "a b", "a", "ä", "Z", "a/b"):
            await stores.mail.create_mailbox(account, name(one), None)
        listed = await names(stores, account)
        assert listed == sorted(listed)

    async def test_what_is_there_cannot_be_made_again(self, stores: Stores) -> None:
        account = await stores.account()
        with pytest.raises(AlreadyExists):
            await stores.mail.create_mailbox(account, INBOX, None)

    async def test_a_special_use_is_given_once(self, stores: Stores) -> None:
        account = await stores.account()
        with pytest.raises(AlreadyExists):
            await stores.mail.create_mailbox(account, name("x/Gone"), SpecialUse.SENT)
        assert await names(stores, account) == ["INBOX", "Sent"], "a refusal changes nothing"
        made = await stores.mail.create_mailbox(account, name("Trash"), SpecialUse.TRASH)
        assert made.special_use is SpecialUse.TRASH

    async def test_uid_validity_grows_over_deletion(self, stores: Stores) -> None:
        account = await stores.account()
        seen = [(await stores.mailbox(account, "Sent")).uid_validity]
        for _ in range(5):
            made = await stores.mail.create_mailbox(account, name("a"), None)
            seen.append(made.uid_validity)
            await stores.mail.delete_mailbox(account, made.mailbox_id)
        assert seen == sorted(set(seen))

    async def test_deleting_frees_the_room(self, stores: Stores) -> None:
        account = await stores.account()
        made = await stores.mail.create_mailbox(account, name("a"), None)
        await stores.fill(account, made.mailbox_id, 3)
        assert await stores.room(account) == (300, None)
        await stores.mail.delete_mailbox(account, made.mailbox_id)
        assert await stores.room(account) == (0, None)
        assert await stores.mail.find_mailbox(account, name("a")) is None
        for call in (stores.mail.placements, stores.mail.delete_mailbox):
            with pytest.raises(NotFound):
                await call(account, made.mailbox_id)
        with pytest.raises(NotFound):
            await stores.mail.changes(account, made.mailbox_id, made.mod_seq)

    async def test_one_with_children_stays_as_a_name(self, stores: Stores) -> None:
        account = await stores.account()
        await stores.mail.create_mailbox(account, name("a/b"), None)
        upper = await stores.mailbox(account, "a")
        await stores.fill(account, upper.mailbox_id, 2)
        await stores.mail.delete_mailbox(account, upper.mailbox_id)
        left = await stores.mailbox(account, "a")
        assert (left.selectable, left.messages, left.octets) == (False, 0, 0)
        assert await stores.room(account) == (0, None)
        with pytest.raises(InUse):
            await stores.mail.delete_mailbox(account, left.mailbox_id)

    async def test_a_mere_name_holds_no_messages(self, stores: Stores) -> None:
        account = await stores.account()
        await stores.mail.create_mailbox(account, name("a/b"), None)
        bare, inbox = await stores.mailbox(account, "a"), await stores.mailbox(account)
        uids = await stores.fill(account, inbox.mailbox_id, 1)
        await stores.mail.delete_mailbox(account, bare.mailbox_id)
        with pytest.raises(NoSuchTarget):
            await stores.mail.append(account, bare.mailbox_id, [arrival()])
        with pytest.raises(NoSuchTarget):
            await stores.mail.copy(account, uids, inbox.mailbox_id, bare.mailbox_id)
        with pytest.raises(NoSuchTarget):
            await stores.mail.move(account, uids, inbox.mailbox_id, bare.mailbox_id)
        with pytest.raises(NotFound):
            await stores.mail.placements(account, bare.mailbox_id)
        with pytest.raises(NotFound):
            await stores.mail.changes(account, bare.mailbox_id, bare.mod_seq)

    async def test_a_mere_name_goes_with_its_last_child(self, stores: Stores) -> None:
        account = await stores.account()
        child = await stores.mail.create_mailbox(account, name("a/b"), None)
        bare = await stores.mailbox(account, "a")
        await stores.mail.delete_mailbox(account, bare.mailbox_id)
        await stores.mail.delete_mailbox(account, child.mailbox_id)
        await stores.mail.delete_mailbox(account, bare.mailbox_id)
        assert await names(stores, account) == ["INBOX", "Sent"]

    async def test_a_mere_name_becomes_a_mailbox_again(self, stores: Stores) -> None:
        account = await stores.account()
        await stores.mail.create_mailbox(account, name("a/b"), None)
        old = await stores.mailbox(account, "a")
        uids = await stores.fill(account, old.mailbox_id, 2)
        await stores.mail.delete_mailbox(account, old.mailbox_id)
        again = await stores.mail.create_mailbox(account, name("a"), SpecialUse.JUNK)
        assert again.selectable
        assert again.special_use is SpecialUse.JUNK
        assert again.uid_validity > old.uid_validity
        assert await stores.messages(account, again.mailbox_id) == []
        fresh = await stores.fill(account, again.mailbox_id, 1)
        if again.mailbox_id == old.mailbox_id:
            assert fresh[0] > uids[-1]
            changes = await stores.mail.changes(account, again.mailbox_id, old.mod_seq)
            assert not changes.complete, "what was known of the old one is void"

    async def test_a_special_use_is_free_after_deletion(self, stores: Stores) -> None:
        account = await stores.account()
        await stores.mail.create_mailbox(account, name("Sent/2023"), None)
        sent = await stores.mailbox(account, "Sent")
        await stores.mail.delete_mailbox(account, sent.mailbox_id)
        made = await stores.mail.create_mailbox(account, name("Out"), SpecialUse.SENT)
        assert made.special_use is SpecialUse.SENT

    async def test_a_tree_is_renamed_whole(self, stores: Stores) -> None:
        account = await stores.account()
        for one in ("a/b/c", "a-b", "a0", "ab"):
            await stores.mail.create_mailbox(account, name(one), None)
        before = await stores.mailbox(account, "a/b/c")
        await stores.fill(account, before.mailbox_id, 2)
        await stores.mail.rename_mailbox(account, name("a"), name("x/y"))
        assert await names(stores, account) == [
            *("INBOX", "Sent", "a-b", "a0", "ab"),
            *("x", "x/y", "x/y/b", "x/y/b/c"),
        ]
        after = await stores.mailbox(account, "x/y/b/c")
        assert after.mailbox_id == before.mailbox_id
        assert after.uid_validity == before.uid_validity
        assert uids_of(await stores.messages(account, after.mailbox_id)) == [1, 2]

    async def test_renaming_refuses_what_is_taken_or_missing(self, stores: Stores) -> None:
        account = await stores.account()
        await stores.mail.create_mailbox(account, name("a/b"), None)
        with pytest.raises(AlreadyExists):
            await stores.mail.rename_mailbox(account, name("Sent"), name("a/b"))
        with pytest.raises(AlreadyExists):
            await stores.mail.rename_mailbox(account, INBOX, name("a"))
        with pytest.raises(NotFound):
            await stores.mail.rename_mailbox(account, name("none"), name("x/y"))
        assert await names(stores, account) == ["INBOX", "Sent", "a", "a/b"]

    async def test_renaming_keeps_special_use_and_subscriptions(self, stores: Stores) -> None:
        account = await stores.account()
        await stores.mail.rename_mailbox(account, name("Sent"), name("Gone"))
        assert (await stores.mailbox(account, "Gone")).special_use is SpecialUse.SENT
        assert await stores.mail.subscriptions(account) == {"INBOX", "Sent"}

    async def test_inbox_gives_its_messages_and_stays(self, stores: Stores) -> None:
        """RFC 9051 section 6.3.6."""
        account = await stores.account()
        inbox = await stores.mailbox(account)
        await stores.mail.create_mailbox(account, name("INBOX/child"), None)
        await stores.fill(account, inbox.mailbox_id, 3)
        await stores.mail.rename_mailbox(account, INBOX, name("old/mail"))
        moved = await stores.mailbox(account, "old/mail")
        assert uids_of(await stores.messages(account, moved.mailbox_id)) == [1, 2, 3]
        left = await stores.mailbox(account)
        assert (left.mailbox_id, left.messages) == (inbox.mailbox_id, 0)
        assert left.uid_next == 4
        assert "INBOX/child" in await names(stores, account)
        assert await stores.room(account) == (300, None)
        assert left.mod_seq == moved.mod_seq

    async def test_an_empty_inbox_can_be_renamed_too(self, stores: Stores) -> None:
        account = await stores.account()
        await stores.mail.rename_mailbox(account, INBOX, name("old"))
        assert await names(stores, account) == ["INBOX", "Sent", "old"]

    async def test_subscriptions_are_names_only(self, stores: Stores) -> None:
        account = await stores.account()
        for one in ("nowhere", "nowhere", "Sent"):
            await stores.mail.set_subscribed(account, name(one), subscribed=True)
        for one in ("INBOX", "never"):
            await stores.mail.set_subscribed(account, name(one), subscribed=False)
        assert await stores.mail.subscriptions(account) == {"nowhere", "Sent"}

    async def test_accounts_do_not_see_each_other(self, stores: Stores) -> None:
        alice, bob = await stores.account("alice"), await stores.account("bob")
        made = await stores.mail.create_mailbox(alice, name("mine"), None)
        for n in range(3):
            last = await stores.mail.create_mailbox(alice, name(f"mine/{n}"), None)
        await stores.mail.set_subscribed(alice, name("mine"), subscribed=True)
        await stores.fill(alice, made.mailbox_id, 1)
        assert await names(stores, bob) == ["INBOX", "Sent"]
        assert "mine" not in await stores.mail.subscriptions(bob)
        with pytest.raises(NotFound):
            await stores.mail.placements(bob, last.mailbox_id)
        with pytest.raises(NotFound):
            await stores.mail.delete_mailbox(bob, last.mailbox_id)
        with pytest.raises(NoSuchTarget):
            await stores.mail.append(bob, last.mailbox_id, [arrival()])
        assert await stores.room(bob) == (0, None)
        assert len(await names(stores, alice)) == 6

    async def test_nothing_is_found_under_an_id_of_nobody(self, stores: Stores) -> None:
        account = await stores.account()
        nowhere, inbox = MailboxId(4711), await stores.mailbox(account)
        with pytest.raises(NotFound):
            await stores.mail.expunge(account, nowhere, None)
        with pytest.raises(NotFound):
            await stores.mail.copy(account, [], nowhere, inbox.mailbox_id)
        counts = await stores.mail.counts(account, nowhere)
        assert (counts.unseen, counts.deleted) == (0, 0)
        assert await stores.mail.rows(account, nowhere, [], []) == []
