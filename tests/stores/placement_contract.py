"""What every `MailStore` must do with messages that are there: flags, COPY, MOVE, EXPUNGE."""

import pytest

from postroad.base.errors import NotFound, OverQuota, TooMany
from postroad.model.ids import EmailId, MailboxName, ModSeq, Uid
from postroad.model.mailbox import (
    Column,
    FlagAction,
    FlagChange,
    Flags,
)
from postroad.model.quota import QuotaLimits
from stores.mail_contract import DELETED, SEEN, two
from stores.making import (
    Stores,
    arrival,
    email,
    uids_of,
)


def add(*keywords: str) -> FlagChange:
    return FlagChange(FlagAction.ADD, Flags.NONE, frozenset(keywords))


class FlagsContract:
    async def test_add_remove_and_replace(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 1)
        steps = [
            (FlagChange(FlagAction.ADD, Flags.SEEN | Flags.FLAGGED, frozenset({"$a"})), 5, "$a"),
            (FlagChange(FlagAction.REMOVE, Flags.SEEN, frozenset({"$b"})), 4, "$a"),
            (add("$b"), 4, "$a $b"),
            (FlagChange(FlagAction.REPLACE, Flags.DRAFT, frozenset({"$c"})), 16, "$c"),
            (FlagChange(FlagAction.REPLACE, Flags.NONE, frozenset()), 0, ""),
        ]
        for change, flags, keywords in steps:
            done = await stores.mail.store_flags(account, inbox, [Uid(1)], change)
            assert list(done.changed) == [1]
            message = (await stores.messages(account, inbox))[0]
            assert message[2:] == (flags, frozenset(keywords.split()), done.mod_seq)

    async def test_keywords_match_in_any_case(self, stores: Stores) -> None:
        """RFC 9051 section 2.3.2."""
        account, inbox, _ = await two(stores, 1)
        await stores.mail.store_flags(account, inbox, [Uid(1)], add("$Work"))
        done = await stores.mail.store_flags(account, inbox, [Uid(1)], add("$WORK"))
        assert list(done.changed) == []
        gone = FlagChange(FlagAction.REMOVE, Flags.NONE, frozenset({"$work"}))
        done = await stores.mail.store_flags(account, inbox, [Uid(1)], gone)
        assert list(done.changed) == [1]
        await stores.mail.store_flags(account, inbox, [Uid(1)], add("$X", "$x"))
        assert len((await stores.messages(account, inbox))[0][3]) == 1

    async def test_nothing_new_takes_no_mod_seq(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 3)
        first = await stores.mail.store_flags(account, inbox, [Uid(1), Uid(2)], SEEN)
        before = await stores.mail.placements(account, inbox)
        for uids in ([Uid(1), Uid(2)], [], [Uid(99)]):
            done = await stores.mail.store_flags(account, inbox, uids, SEEN)
            assert (list(done.changed), list(done.modified)) == ([], [])
            assert done.mod_seq == first.mod_seq
        assert await stores.mail.placements(account, inbox) == before
        partly = await stores.mail.store_flags(account, inbox, [Uid(2), Uid(3)], SEEN)
        assert list(partly.changed) == [3]
        assert partly.mod_seq == first.mod_seq + 1
        mod_seqs = {one[0]: one[4] for one in await stores.messages(account, inbox)}
        assert (mod_seqs[2], mod_seqs[3]) == (first.mod_seq, partly.mod_seq)

    async def test_combinations_do_not_run_into_each_other(self, stores: Stores) -> None:
        """A message that gets the flags another had is not changed by the other's turn."""
        account, inbox, _ = await two(stores, 3)
        await stores.mail.store_flags(account, inbox, [Uid(1)], add("$a"))
        await stores.mail.store_flags(account, inbox, [Uid(2)], add("$b"))
        swap = FlagChange(FlagAction.REPLACE, Flags.NONE, frozenset({"$a"}))
        done = await stores.mail.store_flags(account, inbox, [Uid(1), Uid(2), Uid(3)], swap)
        assert list(done.changed) == [2, 3]

    async def test_unchangedsince_refuses_what_changed(self, stores: Stores) -> None:
        """RFC 7162 section 3.1.3."""
        account, inbox, _ = await two(stores, 3)
        known = (await stores.mailbox(account)).mod_seq
        await stores.mail.store_flags(account, inbox, [Uid(2)], SEEN)
        asked = [Uid(1), Uid(2), Uid(3), Uid(9)]
        done = await stores.mail.store_flags(account, inbox, asked, DELETED, known)
        assert (list(done.changed), list(done.modified)) == ([1, 3], [2])
        flags = {one[0]: one[2] for one in await stores.messages(account, inbox)}
        assert flags == {1: 8, 2: 1, 3: 8}
        done = await stores.mail.store_flags(account, inbox, asked, SEEN, ModSeq(0))
        assert (list(done.changed), list(done.modified)) == ([], [1, 2, 3])

    async def test_too_many_keywords_change_nothing(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 2)
        before = await stores.mail.placements(account, inbox)
        with pytest.raises(TooMany):
            await stores.mail.store_flags(
                account, inbox, [Uid(1), Uid(2)], add(*(f"$k{n}" for n in range(129)))
            )
        assert await stores.mail.placements(account, inbox) == before

    async def test_counts(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 4)
        await stores.mail.store_flags(account, inbox, [Uid(1), Uid(2)], SEEN)
        await stores.mail.store_flags(account, inbox, [Uid(2), Uid(3), Uid(4)], DELETED)
        counts = await stores.mail.counts(account, inbox)
        assert (counts.unseen, counts.deleted) == (2, 3)


class MoveContract:
    async def test_a_uid_is_never_used_twice(self, stores: Stores) -> None:
        account, inbox, sent = await two(stores, 3)
        await stores.mail.move(account, [Uid(3)], inbox, sent)
        back = await stores.mail.move(account, [Uid(1)], sent, inbox)
        assert list(back.target) == [4]
        await stores.mail.store_flags(account, inbox, [Uid(4)], DELETED)
        assert list(await stores.mail.expunge(account, inbox, None)) == [4]
        assert await stores.fill(account, inbox, 1) == [5]

    async def test_copies_keep_flags_and_email(self, stores: Stores) -> None:
        account, inbox, sent = await two(stores, 3)
        flagged = FlagChange(FlagAction.ADD, Flags.FLAGGED, frozenset({"$k"}))
        await stores.mail.store_flags(account, inbox, [Uid(1), Uid(3)], flagged)
        before = await stores.mailbox(account)
        done = await stores.mail.copy(account, [Uid(1), Uid(3), Uid(9)], inbox, sent)
        target = await stores.mailbox(account, "Sent")
        assert (list(done.source), list(done.target)) == ([1, 3], [1, 2])
        assert done.uid_validity == target.uid_validity
        assert target.mod_seq == before.mod_seq + 1
        assert await stores.mailbox(account) == before
        source = {one[0]: one for one in await stores.messages(account, inbox)}
        assert [one[1:] for one in await stores.messages(account, sent)] == [
            (*source[uid][1:4], target.mod_seq) for uid in (1, 3)
        ]

    async def test_moving_takes_from_one_and_gives_to_the_other(self, stores: Stores) -> None:
        account, inbox, sent = await two(stores, 5)
        done = await stores.mail.move(account, [Uid(2), Uid(4)], inbox, sent)
        assert (list(done.source), list(done.target)) == ([2, 4], [1, 2])
        source, target = await stores.mailbox(account), await stores.mailbox(account, "Sent")
        assert source.mod_seq == target.mod_seq, "one operation, one mod_seq"
        assert (source.messages, source.octets) == (3, 300)
        assert (target.messages, target.octets) == (2, 200)

    async def test_nothing_there_is_nothing_done(self, stores: Stores) -> None:
        account, inbox, sent = await two(stores, 1)
        before = await stores.mail.mailboxes(account)
        for uids in ([], [Uid(7), Uid(8)]):
            moved = await stores.mail.move(account, uids, inbox, sent)
            copied = await stores.mail.copy(account, uids, inbox, sent)
            assert list(moved.source) == list(copied.target) == []
        assert await stores.mail.mailboxes(account) == before

    async def test_moving_to_the_same_mailbox_gives_new_uids(self, stores: Stores) -> None:
        """RFC 6851 section 3.3."""
        account, inbox, _ = await two(stores, 3)
        done = await stores.mail.move(account, [Uid(1), Uid(2)], inbox, inbox)
        assert list(done.target) == [4, 5]
        assert uids_of(await stores.messages(account, inbox)) == [3, 4, 5]
        mailbox = await stores.mailbox(account)
        assert (mailbox.messages, mailbox.octets) == (3, 300)

    async def test_expunging_takes_what_is_marked(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 5)
        await stores.mail.store_flags(account, inbox, [Uid(1), Uid(2), Uid(4)], DELETED)
        before = await stores.mailbox(account)
        asked = [Uid(2), Uid(3), Uid(9)]
        assert list(await stores.mail.expunge(account, inbox, asked)) == [2]
        assert list(await stores.mail.expunge(account, inbox, [])) == []
        assert list(await stores.mail.expunge(account, inbox, None)) == [1, 4]
        assert list(await stores.mail.expunge(account, inbox, None)) == []
        assert (await stores.mailbox(account)).mod_seq == before.mod_seq + 2
        assert uids_of(await stores.messages(account, inbox)) == [3, 5]

    async def test_quota_counts_every_placement(self, stores: Stores) -> None:
        account = await stores.account(quota=450)
        inbox, sent = await stores.mailbox(account), await stores.mailbox(account, "Sent")
        a, b = inbox.mailbox_id, sent.mailbox_id
        await stores.fill(account, a, 2)
        await stores.mail.copy(account, [Uid(1), Uid(2)], a, b)
        assert await stores.room(account) == (400, 450)
        for mailbox in (a, b):
            with pytest.raises(OverQuota):
                await stores.mail.copy(account, [Uid(1)], a, mailbox)
        with pytest.raises(OverQuota):
            await stores.mail.append(account, a, [arrival()])
        await stores.mail.append(account, a, [arrival(email(size=50))])
        assert await stores.room(account) == (450, 450)
        await stores.mail.move(account, [Uid(1)], a, b)
        assert await stores.room(account) == (450, 450)
        await stores.mail.store_flags(account, b, [Uid(1), Uid(2), Uid(3)], DELETED)
        await stores.mail.expunge(account, b, None)
        assert await stores.room(account) == (150, 450)
        await stores.directory.set_account_quota(account, QuotaLimits(100))
        with pytest.raises(OverQuota):
            await stores.mail.append(account, a, [arrival(email(size=1))])
        await stores.mail.move(account, [Uid(2)], a, b)
        assert (await stores.mailbox(account, "Sent")).messages == 1

    async def test_a_refused_copy_changes_nothing(self, stores: Stores) -> None:
        account = await stores.account(quota=500)
        inbox, sent = await stores.mailbox(account), await stores.mailbox(account, "Sent")
        await stores.fill(account, inbox.mailbox_id, 3)
        before = await stores.mail.mailboxes(account)
        with pytest.raises(OverQuota):
            await stores.mail.copy(
                account, [Uid(1), Uid(2), Uid(3)], inbox.mailbox_id, sent.mailbox_id
            )
        assert await stores.mail.mailboxes(account) == before
        done = await stores.mail.append(account, sent.mailbox_id, [arrival()])
        after = await stores.mailbox(account, "Sent")
        assert list(done.uids) == [1]
        assert after.mod_seq == max(mailbox.mod_seq for mailbox in before) + 1

    async def test_ids_of_another_account_find_nothing(self, stores: Stores) -> None:
        alice, bob = await stores.account("alice"), await stores.account("bob")
        extra = await stores.mail.create_mailbox(alice, MailboxName("extra"), None)
        uids = await stores.fill(alice, extra.mailbox_id, 2)
        hers, his = extra.mailbox_id, (await stores.mailbox(bob)).mailbox_id
        assert await stores.mail.rows(bob, hers, uids, [Column.BLOB_ID]) == []
        with pytest.raises(NotFound):
            await stores.mail.copy(bob, uids, hers, his)
        with pytest.raises(NotFound):
            await stores.mail.move(bob, uids, hers, his)
        with pytest.raises(NotFound):
            await stores.mail.store_flags(bob, hers, uids, DELETED)
        with pytest.raises(NotFound):
            await stores.mail.expunge(bob, hers, None)
        assert await stores.mail.emails_after(bob, EmailId(0), 10) == []
        assert uids_of(await stores.messages(alice, hers)) == [1, 2]
