"""The limit of mailboxes in memory."""

import pytest

from postroad.adapters.memory import mailboxes
from postroad.base.errors import TooMany
from postroad.model.ids import MailboxName
from stores.making import Stores


async def test_mailboxes_have_a_limit(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailboxes, "MAX_MAILBOXES", 4)
    account = await stores.account()
    with pytest.raises(TooMany):
        await stores.mail.create_mailbox(account, MailboxName("a/b/c"), None)
    assert len(await stores.mail.mailboxes(account)) == 2
    await stores.mail.create_mailbox(account, MailboxName("a/b"), None)
