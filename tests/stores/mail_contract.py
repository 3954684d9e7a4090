"""What every `MailStore` must do with messages that arrive."""

from dataclasses import replace

import pytest

from postroad.base.errors import NoSuchTarget, NotFound, OverQuota, TryLater
from postroad.base.identifiers import new_trace_id
from postroad.model.events import EventKind
from postroad.model.ids import AccountId, EmailId, MailboxId, TraceId, Uid
from postroad.model.mailbox import (
    Column,
    Delivered,
    FlagAction,
    FlagChange,
    Flags,
    NewEmail,
    Refusal,
    Replaced,
)
from stores.making import (
    NOW,
    Stores,
    arrival,
    blob,
    delivery,
    email,
    event,
    submission,
    uids_of,
)

SEEN = FlagChange(FlagAction.ADD, Flags.SEEN, frozenset())
DELETED = FlagChange(FlagAction.ADD, Flags.DELETED, frozenset())
LONG_AGO = 3 * 24 * 3600 * 1000


async def two(stores: Stores, count: int) -> tuple[AccountId, MailboxId, MailboxId]:
    """An account with messages in INBOX, and Sent."""
    account = await stores.account()
    inbox, sent = await stores.mailbox(account), await stores.mailbox(account, "Sent")
    if count:
        await stores.fill(account, inbox.mailbox_id, count)
    return account, inbox.mailbox_id, sent.mailbox_id


def _with(part_table: bytes, structure_utf8: bytes | None = b"(structure utf8)") -> NewEmail:
    new = email()
    kept = replace(new.prepared, part_table=part_table, body_structure_utf8=structure_utf8)
    return replace(new, prepared=kept)


class AppendContract:
    async def test_what_was_appended_is_there(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 0)
        new = email(size=1234)
        done = await stores.mail.append(
            account, inbox, [arrival(new, Flags.SEEN | Flags.DRAFT, frozenset({"$b", "$a"}))]
        )
        mailbox, _ = await stores.mail.placements(account, inbox)
        assert done.uid_validity == mailbox.uid_validity
        assert (mailbox.messages, mailbox.octets, mailbox.uid_next) == (1, 1234, 2)
        assert await stores.messages(account, inbox) == [
            (1, done.email_ids[0], 17, frozenset({"$a", "$b"}), mailbox.mod_seq)
        ]
        wanted = [column for column in Column if column is not Column.SAVED_AT]
        row = (await stores.mail.rows(account, inbox, [Uid(1)], wanted))[0]
        shown = dict(zip(wanted, row[1:], strict=True))
        thread = shown.pop(Column.THREAD_ID)
        assert isinstance(thread, int)
        assert row[0] == 1
        kept = {Column(name): getattr(new.prepared, name) for name in vars_of(new.prepared)}
        assert shown == kept | {
            Column.EMAIL_ID: done.email_ids[0],
            Column.BLOB_ID: new.blob_id,
            Column.SIZE: 1234,
            Column.INTERNAL_DATE: NOW,
        }

    async def test_rows_come_by_uid_and_leave_out_what_is_gone(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 5)
        await stores.mail.store_flags(account, inbox, [Uid(2)], DELETED)
        await stores.mail.expunge(account, inbox, None)
        asked = [Uid(5), Uid(1), Uid(2), Uid(99), Uid(3)]
        rows = await stores.mail.rows(account, inbox, asked, [Column.SIZE])
        assert rows == [(1, 100), (3, 100), (5, 100)]
        assert await stores.mail.rows(account, inbox, [], [Column.SIZE]) == []
        saved = await stores.mail.rows(account, inbox, [Uid(1)], [Column.SAVED_AT])
        assert isinstance(saved[0][1], int)

    async def test_octets_are_of_the_first_column_that_is_set(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 0)
        tables = [b"a\0b", b"", b"\xff\0", b"c"]
        emails = [arrival(_with(table)) for table in tables]
        emails[3] = arrival(_with(b"c", None))
        await stores.mail.append(account, inbox, emails)
        one, both = [Column.PART_TABLE], [Column.BODY_STRUCTURE_UTF8, Column.BODY_STRUCTURE]
        uids = [Uid(uid) for uid in (1, 2, 3, 4)]
        found, octets = await stores.mail.octets_of(account, inbox, uids, one)
        assert (list(found), octets) == ([1, 2, 3, 4], tables)
        _, octets = await stores.mail.octets_of(account, inbox, uids, both)
        assert octets == [b"(structure utf8)"] * 3 + [b"(structure)"]
        _, octets = await stores.mail.octets_of(account, inbox, uids, both[:1])
        assert octets == [b"(structure utf8)"] * 3 + [b""]

    async def test_what_lists_ask_of_headers_may_be_missing(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 1)
        new = email()
        kept = replace(new.prepared, header_fields=None, origin=b"\0" * 9)
        await stores.mail.append(account, inbox, [arrival(replace(new, prepared=kept))])
        uids, columns = [Uid(1), Uid(2)], [Column.HEADER_FIELDS, Column.ORIGIN, Column.SIZE]
        assert await stores.mail.rows(account, inbox, uids, columns) == [
            (1, b"Subject: x\r\n", b"\x01\0", 100),
            (2, None, b"\0" * 9, 100),
        ]
        for wanted in (columns[:1], [Column.SAVED_AT], []):
            assert len(await stores.mail.rows(account, inbox, uids, wanted)) == 2

    async def test_octets_leave_out_what_is_gone(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 4)
        await stores.mail.store_flags(account, inbox, [Uid(2)], DELETED)
        await stores.mail.expunge(account, inbox, None)
        for asked, there in (((1, 2, 3), [1, 3]), ((2,), []), ((3, 99), [3]), ((), [])):
            uids = [Uid(uid) for uid in asked]
            found, octets = await stores.mail.octets_of(account, inbox, uids, [Column.BODY])
            assert (list(found), octets) == (there, [b"(body)"] * len(there))

    @pytest.mark.parametrize("uids", [(2, 1, 3), (1, 4, 3), (1, 1, 3), (3, 1)])
    async def test_uids_may_come_in_any_order(self, stores: Stores, uids: tuple[int, ...]) -> None:
        account, inbox, sent = await two(stores, 4)
        asked = [Uid(uid) for uid in uids]
        assert [row[0] for row in await stores.mail.rows(account, inbox, asked, [])] == sorted(
            set(uids)
        )
        done = await stores.mail.store_flags(account, inbox, asked, SEEN)
        assert list(done.changed) == sorted(set(uids))
        copied = await stores.mail.copy(account, asked, inbox, sent)
        assert list(copied.source) == sorted(set(uids))

    async def test_there_must_be_a_target(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 1)
        nowhere = MailboxId(4711)
        with pytest.raises(NoSuchTarget):
            await stores.mail.append(account, nowhere, [arrival()])
        with pytest.raises(NoSuchTarget):
            await stores.mail.copy(account, [Uid(1)], inbox, nowhere)
        with pytest.raises(NoSuchTarget):
            await stores.mail.move(account, [Uid(1)], inbox, nowhere)

    async def test_all_or_none(self, stores: Stores) -> None:
        account = await stores.account(quota=250)
        inbox = await stores.mailbox(account)
        trace = TraceId(new_trace_id())
        with pytest.raises(OverQuota):
            await stores.mail.append(
                account, inbox.mailbox_id, [arrival() for _ in range(3)], [event(trace)]
            )
        assert await stores.mailbox(account) == inbox
        assert await stores.room(account) == (0, 250)
        assert await stores.queue.events(account, trace) == []
        assert await stores.mail.emails_after(account, EmailId(0), 10) == []

    async def test_recent_messages_are_claimed_once(self, stores: Stores) -> None:
        """RFC 3501 section 2.3.2."""
        account, inbox, _ = await two(stores, 2)
        assert (await stores.mailbox(account)).first_recent == 1
        assert await stores.mail.claim_recent(account, inbox, Uid(2)) == range(1, 2)
        assert (await stores.mailbox(account)).first_recent == 2
        assert await stores.mail.claim_recent(account, inbox, Uid(3)) == range(2, 3)
        assert not await stores.mail.claim_recent(account, inbox, Uid(3))
        assert not await stores.mail.claim_recent(account, inbox, Uid(2))
        assert (await stores.mailbox(account)).first_recent == 3
        with pytest.raises(NotFound):
            await stores.mail.claim_recent(account, MailboxId(4711), Uid(3))

    async def test_one_in_the_place_of_another(self, stores: Stores) -> None:
        """RFC 8508: the room of what is replaced is free for what comes."""
        account = await stores.account(quota=250)
        inbox, sent = await stores.mailbox(account), await stores.mailbox(account, "Sent")
        uids = await stores.fill(account, inbox.mailbox_id, 2)
        old = Replaced(account, inbox.mailbox_id, uids[0])
        larger = arrival(email(size=150))
        done = await stores.mail.append(account, sent.mailbox_id, [larger], replaces=old)
        assert uids_of(await stores.messages(account, inbox.mailbox_id)) == [uids[1]]
        assert uids_of(await stores.messages(account, sent.mailbox_id)) == list(done.uids)
        assert await stores.room(account) == (250, 250)
        kept = await stores.mail.expunged(account, 10)
        assert [(one.mailbox_id, one.uid) for one in kept] == [(inbox.mailbox_id, uids[0])]
        changes = await stores.mail.changes(account, inbox.mailbox_id, inbox.mod_seq)
        assert list(changes.expunged) == [uids[0]]

    async def test_nothing_comes_when_it_cannot_take_the_place(self, stores: Stores) -> None:
        account = await stores.account(quota=250)
        inbox = await stores.mailbox(account)
        uids = await stores.fill(account, inbox.mailbox_id, 2)
        before = await stores.messages(account, inbox.mailbox_id)
        gone = Replaced(account, inbox.mailbox_id, Uid(99))
        with pytest.raises(NotFound):
            await stores.mail.append(account, inbox.mailbox_id, [arrival()], replaces=gone)
        there = Replaced(account, inbox.mailbox_id, uids[0])
        with pytest.raises(OverQuota):
            await stores.mail.append(
                account, inbox.mailbox_id, [arrival(email(size=151))], replaces=there
            )
        with pytest.raises(NoSuchTarget):
            await stores.mail.append(account, MailboxId(4711), [arrival()], replaces=there)
        assert await stores.messages(account, inbox.mailbox_id) == before
        assert await stores.room(account) == (200, 250)
        assert await stores.mail.expunged(account, 10) == []

    async def test_a_stale_blob_without_a_reference_is_refused(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 0)
        with pytest.raises(TryLater):
            await stores.mail.append(
                account, inbox, [arrival(), arrival(email(blob_id=blob(LONG_AGO)))]
            )
        assert await stores.messages(account, inbox) == []
        assert await stores.room(account) == (0, None)

    async def test_events_are_told_with_it(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 0)
        trace = TraceId(new_trace_id())
        told = [event(trace, kind) for kind in (EventKind.RECEIVED, EventKind.STORED)]
        await stores.mail.append(account, inbox, [arrival()], told)
        assert [one.kind for one in await stores.queue.events(account, trace)] == [
            EventKind.RECEIVED,
            EventKind.STORED,
        ]

    async def test_a_delivery_id_stores_once(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 0)
        first = await stores.mail.append(account, inbox, [arrival(email(delivery_id="d"))])
        again = await stores.mail.append(account, inbox, [arrival(email(delivery_id="d"))])
        assert again == first
        assert (await stores.mailbox(account)).messages == 1
        mixed = await stores.mail.append(
            account, inbox, [arrival(), arrival(email(delivery_id="d")), arrival()]
        )
        assert list(mixed.uids) == [2, 1, 3]

    async def test_any_text_can_be_stored(self, stores: Stores) -> None:
        """PostgreSQL knows no NUL in text: it may be shown as something else, never refused."""
        account, inbox, _ = await two(stores, 0)
        new = email(subject="a\0b\U0001f600")
        await stores.mail.append(account, inbox, [arrival(new)])
        rows = await stores.mail.rows(account, inbox, [Uid(1)], [Column.SUBJECT_BASE])
        assert str(rows[0][1]).startswith("a")
        assert str(rows[0][1]).endswith("b\U0001f600")

    async def test_emails_are_listed_by_id(self, stores: Stores) -> None:
        account, inbox, sent = await two(stores, 3)
        await stores.mail.copy(account, [Uid(1)], inbox, sent)
        listed = await stores.mail.emails_after(account, EmailId(0), 2)
        rest = await stores.mail.emails_after(account, listed[-1][0], 10)
        ids = [one[0] for one in [*listed, *rest]]
        assert (len(listed), len(rest)) == (2, 1)
        assert ids == [one[1] for one in await stores.messages(account, inbox)]
        assert listed[0][2:] == (b"\x00\xff", 100)

    async def test_messages_that_share_a_key_share_a_thread(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 0)
        keys = [(1, -5), (2,), (), (-5, 2**63 - 1), (-(2**63), 2, 1), (2**63 - 1,)]
        for some in keys:
            await stores.mail.append(account, inbox, [arrival(email(thread_keys=some))])
        rows = await stores.mail.rows(
            account, inbox, [Uid(n) for n in range(1, 7)], [Column.THREAD_ID]
        )
        threads = [row[1] for row in rows]
        assert threads[3] == threads[0] == threads[5]
        assert threads[4] == threads[0], "of two threads the older one is taken"
        assert len({threads[0], threads[1], threads[2]}) == 3

    async def test_threads_are_an_accounts_own(self, stores: Stores) -> None:
        alice, bob = await stores.account("alice"), await stores.account("bob")
        for account in (alice, bob):
            inbox = (await stores.mailbox(account)).mailbox_id
            await stores.fill(account, inbox, 2 if account == alice else 1)
            await stores.mail.append(account, inbox, [arrival(email(thread_keys=[7]))])
        bobs = (await stores.mailbox(bob)).mailbox_id
        rows = await stores.mail.rows(bob, bobs, [Uid(1), Uid(2)], [Column.THREAD_ID])
        assert rows[0][1] != rows[1][1]


def vars_of(prepared: object) -> list[str]:
    """The fields of a prepared email that are columns."""
    return [column.value for column in Column if hasattr(prepared, column.value)]


class DeliverContract:
    async def test_each_delivery_has_its_result(self, stores: Stores) -> None:
        alice, poor = await stores.account("alice"), await stores.account("poor", quota=50)
        new = email(delivery_id="d1")
        results = await stores.mail.deliver(
            [
                delivery(alice, new),
                delivery(poor, new),
                delivery(AccountId(999), new),
                delivery(alice, email(delivery_id="d2"), "Sent"),
                delivery(alice, email(), "Nowhere"),
            ]
        )
        assert isinstance(results[0], Delivered)
        assert (results[0].uid, results[0].again) == (1, False)
        assert results[1:3] == [Refusal.OVER_QUOTA, Refusal.NO_ACCOUNT]
        assert isinstance(results[3], Delivered)
        inbox, sent = await stores.mailbox(alice), await stores.mailbox(alice, "Sent")
        assert (inbox.messages, sent.messages) == (2, 1)
        assert (await stores.mailbox(poor)).messages == 0
        assert await stores.room(poor) == (0, 50)
        assert (await stores.messages(alice, inbox.mailbox_id))[0][3] == {"$New"}

    async def test_a_mailbox_is_made_where_the_delivery_says_so(self, stores: Stores) -> None:
        account = await stores.account()
        one, other = email(delivery_id="d1"), email(delivery_id="d2")
        made = [replace(delivery(account, new, "Sandbox"), makes=True) for new in (one, other)]
        for each in (*made, made[0]):
            assert isinstance((await stores.mail.deliver([each]))[0], Delivered)
        box = await stores.mailbox(account, "Sandbox")
        assert (box.messages, (await stores.mailbox(account)).messages) == (2, 0)
        assert "Sandbox" in await stores.mail.subscriptions(account)
        await stores.mail.delete_mailbox(account, box.mailbox_id)
        again = (await stores.mail.deliver(made[:1]))[0]
        assert isinstance(again, Delivered)
        assert again.again, "though the mailbox is gone with its message"

    async def test_delivering_again_is_harmless(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 0)
        trace = TraceId(new_trace_id())
        once = delivery(account, email(delivery_id="d"), events=(event(trace),))
        first = (await stores.mail.deliver([once]))[0]
        again = (await stores.mail.deliver([once, once]))[0]
        assert isinstance(first, Delivered)
        assert isinstance(again, Delivered)
        assert again.again
        assert (again.uid, again.email_id) == (first.uid, first.email_id)
        assert len(await stores.queue.events(account, trace)) == 1
        await stores.mail.store_flags(account, inbox, [first.uid], DELETED)
        await stores.mail.expunge(account, inbox, None)
        gone = (await stores.mail.deliver([once]))[0]
        assert isinstance(gone, Delivered)
        assert gone.again, "what was delivered and then removed does not come back"
        assert await stores.messages(account, inbox) == []

    async def test_the_same_twice_in_one_call(self, stores: Stores) -> None:
        account, inbox, _ = await two(stores, 0)
        once = delivery(account, email(delivery_id="d"))
        results = await stores.mail.deliver([once, once])
        assert [isinstance(one, Delivered) and one.again for one in results] == [False, True]
        assert len(await stores.messages(account, inbox)) == 1

    async def test_a_delivery_id_is_an_accounts_own(self, stores: Stores) -> None:
        alice, bob = await stores.account("alice"), await stores.account("bob")
        new = email(delivery_id="same")
        await stores.mail.deliver([delivery(alice, new), delivery(bob, new)])
        assert (await stores.mailbox(alice)).messages == 1
        assert (await stores.mailbox(bob)).messages == 1

    async def test_what_is_forwarded_goes_with_it(self, stores: Stores) -> None:
        alice, bob = await stores.account("alice"), await stores.account("bob")
        forward = submission("x@remote.test")
        told = [event(forward.trace_id)]
        for _ in range(2):
            await stores.mail.deliver(
                [delivery(alice, email(delivery_id="d"))], [(bob, forward, told)]
            )
        assert await stores.queue.find_submission(bob, forward.submission_id) is not None
        assert await stores.queue.find_submission(alice, forward.submission_id) is None
        assert len(await stores.queue.events(bob, forward.trace_id)) == 1
        assert (await stores.queue.sizes())["queued"] == 1
