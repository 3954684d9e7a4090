"""\\Recent (RFC 3501 section 2.3.2): which session is the first to be told of a message."""

import logging
from collections import OrderedDict

from postroad.base.errors import MailError
from postroad.model.ids import AccountId, MailboxId
from postroad.model.mailbox import Mailbox
from postroad.stores.mail import MailStore

_KEPT = 10_000

log = logging.getLogger(__name__)


class Recents:
    """Gives each new message to one session; the store decides between processes."""

    def __init__(self, store: MailStore) -> None:
        self._store = store
        # Up to which UID this process asked already: of a thousand sessions that hear of a new
        # message at once, one asks the store.
        self._asked: OrderedDict[tuple[AccountId, MailboxId], int] = OrderedDict()

    async def claim(self, owner: AccountId, mailbox: Mailbox) -> range:
        """The UIDs that the caller's session is the first to be told of; often none."""
        key = owner, mailbox.mailbox_id
        if mailbox.first_recent >= mailbox.uid_next:
            return range(0)
        if self._asked.get(key, 0) >= mailbox.uid_next:
            return range(0)
        before = self._asked.pop(key, 0)
        self._asked[key] = mailbox.uid_next
        while len(self._asked) > _KEPT:
            self._asked.popitem(last=False)
        try:
            return await self._store.claim_recent(owner, mailbox.mailbox_id, mailbox.uid_next)
        except MailError as error:
            # It is only a hint for the user: the mailbox opens without it.
            log.warning("no recent messages", extra={"account": owner, "why": str(error)})
            self._asked[key] = before
            return range(0)
