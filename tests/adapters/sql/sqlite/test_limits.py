"""The limits that the SQL stores set themselves."""

import pytest

from postroad.adapters.sql.mail import mailboxes, reading
from postroad.base.errors import TooMany
from postroad.model.ids import MailboxName
from stores.making import Stores, arrival


async def test_mailboxes_have_a_limit(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailboxes, "MAX_MAILBOXES", 4)
    account = await stores.account()
    with pytest.raises(TooMany):
        await stores.mail.create_mailbox(account, MailboxName("a/b/c"), None)
    assert len(await stores.mail.mailboxes(account)) == 2, "none of its parents is left either"
    await stores.mail.create_mailbox(account, MailboxName("a/b"), None)
    with pytest.raises(TooMany):
        await stores.mail.create_mailbox(account, MailboxName("c"), None)


async def test_too_many_changes_are_not_listed(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_MAX_CHANGED", 10)
    account = await stores.account()
    inbox = await stores.mailbox(account)
    for count, complete in ((10, True), (1, False)):
        await stores.mail.append(account, inbox.mailbox_id, [arrival() for _ in range(count)])
        changes = await stores.mail.changes(account, inbox.mailbox_id, inbox.mod_seq)
        assert changes.complete == complete
        assert list(changes.placed.uids) == (list(range(1, 11)) if complete else [])
