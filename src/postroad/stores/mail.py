"""What the core asks of the store of mailboxes and messages.

Each call is one transaction of one account (`transfer`: of two): all of it or none of it, durable
when it returns. Every call names its account; nothing is found without it.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from postroad.base.moments import Moment
from postroad.model.events import NewEvent
from postroad.model.ids import AccountId, EmailId, MailboxId, MailboxName, ModSeq, Uid
from postroad.model.labels import Held, LabelChange
from postroad.model.mailbox import (
    Appended,
    Column,
    Copied,
    DeliveryResult,
    FlagChange,
    Flags,
    Joined,
    LocalDelivery,
    Mailbox,
    MailboxChanges,
    MailboxCounts,
    NewEmail,
    Placements,
    Replaced,
    SpecialUse,
    Stored,
)
from postroad.model.queue import NewSubmission
from postroad.model.quota import Quota
from postroad.model.sharing import Rights, Side
from postroad.model.undelete import KeptMessage, RestoredMessage

Row = tuple[object, ...]


class MailStore(Protocol):
    """Mailboxes of accounts and the emails in them."""

    @abstractmethod
    async def mailboxes(self, account: AccountId) -> tuple[Mailbox, ...]:
        """All mailboxes, by name. An account that does not exist has none."""
        ...

    @abstractmethod
    async def find_mailbox(self, account: AccountId, name: MailboxName) -> Mailbox | None: ...

    @abstractmethod
    async def create_mailbox(
        self, account: AccountId, name: MailboxName, special_use: SpecialUse | None
    ) -> Mailbox:
        """Make a mailbox and those above it; one that is only \\Noselect becomes selectable.

        The UIDVALIDITY is larger than that of any mailbox the account ever had.
        Raises `AlreadyExists`, also for a special use that another mailbox has, and `TooMany`.
        """
        ...

    @abstractmethod
    async def delete_mailbox(self, account: AccountId, mailbox: MailboxId) -> None:
        """Remove a mailbox; its messages are kept as expunged ones.

        One that has children stays as \\Noselect; one that is \\Noselect already is refused.
        Raises `NotFound`, `InUse`.
        """
        ...

    @abstractmethod
    async def rename_mailbox(
        self, account: AccountId, source: MailboxName, target: MailboxName
    ) -> None:
        """Rename a mailbox and all below it, keeping UIDs; make what is above the target.

        INBOX moves its messages to a new mailbox `target` and stays (RFC 9051 section 6.3.6).
        Raises `NotFound`, `AlreadyExists`.
        """
        ...

    @abstractmethod
    async def subscriptions(self, account: AccountId) -> frozenset[MailboxName]:
        """Names the account subscribed to, whether or not such mailboxes exist."""
        ...

    @abstractmethod
    async def set_subscribed(
        self, account: AccountId, name: MailboxName, *, subscribed: bool
    ) -> None: ...

    @abstractmethod
    async def counts(
        self, account: AccountId, mailbox: MailboxId, viewer: AccountId | None = None
    ) -> MailboxCounts:
        """With `viewer`, here and below, \\Seen is what that person has seen, not the owner."""
        ...

    @abstractmethod
    async def placements(
        self, account: AccountId, mailbox: MailboxId, viewer: AccountId | None = None
    ) -> tuple[Mailbox, Placements]:
        """The whole mailbox at one moment. Raises `NotFound`."""
        ...

    @abstractmethod
    async def claim_recent(self, account: AccountId, mailbox: MailboxId, before: Uid) -> range:
        """The UIDs below `before` that nobody claimed yet; nobody else will get them.

        Raises `NotFound`.
        """
        ...

    @abstractmethod
    async def changes(
        self,
        account: AccountId,
        mailbox: MailboxId,
        since: ModSeq,
        viewer: AccountId | None = None,
    ) -> MailboxChanges:
        """What changed after `since`, and the mailbox as it is now. Raises `NotFound`."""
        ...

    @abstractmethod
    async def rows(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        columns: Sequence[Column],
    ) -> list[Row]:
        """`(uid, *columns)` of the messages that are still there, ascending by UID.

        Ask for at most a few thousand at once: it is one hop, and the result is in memory.
        """
        ...

    @abstractmethod
    async def octets_of(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        columns: Sequence[Column],
        emails: Sequence[EmailId] = (),
    ) -> tuple[Sequence[Uid], Joined | list[bytes]]:
        """The messages of `uids` that are still there, and of each the first column that is set.

        As `rows`, and in one step of the statement, for columns of octets. `uids` ascend and name
        no message twice. Where no column is set the octets are empty. Who knows from `placements`
        which email each of them is says so: it takes half the time of looking them up.
        """
        ...

    @abstractmethod
    async def append(
        self,
        account: AccountId,
        mailbox: MailboxId,
        emails: Sequence[tuple[NewEmail, Flags, frozenset[str]]],
        events: Sequence[NewEvent] = (),
        replaces: Replaced | None = None,
    ) -> Appended:
        """Put new emails into a mailbox, all or none.

        The message that they replace is expunged in the same step, whatever its flags, and what
        it took of the quota is free for them. A `delivery_id` that the account has already seen
        stores nothing; it gives the UID where the message lies now, or 0 when it was expunged
        since.
        Raises `NoSuchTarget`, `OverQuota`, `NotFound` (what is to be replaced).
        """
        ...

    @abstractmethod
    async def deliver(
        self,
        deliveries: Sequence[LocalDelivery],
        submissions: Sequence[tuple[AccountId, NewSubmission, Sequence[NewEvent]]] = (),
    ) -> list[DeliveryResult]:
        """Put mail into the mailboxes of several accounts, and what is forwarded into the queue.

        A delivery that was stored before is told as stored; a submission whose id is there stays.
        A result for each delivery, in order; one that is refused (no room, no account) does not
        touch the others.
        """
        ...

    @abstractmethod
    async def store_flags(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        change: FlagChange,
        unchanged_since: ModSeq | None = None,
        viewer: AccountId | None = None,
    ) -> Stored:
        """Change flags and keywords of those of `uids` that exist.

        Raises `NotFound`, `TooMany`.
        """
        ...

    @abstractmethod
    async def copy(
        self, account: AccountId, uids: Sequence[Uid], source: MailboxId, target: MailboxId
    ) -> Copied:
        """Raises `NotFound`, `NoSuchTarget`, `OverQuota`."""
        ...

    @abstractmethod
    async def move(
        self, account: AccountId, uids: Sequence[Uid], source: MailboxId, target: MailboxId
    ) -> Copied:
        """Move messages, also to the same mailbox (RFC 6851 section 3.3).

        Raises `NotFound`, `NoSuchTarget`.
        """
        ...

    @abstractmethod
    async def transfer(
        self, uids: Sequence[Uid], source: Side, target: Side, rights: Rights, *, keep: bool
    ) -> Copied:
        """Copy messages, or move them without `keep`, also from one account to another.

        Both must be people of one tenant. Of the flags those are kept that `rights` allow in the
        target. What leaves an account is kept there as an expunged message.
        Raises `NotFound`, `NoSuchTarget`, `OverQuota`, `TryLater`.
        """
        ...

    @abstractmethod
    async def expunge(
        self, account: AccountId, mailbox: MailboxId, uids: Sequence[Uid] | None
    ) -> Sequence[Uid]:
        """Remove the messages that carry \\Deleted, of `uids` only if given; return which.

        They are kept for undelete until `purge_expunged`. Raises `NotFound`.
        """
        ...

    @abstractmethod
    async def expunged(
        self,
        account: AccountId,
        limit: int,
        *,
        mailbox: MailboxName | None = None,
        since: Moment | None = None,
    ) -> list[KeptMessage]:
        """What can be restored, expunged last first.

        `mailbox` is the name that the mailbox had then; `since` is the first moment wanted.
        """
        ...

    @abstractmethod
    async def restore(
        self, account: AccountId, messages: Sequence[tuple[MailboxId, Uid]]
    ) -> list[RestoredMessage]:
        """Bring kept messages back, all or none, under new UIDs and without \\Deleted.

        Each goes to its old mailbox, or else to the one that has its name now, or else to INBOX,
        and counts to the quota again. What is not kept is left out; the rest is in the order of
        mailbox id and UID. Raises `NotFound`, `OverQuota`.
        """
        ...

    @abstractmethod
    async def held(self, account: AccountId, emails: Sequence[EmailId]) -> list[Held]:
        """Every placement of these emails, in order of email, mailbox and UID."""
        ...

    @abstractmethod
    async def relabel(
        self, account: AccountId, emails: Sequence[EmailId], change: LabelChange
    ) -> list[tuple[MailboxId, Sequence[Uid]]]:
        """Put emails into mailboxes and take them out of others; what goes is kept for undelete.

        Returns what came where.

        Raises `NotFound`, `NoSuchTarget`, `OverQuota`, `Invalid` where one would be nowhere.
        """
        ...

    @abstractmethod
    async def quota(self, account: AccountId) -> Quota:
        """What the account holds, and may hold. Raises `NotFound`."""
        ...

    @abstractmethod
    async def emails_after(
        self, account: AccountId, after: EmailId, limit: int
    ) -> list[tuple[EmailId, bytes, bytes, int]]:
        """`(email_id, blob_id, part_table, size)` in order of id: what an indexer has to read."""
        ...
