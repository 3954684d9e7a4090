"""The stores of mail, as operations on an engine."""

from collections.abc import Sequence

from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.events import add_events
from postroad.adapters.sql.mail import (
    arriving,
    flags,
    giving,
    labelling,
    mailboxes,
    moving,
    reading,
    undeleting,
    viewing,
    virtualmail,
)
from postroad.adapters.sql.queue.submitting import add_submission, find
from postroad.adapters.sql.statement import Row, Steps
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
from postroad.model.sharing import ALL_RIGHTS, Rights, Side
from postroad.model.undelete import KeptMessage, RestoredMessage
from postroad.model.virtual import is_virtual
from postroad.stores.mail import MailStore

Forward = tuple[AccountId, NewSubmission, Sequence[NewEvent]]


class SqlMailStore(MailStore):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def mailboxes(self, account: AccountId) -> tuple[Mailbox, ...]:
        return await self._engine.read(lambda: mailboxes.all_mailboxes(account))

    async def find_mailbox(self, account: AccountId, name: MailboxName) -> Mailbox | None:
        return await self._engine.read(lambda: mailboxes.find(account, name))

    async def create_mailbox(
        self, account: AccountId, name: MailboxName, special_use: SpecialUse | None
    ) -> Mailbox:
        return await self._engine.write(lambda: mailboxes.create(account, name, special_use))

    async def delete_mailbox(self, account: AccountId, mailbox: MailboxId) -> None:
        await self._engine.write(lambda: mailboxes.delete(account, mailbox))

    async def rename_mailbox(
        self, account: AccountId, source: MailboxName, target: MailboxName
    ) -> None:
        if source == "INBOX":
            await self._engine.write(lambda: moving.rename_inbox(account, target))
        else:
            await self._engine.write(lambda: mailboxes.rename_tree(account, source, target))

    async def subscriptions(self, account: AccountId) -> frozenset[MailboxName]:
        return await self._engine.read(lambda: mailboxes.subscriptions(account))

    async def set_subscribed(
        self, account: AccountId, name: MailboxName, *, subscribed: bool
    ) -> None:
        await self._engine.write(
            lambda: mailboxes.set_subscribed(account, name, subscribed=subscribed)
        )

    async def counts(
        self, account: AccountId, mailbox: MailboxId, viewer: AccountId | None = None
    ) -> MailboxCounts:
        if is_virtual(mailbox):
            return await self._engine.read(lambda: virtualmail.counts(account, mailbox))
        if viewer is not None:
            return await self._engine.read(lambda: viewing.counts(account, mailbox, viewer))
        return await self._engine.read(lambda: mailboxes.counts(account, mailbox))

    async def placements(
        self, account: AccountId, mailbox: MailboxId, viewer: AccountId | None = None
    ) -> tuple[Mailbox, Placements]:
        if is_virtual(mailbox):
            return await self._engine.read(lambda: virtualmail.placements(account, mailbox))
        if viewer is not None:
            return await self._engine.read(lambda: viewing.placements(account, mailbox, viewer))
        return await self._engine.read(lambda: reading.placements(account, mailbox))

    async def claim_recent(self, account: AccountId, mailbox: MailboxId, before: Uid) -> range:
        return await self._engine.write(lambda: mailboxes.claim_recent(account, mailbox, before))

    async def changes(
        self,
        account: AccountId,
        mailbox: MailboxId,
        since: ModSeq,
        viewer: AccountId | None = None,
    ) -> MailboxChanges:
        if is_virtual(mailbox):
            return await self._engine.read(lambda: virtualmail.changes(account, mailbox, since))
        if viewer is not None:
            return await self._engine.read(
                lambda: viewing.changes(account, mailbox, since, viewer)
            )
        return await self._engine.read(lambda: reading.changes(account, mailbox, since))

    async def rows(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        columns: Sequence[Column],
    ) -> list[Row]:
        rows_of = virtualmail.rows_of if is_virtual(mailbox) else reading.rows_of
        return await self._engine.read(lambda: rows_of(account, mailbox, uids, columns))

    async def octets_of(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        columns: Sequence[Column],
        emails: Sequence[EmailId] = (),
    ) -> tuple[Sequence[Uid], Joined | list[bytes]]:
        if is_virtual(mailbox):
            return await self._engine.read(
                lambda: virtualmail.octets_of(account, mailbox, uids, columns)
            )
        return await self._engine.read(
            lambda: reading.octets_of(account, mailbox, uids, columns, emails)
        )

    async def append(
        self,
        account: AccountId,
        mailbox: MailboxId,
        emails: Sequence[tuple[NewEmail, Flags, frozenset[str]]],
        events: Sequence[NewEvent] = (),
        replaces: Replaced | None = None,
    ) -> Appended:
        def operation() -> Steps[Appended]:
            if replaces is not None:
                message = replaces
                if is_virtual(message.mailbox_id):
                    message = yield from virtualmail.real(message)
                yield from moving.replace(account, message)
            return (yield from arriving.append(account, mailbox, emails, events))

        return await self._engine.write(operation)

    async def deliver(
        self, deliveries: Sequence[LocalDelivery], submissions: Sequence[Forward] = ()
    ) -> list[DeliveryResult]:
        def operation() -> Steps[list[DeliveryResult]]:
            for owner, submission, events in submissions:
                if (yield from find(owner, submission.submission_id)) is None:
                    yield from add_submission(owner, submission)
                    yield from add_events(owner, events)
            return (yield from arriving.deliver(deliveries))

        return await self._engine.write(operation)

    async def store_flags(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        change: FlagChange,
        unchanged_since: ModSeq | None = None,
        viewer: AccountId | None = None,
    ) -> Stored:
        if is_virtual(mailbox):
            return await self._engine.write(
                lambda: virtualmail.store_flags(account, mailbox, uids, change, unchanged_since)
            )
        if viewer is not None:
            return await self._engine.write(
                lambda: viewing.store_flags(
                    account, mailbox, uids, change, unchanged_since, viewer
                )
            )
        return await self._engine.write(
            lambda: flags.store_flags(account, mailbox, uids, change, unchanged_since)
        )

    async def copy(
        self, account: AccountId, uids: Sequence[Uid], source: MailboxId, target: MailboxId
    ) -> Copied:
        if is_virtual(source):
            sides = Side(account, source), Side(account, target)
            return await self.transfer(uids, *sides, ALL_RIGHTS, keep=True)
        return await self._engine.write(lambda: moving.copy(account, uids, source, target))

    async def move(
        self, account: AccountId, uids: Sequence[Uid], source: MailboxId, target: MailboxId
    ) -> Copied:
        if is_virtual(source):
            sides = Side(account, source), Side(account, target)
            return await self.transfer(uids, *sides, ALL_RIGHTS, keep=False)
        return await self._engine.write(lambda: moving.move(account, uids, source, target))

    async def transfer(
        self, uids: Sequence[Uid], source: Side, target: Side, rights: Rights, *, keep: bool
    ) -> Copied:
        act = virtualmail.transfer if is_virtual(source.mailbox) else giving.transfer
        return await self._engine.write(lambda: act(uids, source, target, rights, keep=keep))

    async def expunge(
        self, account: AccountId, mailbox: MailboxId, uids: Sequence[Uid] | None
    ) -> Sequence[Uid]:
        act = virtualmail.expunge if is_virtual(mailbox) else moving.expunge
        return await self._engine.write(lambda: act(account, mailbox, uids))

    async def expunged(
        self,
        account: AccountId,
        limit: int,
        *,
        mailbox: MailboxName | None = None,
        since: Moment | None = None,
    ) -> list[KeptMessage]:
        return await self._engine.read(lambda: undeleting.kept(account, limit, mailbox, since))

    async def restore(
        self, account: AccountId, messages: Sequence[tuple[MailboxId, Uid]]
    ) -> list[RestoredMessage]:
        return await self._engine.write(lambda: undeleting.restore(account, messages))

    async def held(self, account: AccountId, emails: Sequence[EmailId]) -> list[Held]:
        return await self._engine.read(lambda: labelling.held(account, emails))

    async def relabel(
        self, account: AccountId, emails: Sequence[EmailId], change: LabelChange
    ) -> list[tuple[MailboxId, Sequence[Uid]]]:
        return await self._engine.write(lambda: labelling.relabel(account, emails, change))

    async def quota(self, account: AccountId) -> Quota:
        return await self._engine.read(lambda: reading.quota(account))

    async def emails_after(
        self, account: AccountId, after: EmailId, limit: int
    ) -> list[tuple[EmailId, bytes, bytes, int]]:
        return await self._engine.read(lambda: reading.emails_after(account, after, limit))
