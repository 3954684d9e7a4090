"""What every `ReferenceStore` must do: which blobs are needed, and forgetting what is old."""

from postroad.base.identifiers import new_trace_id
from postroad.base.moments import Moment
from postroad.model.ids import AccountId, BlobId, TraceId, Uid
from postroad.model.mailbox import Column, Delivered, FlagAction, FlagChange, Flags
from stores.making import (
    FUTURE,
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
from stores.queue_contract import claim_one, finals

DELETED = FlagChange(FlagAction.ADD, Flags.DELETED, frozenset())
FIRST = BlobId(b"")
DAY = 24 * 3600 * 1000


async def remove(stores: Stores, account: AccountId, *uids: int, mailbox: str = "INBOX") -> None:
    found = (await stores.mailbox(account, mailbox)).mailbox_id
    wanted = [Uid(uid) for uid in uids]
    await stores.mail.store_flags(account, found, wanted, DELETED)
    await stores.mail.expunge(account, found, wanted)


class ReferenceContract:
    async def test_an_expunged_message_is_kept_for_a_while(self, stores: Stores) -> None:
        account = await stores.account()
        inbox, kept = (await stores.mailbox(account)).mailbox_id, blob()
        await stores.mail.append(account, inbox, [arrival(email(blob_id=kept))])
        await remove(stores, account, 1)
        assert await stores.references.purge_expunged(NOW, 10) == 0
        assert await stores.references.unreferenced([kept]) == []
        assert await stores.references.purge_expunged(FUTURE, 10) == 1
        assert await stores.references.unreferenced([kept]) == [kept]
        assert await stores.references.garbage(10) == [kept]
        await stores.references.forget_garbage([kept])
        assert await stores.references.garbage(10) == []

    async def test_a_copy_holds_its_blob(self, stores: Stores) -> None:
        account = await stores.account()
        inbox, sent = await stores.mailbox(account), await stores.mailbox(account, "Sent")
        held = blob()
        await stores.mail.append(account, inbox.mailbox_id, [arrival(email(blob_id=held))])
        await stores.mail.copy(account, [Uid(1)], inbox.mailbox_id, sent.mailbox_id)
        await remove(stores, account, 1)
        assert await stores.references.purge_expunged(FUTURE, 10) == 1
        assert await stores.references.garbage(10) == []
        rows = await stores.mail.rows(account, sent.mailbox_id, [Uid(1)], [Column.BLOB_ID])
        assert rows == [(1, held)]
        await remove(stores, account, 1, mailbox="Sent")
        assert await stores.references.purge_expunged(FUTURE, 10) == 1
        assert await stores.references.garbage(10) == [held]

    async def test_every_use_of_a_blob_counts(self, stores: Stores) -> None:
        alice, bob = await stores.account("alice"), await stores.account("bob")
        shared = blob()
        new = email(blob_id=shared)
        for account in (alice, alice, bob):
            await stores.mail.deliver([delivery(account, new)])
        sent = submission(blob_id=shared)
        await stores.queue.submit(alice, [sent], [])
        assert await stores.references.references(FIRST, 10) == [(alice, shared), (bob, shared)]
        await remove(stores, alice, 1, 2)
        await stores.references.purge_expunged(FUTURE, 10)
        claim = await claim_one(stores)
        await stores.queue.settle(claim, finals(claim), [])
        assert await stores.references.purge_settled(NOW, 10) == 0
        assert await stores.references.references(FIRST, 10) == [(alice, shared), (bob, shared)]
        assert await stores.references.purge_settled(FUTURE, 10) == 1
        assert await stores.references.references(FIRST, 10) == [(bob, shared)]
        assert await stores.references.garbage(10) == []
        await remove(stores, bob, 1)
        await stores.references.purge_expunged(FUTURE, 10)
        assert await stores.references.garbage(10) == [shared]
        assert await stores.queue.find_submission(alice, sent.submission_id) is None

    async def test_what_found_a_new_use_is_no_garbage(self, stores: Stores) -> None:
        account = await stores.account()
        again = blob()
        await stores.mail.deliver([delivery(account, email(blob_id=again))])
        await remove(stores, account, 1)
        await stores.references.purge_expunged(FUTURE, 10)
        await stores.mail.deliver([delivery(account, email(blob_id=again))])
        assert await stores.references.garbage(10) == []
        assert await stores.references.unreferenced([again]) == []

    async def test_an_old_blob_lives_on_through_a_reference(self, stores: Stores) -> None:
        """Held by a message, an old blob may be sent, say by resubmitting a stored message."""
        account = await stores.account()
        old = blob(DAY - 60_000)
        await stores.mail.deliver([delivery(account, email(blob_id=old))])
        await stores.queue.submit(account, [submission(blob_id=old)], [])
        assert await stores.references.references(FIRST, 10) == [(account, old)]

    async def test_references_come_in_pages(self, stores: Stores) -> None:
        account = await stores.account()
        blobs = sorted(blob() for _ in range(5))
        await stores.mail.deliver([delivery(account, email(blob_id=one)) for one in blobs])
        page = await stores.references.references(FIRST, 3)
        rest = await stores.references.references(page[-1][1], 3)
        assert [one for _, one in [*page, *rest]] == blobs
        assert await stores.references.unreferenced([]) == []

    async def test_purging_keeps_to_its_limit(self, stores: Stores) -> None:
        account = await stores.account()
        inbox = await stores.mailbox(account)
        await stores.fill(account, inbox.mailbox_id, 5)
        await remove(stores, account, 1, 2, 3, 4)
        done = [await stores.references.purge_expunged(FUTURE, 3) for _ in range(3)]
        assert done == [3, 1, 0]
        assert uids_of(await stores.messages(account, inbox.mailbox_id)) == [5]
        assert await stores.references.check() == []

    async def test_a_deleted_mailbox_is_purged_too(self, stores: Stores) -> None:
        account = await stores.account()
        sent = await stores.mailbox(account, "Sent")
        await stores.fill(account, sent.mailbox_id, 2)
        await stores.mail.delete_mailbox(account, sent.mailbox_id)
        assert await stores.references.purge_expunged(FUTURE, 10) == 2
        assert len(await stores.references.garbage(10)) == 2

    async def test_once_purged_a_delivery_is_forgotten(self, stores: Stores) -> None:
        account = await stores.account()
        once = delivery(account, email(delivery_id="d"))
        await stores.mail.deliver([once])
        await remove(stores, account, 1)
        await stores.references.purge_expunged(FUTURE, 10)
        (result,) = await stores.mail.deliver([once])
        assert isinstance(result, Delivered)
        assert (result.uid, result.again) == (2, False)

    async def test_what_waits_is_not_purged(self, stores: Stores) -> None:
        account = await stores.account()
        await stores.queue.submit(account, [submission("a@one.test", "b@two.test")], [])
        claims, _ = await stores.queue.claim_due(NOW, Moment(NOW + 1), 1, [], 100)
        await stores.queue.settle(claims[0], finals(claims[0]), [])
        assert await stores.references.purge_settled(FUTURE, 10) == 0

    async def test_keys_are_forgotten(self, stores: Stores) -> None:
        account = await stores.account()
        old, new = submission(key="k", request_hash=b"a"), submission(key="k", request_hash=b"b")
        await stores.queue.submit(account, [old], [])
        assert await stores.references.purge_keys(NOW) == 0
        assert await stores.references.purge_keys(Moment(NOW + 1)) == 1
        assert list(await stores.queue.submit(account, [new], [])) == [new.submission_id]

    async def test_stories_are_forgotten_by_trace(self, stores: Stores) -> None:
        account = await stores.account()
        base = new_trace_id()[:-4]
        traces = [TraceId(f"{base}000{n}") for n in range(3)]
        for trace in traces:
            await stores.queue.add_events(account, [event(trace), event(trace)])
        assert await stores.references.purge_events(traces[0], 10) == 0
        assert await stores.references.purge_events(traces[2], 1) > 0
        left = [len(await stores.queue.trace(trace)) for trace in traces]
        assert left == [0, 2, 2]
        await stores.references.purge_events(traces[2], 10)
        assert [len(await stores.queue.trace(trace)) for trace in traces] == [0, 0, 2]

    async def test_a_sound_store_has_no_faults(self, stores: Stores) -> None:
        account = await stores.account()
        inbox, sent = await stores.mailbox(account), await stores.mailbox(account, "Sent")
        await stores.fill(account, inbox.mailbox_id, 4)
        await stores.mail.copy(account, [Uid(1), Uid(2)], inbox.mailbox_id, sent.mailbox_id)
        await stores.mail.move(account, [Uid(3)], inbox.mailbox_id, sent.mailbox_id)
        await remove(stores, account, 1, 2)
        assert await stores.references.check() == []
