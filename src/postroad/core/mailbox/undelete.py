"""Undelete: expunged messages are kept for a while, and come back under new UIDs."""

from collections.abc import Sequence

from postroad.base.moments import Moment
from postroad.model.ids import AccountId, MailboxId, MailboxName, Uid
from postroad.model.undelete import KeptMessage, RestoredMessage
from postroad.ports.bus import Bus
from postroad.stores.mail import MailStore

_SLICE = 500


class Undelete:
    """For one account at a time; the caller has proven that it may act for it."""

    def __init__(self, store: MailStore, bus: Bus) -> None:
        self._store = store
        self._bus = bus

    async def kept(
        self,
        account: AccountId,
        limit: int,
        *,
        mailbox: MailboxName | None = None,
        since: Moment | None = None,
    ) -> list[KeptMessage]:
        """What can be restored, expunged last first."""
        return await self._store.expunged(account, limit, mailbox=mailbox, since=since)

    async def restore(
        self, account: AccountId, messages: Sequence[tuple[MailboxId, Uid]]
    ) -> list[RestoredMessage]:
        """Bring messages back, in slices where there are many.

        What is not kept any more is left out. Raises `NotFound` (no account), `OverQuota`: then
        the slices before it are restored, and nothing else is lost.
        """
        restored: list[RestoredMessage] = []
        for start in range(0, len(messages), _SLICE):
            restored += await self._store.restore(account, messages[start : start + _SLICE])
            self._bus.announce(account)
        return restored

    async def restore_since(
        self, account: AccountId, since: Moment, *, mailbox: MailboxName | None = None
    ) -> list[RestoredMessage]:
        """Everything that was expunged since a moment, last first; raises as `restore`."""
        restored: list[RestoredMessage] = []
        while found := await self.kept(account, _SLICE, mailbox=mailbox, since=since):
            places = [(one.mailbox_id, one.uid) for one in found]
            done = await self.restore(account, places)
            restored += done
            if not done:
                break
        return restored
