"""What every store must do with annotations of mailboxes and of the server (RFC 5464)."""

import pytest

from postroad.base.errors import NotFound, TooMany
from postroad.model.directory import Account
from postroad.model.ids import AccountId, MailboxId, MailboxName, ModSeq
from postroad.model.metadata import AnnotationLimits, Subject
from stores.making import Stores

LIMITS = AnnotationLimits()
SMALL = AnnotationLimits(value_octets=100, entries=2, octets=100)
COMMENT, MINE = "/shared/comment", "/private/comment"


async def server(stores: Stores, account: Account) -> Subject:
    tenant = await stores.directory.find_tenant(account.tenant_id)
    assert tenant is not None
    return Subject(tenant.sending_account, None, account.account_id)


async def subject(stores: Stores, owner: Account, viewer: Account, name: str = "INBOX") -> Subject:
    mailbox = (await stores.mailbox(owner.account_id, name)).mailbox_id
    return Subject(owner.account_id, mailbox, viewer.account_id)


class MetadataContract:
    async def test_shared_ones_are_for_all_and_private_ones_for_one(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        by_alice = await subject(stores, alice, alice)
        by_bob = await subject(stores, alice, bob)
        await stores.metadata.annotate(by_alice, {COMMENT: b"ours", MINE: b"\0hers"}, LIMITS)
        await stores.metadata.annotate(by_bob, {MINE: b"his"}, LIMITS)
        assert await stores.metadata.annotations(by_alice) == {COMMENT: b"ours", MINE: b"\0hers"}
        assert await stores.metadata.annotations(by_bob) == {COMMENT: b"ours", MINE: b"his"}
        assert await stores.metadata.annotations(await subject(stores, bob, bob)) == {}

    async def test_they_are_replaced_and_removed_all_or_none(self, stores: Stores) -> None:
        alice = await stores.person()
        about = await subject(stores, alice, alice)
        await stores.metadata.annotate(about, {COMMENT: b"1", MINE: b""}, LIMITS)
        await stores.metadata.annotate(
            about, {COMMENT: b"2", MINE: None, "/shared/x": None}, LIMITS
        )
        assert await stores.metadata.annotations(about) == {COMMENT: b"2"}
        with pytest.raises(TooMany):
            await stores.metadata.annotate(
                about, {COMMENT: b"3", MINE: b"4", "/shared/x": b"", "/shared/y": b""}, SMALL
            )
        assert await stores.metadata.annotations(about) == {COMMENT: b"2"}

    async def test_limits_of_octets_hold_over_all_mailboxes(self, stores: Stores) -> None:
        alice = await stores.person()
        inbox = await subject(stores, alice, alice)
        sent = await subject(stores, alice, alice, "Sent")
        await stores.metadata.annotate(inbox, {COMMENT: b"x" * 80}, SMALL)
        with pytest.raises(TooMany):
            await stores.metadata.annotate(sent, {COMMENT: b"x" * 80}, SMALL)
        # Private ones count apart, and what shrinks is never refused.
        await stores.metadata.annotate(sent, {MINE: b"x" * 80}, SMALL)
        tiny = AnnotationLimits(value_octets=1, entries=0, octets=1)
        await stores.metadata.annotate(inbox, {COMMENT: b"x" * 70}, tiny)
        await stores.metadata.annotate(inbox, {COMMENT: None}, tiny)
        assert await stores.metadata.annotations(inbox) == {}

    async def test_the_mod_seq_of_the_mailbox_grows_and_nothing_takes_none(
        self, stores: Stores
    ) -> None:
        alice = await stores.person()
        about = await subject(stores, alice, alice)
        before = await stores.mailbox(alice.account_id)
        marks = await stores.metadata.annotate(about, {COMMENT: b"1"}, LIMITS)
        after = await stores.mailbox(alice.account_id)
        assert marks == {alice.account_id: after.mod_seq}
        assert after.mod_seq > before.mod_seq
        assert await stores.metadata.marks([alice.account_id, AccountId(10**6)]) == marks
        assert await stores.metadata.annotate(about, {COMMENT: b"1", MINE: None}, LIMITS) == {}
        assert (await stores.mailbox(alice.account_id)).mod_seq == after.mod_seq
        changes = await stores.mail.changes(alice.account_id, after.mailbox_id, before.mod_seq)
        assert changes.complete
        assert (list(changes.expunged), list(changes.placed.uids)) == ([], [])

    async def test_what_changed_is_told_to_whom_it_concerns(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        about = await subject(stores, alice, alice)
        since = (await stores.metadata.marks([alice.account_id]))[alice.account_id]
        first = await stores.metadata.annotate(about, {COMMENT: b"1", MINE: b"1"}, LIMITS)
        second = await stores.metadata.annotate(about, {COMMENT: None}, LIMITS)
        one, two = first[alice.account_id], second[alice.account_id]
        mailbox = about.mailbox

        async def told(viewer: Account, mark: ModSeq) -> list[tuple[ModSeq, object, str]]:
            found = await stores.metadata.annotated(alice.account_id, viewer.account_id, mark)
            return sorted((mod_seq, box, name) for mod_seq, box, name in found)

        assert await told(bob, since) == [(one, mailbox, COMMENT), (two, mailbox, COMMENT)]
        assert (one, mailbox, MINE) in await told(alice, since)
        assert await told(alice, one) == [(two, mailbox, COMMENT)]
        assert await told(alice, two) == []

    async def test_those_of_the_server(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        by_alice, by_bob = await server(stores, alice), await server(stores, bob)
        marks = await stores.metadata.annotate(by_alice, {COMMENT: b"1", MINE: b"2"}, LIMITS)
        assert set(marks) == {by_alice.owner, alice.account_id}
        assert await stores.metadata.annotations(by_alice) == {COMMENT: b"1", MINE: b"2"}
        assert await stores.metadata.annotations(by_bob) == {COMMENT: b"1"}
        [(mod_seq, mailbox, name)] = await stores.metadata.annotated(
            by_bob.owner, bob.account_id, ModSeq(0)
        )
        assert (mod_seq, mailbox, name) == (marks[by_bob.owner], None, COMMENT)

    async def test_they_go_with_the_mailbox_and_stay_over_a_rename(self, stores: Stores) -> None:
        alice = await stores.person()
        account = alice.account_id
        about = await subject(stores, alice, alice, "Sent")
        await stores.metadata.annotate(about, {COMMENT: b"1"}, LIMITS)
        await stores.mail.rename_mailbox(account, MailboxName("Sent"), MailboxName("Gone"))
        assert await stores.metadata.annotations(about) == {COMMENT: b"1"}
        assert about.mailbox is not None
        await stores.mail.delete_mailbox(account, about.mailbox)
        assert await stores.metadata.annotations(about) == {}
        with pytest.raises(NotFound):
            await stores.metadata.annotate(about, {COMMENT: b"1"}, LIMITS)
        await stores.mail.create_mailbox(account, MailboxName("Gone"), None)
        again = await subject(stores, alice, alice, "Gone")
        assert await stores.metadata.annotations(again) == {}

    async def test_a_rename_of_inbox_copies_them(self, stores: Stores) -> None:
        alice = await stores.person()
        about = await subject(stores, alice, alice)
        await stores.metadata.annotate(about, {COMMENT: b"1", MINE: b"2"}, LIMITS)
        await stores.mail.rename_mailbox(
            alice.account_id, MailboxName("INBOX"), MailboxName("Old")
        )
        for name in ("INBOX", "Old"):
            found = await stores.metadata.annotations(await subject(stores, alice, alice, name))
            assert found == {COMMENT: b"1", MINE: b"2"}

    async def test_those_of_a_person_go_with_the_person(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        by_bob = await subject(stores, alice, bob)
        await stores.metadata.annotate(by_bob, {MINE: b"1", COMMENT: b"2"}, LIMITS)
        await stores.directory.delete_account(bob.account_id)
        assert await stores.metadata.annotations(by_bob) == {COMMENT: b"2"}
        await stores.directory.delete_account(alice.account_id)
        assert await stores.metadata.annotations(by_bob) == {}
        with pytest.raises(NotFound):
            await stores.metadata.annotate(by_bob, {COMMENT: b"1"}, LIMITS)

    async def test_a_mailbox_that_is_not_there(self, stores: Stores) -> None:
        alice = await stores.person()
        nowhere = Subject(alice.account_id, MailboxId(10**6), alice.account_id)
        assert await stores.metadata.annotations(nowhere) == {}
        with pytest.raises(NotFound):
            await stores.metadata.annotate(nowhere, {COMMENT: b"1"}, LIMITS)
