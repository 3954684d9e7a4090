"""What every store must do with expunged messages that are still kept."""

import pytest

from postroad.base.errors import NotFound, OverQuota
from postroad.base.moments import Moment
from postroad.model.ids import AccountId, MailboxId, MailboxName, ModSeq, Uid
from postroad.model.mailbox import Column, FlagAction, FlagChange, Flags
from postroad.model.quota import QuotaLimits
from stores.making import FUTURE, INBOX, NOW, Stores, arrival, blob, email, uids_of

DELETED = FlagChange(FlagAction.ADD, Flags.DELETED, frozenset())


async def expunge(stores: Stores, account: AccountId, mailbox: MailboxId, *uids: int) -> None:
    wanted = [Uid(uid) for uid in uids]
    await stores.mail.store_flags(account, mailbox, wanted, DELETED)
    assert list(await stores.mail.expunge(account, mailbox, wanted)) == wanted


async def places(stores: Stores, account: AccountId) -> list[tuple[MailboxId, Uid]]:
    return [(one.mailbox_id, one.uid) for one in await stores.mail.expunged(account, 100)]


class UndeleteContract:
    async def test_what_was_expunged_is_listed_last_first(self, stores: Stores) -> None:
        account = await stores.account()
        inbox, sent = await stores.mailbox(account), await stores.mailbox(account, "Sent")
        message = arrival(email(subject="hello"), Flags.SEEN, frozenset({"$a", "$b"}))
        await stores.mail.append(account, inbox.mailbox_id, [message, arrival()])
        await stores.fill(account, sent.mailbox_id, 1)
        assert await stores.mail.expunged(account, 10) == []
        await expunge(stores, account, inbox.mailbox_id, 1)
        await expunge(stores, account, sent.mailbox_id, 1)
        found = await stores.mail.expunged(account, 10)
        assert [one.mailbox for one in found] == ["Sent", "INBOX"]
        assert found[0].expunged_at >= found[1].expunged_at > NOW
        kept = found[1]
        assert (kept.mailbox_id, kept.uid, kept.size) == (inbox.mailbox_id, 1, 100)
        assert (kept.subject, kept.preview) == ("hello", "a preview")
        assert kept.flags == Flags.SEEN | Flags.DELETED
        assert kept.keywords == {"$a", "$b"}
        assert kept.internal_date == NOW
        assert await stores.mail.expunged(account, 1) == found[:1]
        assert await stores.mail.expunged(account, 10, mailbox=INBOX) == [kept]
        assert await stores.mail.expunged(account, 10, since=found[0].expunged_at) == found[:1]
        assert await stores.mail.expunged(account, 10, since=FUTURE) == []
        assert await stores.mail.expunged(AccountId(999), 10) == []

    async def test_a_restored_message_gets_a_new_uid(self, stores: Stores) -> None:
        account = await stores.account()
        inbox = (await stores.mailbox(account)).mailbox_id
        octets = blob()
        flagged = arrival(email(blob_id=octets), Flags.FLAGGED, frozenset({"$a"}))
        await stores.mail.append(account, inbox, [flagged, arrival(), arrival()])
        before = (await stores.messages(account, inbox))[0]
        await expunge(stores, account, inbox, 1, 3)
        last = await stores.mailbox(account)
        (done,) = await stores.mail.restore(account, [(inbox, Uid(1)), (inbox, Uid(2))])
        assert (done.mailbox_id, done.uid, done.target, done.new_uid) == (inbox, 1, "INBOX", 4)
        message = (await stores.messages(account, inbox))[-1]
        mailbox = await stores.mailbox(account)
        assert message[:4] == (4, before[1], int(Flags.FLAGGED), frozenset({"$a"}))
        assert message[4] == mailbox.mod_seq == last.mod_seq + 1
        assert (mailbox.uid_next, mailbox.messages, mailbox.octets) == (5, 2, 200)
        assert await stores.room(account) == (200, None)
        assert await stores.mail.rows(account, inbox, [Uid(4)], [Column.BLOB_ID]) == [(4, octets)]
        changes = await stores.mail.changes(account, inbox, ModSeq(last.mod_seq))
        assert (list(changes.expunged), list(changes.placed.uids)) == ([], [4])
        assert await places(stores, account) == [(inbox, 3)]
        assert await stores.mail.restore(account, [(inbox, Uid(1))]) == []
        assert await stores.references.purge_expunged(FUTURE, 10) == 1
        assert octets not in await stores.references.garbage(10)
        assert await stores.references.check() == []

    async def test_expunged_again_it_is_kept_again(self, stores: Stores) -> None:
        account = await stores.account()
        inbox = (await stores.mailbox(account)).mailbox_id
        await stores.fill(account, inbox, 1)
        for uid in (1, 2, 3):
            await expunge(stores, account, inbox, uid)
            assert await places(stores, account) == [(inbox, uid)]
            await stores.mail.restore(account, [(inbox, Uid(uid))])
        assert uids_of(await stores.messages(account, inbox)) == [4]
        assert await stores.references.check() == []

    async def test_what_has_no_mailbox_any_more_comes_to_inbox(self, stores: Stores) -> None:
        account = await stores.account()
        inbox, sent = await stores.mailbox(account), await stores.mailbox(account, "Sent")
        await stores.fill(account, inbox.mailbox_id, 2)
        await stores.fill(account, sent.mailbox_id, 3)
        await expunge(stores, account, inbox.mailbox_id, 1)
        await stores.mail.delete_mailbox(account, sent.mailbox_id)
        gone = await places(stores, account)
        assert sorted(gone) == [
            (inbox.mailbox_id, 1),
            *((sent.mailbox_id, uid) for uid in (1, 2, 3)),
        ]
        done = await stores.mail.restore(account, gone)
        assert [(one.mailbox_id, one.uid) for one in done] == sorted(gone)
        assert {one.target for one in done} == {"INBOX"}
        assert [one.new_uid for one in done] == [3, 4, 5, 6]
        assert uids_of(await stores.messages(account, inbox.mailbox_id)) == [2, 3, 4, 5, 6]
        assert await stores.references.check() == []

    async def test_or_to_the_mailbox_that_has_its_name_now(self, stores: Stores) -> None:
        account = await stores.account()
        sent = await stores.mailbox(account, "Sent")
        await stores.fill(account, sent.mailbox_id, 1)
        await stores.mail.delete_mailbox(account, sent.mailbox_id)
        again = await stores.mail.create_mailbox(account, MailboxName("Sent"), None)
        (done,) = await stores.mail.restore(account, [(sent.mailbox_id, Uid(1))])
        assert (done.target, done.new_uid) == ("Sent", 1)
        assert uids_of(await stores.messages(account, again.mailbox_id)) == [1]

    async def test_a_renamed_mailbox_is_still_the_old_one(self, stores: Stores) -> None:
        account = await stores.account()
        sent = await stores.mailbox(account, "Sent")
        await stores.fill(account, sent.mailbox_id, 2)
        await expunge(stores, account, sent.mailbox_id, 1)
        await stores.mail.rename_mailbox(account, MailboxName("Sent"), MailboxName("Post"))
        await expunge(stores, account, sent.mailbox_id, 2)
        names = {one.mailbox for one in await stores.mail.expunged(account, 10)}
        assert names == {"Sent", "Post"}
        done = await stores.mail.restore(account, await places(stores, account))
        assert [(one.target, one.new_uid) for one in done] == [("Post", 3), ("Post", 4)]

    async def test_a_name_without_a_mailbox_takes_nothing(self, stores: Stores) -> None:
        account = await stores.account()
        top = await stores.mail.create_mailbox(account, MailboxName("top"), None)
        await stores.mail.create_mailbox(account, MailboxName("top/below"), None)
        await stores.fill(account, top.mailbox_id, 1)
        await stores.mail.delete_mailbox(account, top.mailbox_id)
        (done,) = await stores.mail.restore(account, [(top.mailbox_id, Uid(1))])
        assert done.target == "INBOX"

    async def test_a_restored_message_counts_to_the_quota(self, stores: Stores) -> None:
        account = await stores.account(quota=350)
        inbox = (await stores.mailbox(account)).mailbox_id
        await stores.fill(account, inbox, 3)
        await expunge(stores, account, inbox, 1, 2)
        await stores.fill(account, inbox, 1)
        before = await stores.mail.mailboxes(account)
        both = [(inbox, Uid(1)), (inbox, Uid(2))]
        with pytest.raises(OverQuota):
            await stores.mail.restore(account, both)
        assert await stores.mail.mailboxes(account) == before
        assert sorted(await places(stores, account)) == both
        (done,) = await stores.mail.restore(account, both[:1])
        assert done.uid == 1
        assert await stores.room(account) == (300, 350)
        assert await stores.references.check() == []

    async def test_nothing_of_another_account_is_found(self, stores: Stores) -> None:
        alice, bob = await stores.account("alice"), await stores.account("bob")
        extra = await stores.mail.create_mailbox(alice, MailboxName("extra"), None)
        await stores.fill(alice, extra.mailbox_id, 1)
        await expunge(stores, alice, extra.mailbox_id, 1)
        assert await stores.mail.expunged(bob, 10) == []
        assert await stores.mail.restore(bob, [(extra.mailbox_id, Uid(1))]) == []
        assert await places(stores, alice) == [(extra.mailbox_id, 1)]
        with pytest.raises(NotFound):
            await stores.mail.restore(AccountId(999), [(extra.mailbox_id, Uid(1))])

    async def test_half_of_the_quota_is_kept(self, stores: Stores) -> None:
        alice, bob = await stores.account("alice", quota=1000), await stores.account("bob")
        for account in (alice, bob):
            inbox = (await stores.mailbox(account)).mailbox_id
            await stores.fill(account, inbox, 8)
            for uid in (1, 3, 2, 4, 5, 6, 7, 8):
                await expunge(stores, account, inbox, uid)
        inbox = (await stores.mailbox(alice)).mailbox_id
        assert await stores.references.purge_excess(2) == 2
        left = [uid for _, uid in await places(stores, alice)]
        assert left == [8, 7, 6, 5, 4, 2]
        assert await stores.references.purge_excess(10) == 1
        assert await stores.references.purge_excess(10) == 0
        assert [uid for _, uid in await places(stores, alice)] == [8, 7, 6, 5, 4]
        assert len(await places(stores, bob)) == 8
        assert len(await stores.references.garbage(10)) == 3
        await stores.directory.set_account_quota(alice, QuotaLimits(0))
        assert await stores.references.purge_excess(10) == 5
        assert await stores.mail.expunged(alice, 10, since=Moment(0)) == []
        assert await stores.references.check() == []
