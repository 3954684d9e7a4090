"""What every store must do with mail seen from the emails: where they are, and elsewhere."""

from collections.abc import Sequence

import pytest

from postroad.base.errors import Invalid, NoSuchTarget, NotFound, OverQuota
from postroad.model.ids import AccountId, EmailId, MailboxId, MailboxName, Uid
from postroad.model.labels import Held, LabelChange
from postroad.model.mailbox import Flags
from postroad.model.quota import QuotaLimits
from stores.making import Stores, arrival, uids_of


def change(
    *,
    add: Sequence[MailboxId] = (),
    remove: Sequence[MailboxId] = (),
    rest: MailboxId | None = None,
) -> LabelChange:
    return LabelChange(frozenset(add), frozenset(remove), rest)


class LabelContract:
    async def _three(
        self, stores: Stores
    ) -> tuple[AccountId, MailboxId, MailboxId, MailboxId, list[EmailId]]:
        account = await stores.account()
        a = (await stores.mailbox(account)).mailbox_id
        b = (await stores.mailbox(account, "Sent")).mailbox_id
        c = (await stores.mail.create_mailbox(account, MailboxName("c"), None)).mailbox_id
        done = await stores.mail.append(account, a, [arrival(), arrival()])
        return account, a, b, c, list(done.email_ids)

    async def _uids(
        self, stores: Stores, account: AccountId, *mailboxes: MailboxId
    ) -> list[list[int]]:
        return [uids_of(await stores.messages(account, mailbox)) for mailbox in mailboxes]

    async def test_held(self, stores: Stores) -> None:
        account, a, b, _, (one, two) = await self._three(stores)
        await stores.mail.copy(account, [Uid(2)], a, b)
        assert await stores.mail.held(account, [two, one, EmailId(999)]) == [
            Held(one, a, Uid(1), Flags.NONE),
            Held(two, a, Uid(2), Flags.NONE),
            Held(two, b, Uid(1), Flags.NONE),
        ]
        assert await stores.mail.held(account, []) == []
        assert await stores.mail.held(await stores.account("bob"), [one]) == []

    async def test_added_and_removed(self, stores: Stores) -> None:
        account, a, b, c, emails = await self._three(stores)
        await stores.mail.relabel(account, emails, change(add=[b, c]))
        assert await self._uids(stores, account, a, b, c) == [[1, 2], [1, 2], [1, 2]]
        await stores.mail.relabel(account, emails, change(add=[a, b]))  # there already
        assert await self._uids(stores, account, a, b, c) == [[1, 2], [1, 2], [1, 2]]
        await stores.mail.relabel(account, emails[:1], change(remove=[a, c]))
        assert await self._uids(stores, account, a, b, c) == [[2], [1, 2], [2]]
        assert len(await stores.mail.expunged(account, 10)) == 2
        assert (await stores.mail.quota(account)).used.messages == 4

    async def test_what_would_be_nowhere_goes_to_the_rest(self, stores: Stores) -> None:
        account, a, b, c, emails = await self._three(stores)
        await stores.mail.copy(account, [Uid(1)], a, b)
        await stores.mail.relabel(account, emails, change(remove=[a], rest=c))
        assert await self._uids(stores, account, a, b, c) == [[], [1], [1]]
        with pytest.raises(Invalid):
            await stores.mail.relabel(account, emails, change(remove=[b, c], rest=c))
        with pytest.raises(Invalid):
            await stores.mail.relabel(account, emails, change(remove=[b, c]))
        assert await self._uids(stores, account, a, b, c) == [[], [1], [1]]

    async def test_a_change_of_labels_needs_no_room(self, stores: Stores) -> None:
        account, a, b, c, emails = await self._three(stores)
        await stores.directory.set_account_quota(account, QuotaLimits(200, 2))
        await stores.mail.relabel(account, emails, change(add=[b], remove=[a]))
        assert await self._uids(stores, account, a, b) == [[], [1, 2]]
        with pytest.raises(OverQuota):
            await stores.mail.relabel(account, emails, change(add=[a, c]))
        assert await self._uids(stores, account, a, b, c) == [[], [1, 2], []]
        await stores.mail.relabel(account, emails, change(remove=[b], rest=c))
        assert await self._uids(stores, account, b, c) == [[], [1, 2]]

    async def test_twice_in_one_mailbox(self, stores: Stores) -> None:
        account, a, b, _, emails = await self._three(stores)
        await stores.mail.copy(account, [Uid(1)], a, a)
        await stores.mail.relabel(account, emails[:1], change(add=[b], remove=[a]))
        assert await self._uids(stores, account, a, b) == [[2], [1]]

    async def test_targets_must_be_there(self, stores: Stores) -> None:
        account, _, _, _, emails = await self._three(stores)
        with pytest.raises(NoSuchTarget):
            await stores.mail.relabel(account, emails, change(add=[MailboxId(999)]))
        with pytest.raises(NotFound):
            await stores.mail.relabel(AccountId(999), emails, change())
