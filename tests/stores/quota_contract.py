"""What every store must hold of the limits of an account (RFC 9208 section 5)."""

from collections.abc import Awaitable

import pytest

from postroad.base.errors import NotFound, OverQuota
from postroad.model.ids import AccountId, MailboxName, Uid
from postroad.model.mailbox import (
    Delivered,
    FlagAction,
    FlagChange,
    Flags,
    LocalDelivery,
    Refusal,
    Replaced,
)
from postroad.model.quota import Quota, QuotaLimits, Usage
from postroad.model.sharing import ALL_RIGHTS, Side
from stores.making import DOMAIN, INBOX, NO_KEYWORDS, Stores, arrival, email

DELETED = FlagChange(FlagAction.ADD, Flags.DELETED, frozenset())


async def refused(wish: Awaitable[object]) -> None:
    with pytest.raises(OverQuota):
        await wish


class QuotaContract:
    async def test_what_is_used_and_allowed(self, stores: Stores) -> None:
        account = await stores.account(quota=1000)
        inbox = await stores.mailbox(account)
        await stores.fill(account, inbox.mailbox_id, 3)
        assert await stores.mail.quota(account) == Quota(Usage(300, 3, 2), QuotaLimits(1000))
        limits = QuotaLimits(None, 5, 4)
        await stores.directory.set_account_quota(account, limits)
        assert await stores.mail.quota(account) == Quota(Usage(300, 3, 2), limits)
        found = await stores.directory.load_account(account)
        assert (found.quota_octets, found.quota_messages, found.quota_mailboxes) == (None, 5, 4)
        with pytest.raises(NotFound):
            await stores.mail.quota(AccountId(999))

    async def test_a_recipient_tells_the_messages_where_they_are_limited(
        self, stores: Stores
    ) -> None:
        alice = await stores.account()
        await stores.fill(alice, (await stores.mailbox(alice)).mailbox_id, 2)
        await stores.directory.set_account_quota(alice, QuotaLimits(messages=2))
        for local_part in ("alice", "alice+shop"):
            found = await stores.directory.find_recipient(local_part, DOMAIN)
            assert (found.used_octets, found.used_messages) == (200, 2)

    async def test_messages_are_limited(self, stores: Stores) -> None:
        account = await stores.account()
        inbox, sent = await stores.mailbox(account), await stores.mailbox(account, "Sent")
        a, b = inbox.mailbox_id, sent.mailbox_id
        await stores.fill(account, a, 2)
        await stores.directory.set_account_quota(account, QuotaLimits(messages=3))
        await refused(stores.mail.append(account, a, [arrival(), arrival()]))
        await refused(stores.mail.copy(account, [Uid(1), Uid(2)], a, b))
        await stores.mail.move(account, [Uid(1)], a, b)
        await stores.mail.copy(account, [Uid(2)], a, b)
        assert (await stores.mail.quota(account)).used.messages == 3
        full = LocalDelivery(account, INBOX, email(), Flags.NONE, NO_KEYWORDS, ())
        assert await stores.mail.deliver([full]) == [Refusal.OVER_QUOTA]
        await stores.mail.append(account, a, [arrival()], (), Replaced(account, a, Uid(2)))
        await stores.mail.store_flags(account, b, [Uid(1)], DELETED)
        await stores.mail.expunge(account, b, None)
        (done,) = await stores.mail.deliver([full])
        assert isinstance(done, Delivered)
        await refused(stores.mail.restore(account, [(b, Uid(1))]))

    async def test_messages_from_another_account_are_limited(self, stores: Stores) -> None:
        alice, bob = await stores.account(), await stores.account("bob")
        source, target = await stores.mailbox(alice), await stores.mailbox(bob)
        await stores.fill(alice, source.mailbox_id, 2)
        await stores.directory.set_account_quota(bob, QuotaLimits(messages=1))
        sides = Side(alice, source.mailbox_id), Side(bob, target.mailbox_id)
        for keep in (True, False):
            both = [Uid(1), Uid(2)]
            await refused(stores.mail.transfer(both, *sides, ALL_RIGHTS, keep=keep))
        await stores.mail.transfer([Uid(1)], *sides, ALL_RIGHTS, keep=True)
        await refused(stores.mail.transfer([Uid(1)], *sides, ALL_RIGHTS, keep=True))
        assert (await stores.mail.quota(bob)).used == Usage(100, 1, 2)

    async def test_mailboxes_are_limited(self, stores: Stores) -> None:
        account = await stores.account()
        await stores.directory.set_account_quota(account, QuotaLimits(mailboxes=4))
        name = MailboxName
        await refused(stores.mail.create_mailbox(account, name("a/b/c"), None))
        await stores.mail.create_mailbox(account, name("a/b"), None)
        await refused(stores.mail.create_mailbox(account, name("c"), None))
        await refused(stores.mail.rename_mailbox(account, name("Sent"), name("c/d")))
        await refused(stores.mail.rename_mailbox(account, INBOX, name("old")))
        await stores.mail.rename_mailbox(account, name("a"), name("d"))
        found = [mailbox.name for mailbox in await stores.mail.mailboxes(account)]
        assert found == ["INBOX", "Sent", "d", "d/b"]
        await stores.mail.delete_mailbox(account, (await stores.mailbox(account, "d")).mailbox_id)
        # The name is still there because of what is below it, and can be a mailbox again.
        await stores.mail.create_mailbox(account, name("d"), None)
        assert (await stores.mail.quota(account)).used.mailboxes == 4
