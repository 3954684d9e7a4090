"""What every store must do with keys that authorize URLs (RFC 4467)."""

import pytest

from postroad.base.errors import NotFound
from postroad.model.directory import Account
from postroad.model.ids import MailboxId
from postroad.model.sharing import Viewer
from stores.making import Stores

ONE, TWO = b"1" * 16, b"2" * 16


def of(account: Account) -> Viewer:
    return Viewer(account.account_id, account.tenant_id)


class UrlKeyContract:
    async def test_the_first_key_stays_until_it_is_replaced(self, stores: Stores) -> None:
        alice = await stores.person()
        inbox = (await stores.mailbox(alice.account_id)).mailbox_id
        sent = (await stores.mailbox(alice.account_id, "Sent")).mailbox_id
        about = (of(alice), alice.account_id, inbox)
        assert await stores.url_keys.find(*about) is None
        assert await stores.url_keys.keep(*about, ONE) == ONE
        assert await stores.url_keys.keep(*about, TWO) == ONE
        assert await stores.url_keys.find(*about) == ONE
        assert await stores.url_keys.find(of(alice), alice.account_id, sent) is None
        await stores.url_keys.replace(*about, TWO)
        assert await stores.url_keys.find(*about) == TWO

    async def test_each_viewer_has_keys_of_their_own(self, stores: Stores) -> None:
        alice, bob = await stores.person("alice"), await stores.person("bob")
        inbox = (await stores.mailbox(alice.account_id)).mailbox_id
        for viewer, secret in ((alice, ONE), (bob, TWO)):
            await stores.url_keys.keep(of(viewer), alice.account_id, inbox, secret)
        await stores.url_keys.forget(of(alice))
        assert await stores.url_keys.find(of(alice), alice.account_id, inbox) is None
        assert await stores.url_keys.find(of(bob), alice.account_id, inbox) == TWO
        await stores.directory.delete_account(bob.account_id)
        assert await stores.url_keys.find(of(bob), alice.account_id, inbox) is None

    async def test_they_go_with_the_mailbox(self, stores: Stores) -> None:
        alice = await stores.person()
        sent = (await stores.mailbox(alice.account_id, "Sent")).mailbox_id
        await stores.url_keys.keep(of(alice), alice.account_id, sent, ONE)
        await stores.mail.delete_mailbox(alice.account_id, sent)
        assert await stores.url_keys.find(of(alice), alice.account_id, sent) is None

    async def test_there_must_be_a_mailbox_of_the_tenant(self, stores: Stores) -> None:
        alice = await stores.person()
        inbox = (await stores.mailbox(alice.account_id)).mailbox_id
        tenant = await stores.tenant("others", "others.test")
        eve = Viewer(alice.account_id, tenant)
        for viewer, mailbox in ((of(alice), MailboxId(4711)), (eve, inbox)):
            for write in (stores.url_keys.keep, stores.url_keys.replace):
                with pytest.raises(NotFound):
                    await write(viewer, alice.account_id, mailbox, ONE)
