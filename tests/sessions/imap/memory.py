"""One person's mail on the stores in memory, with moments that a conversation can name."""

from collections.abc import Sequence
from dataclasses import replace

from postroad.adapters.memory.blobs import MemoryBlobStore
from postroad.adapters.memory.mail import Arrival, MemoryMailStore
from postroad.adapters.memory.state import Box, MemoryState, Owner, StoredEmail
from postroad.base.moments import Moment
from postroad.core.message.prepared import new_email
from postroad.formats.mime.prepare import prepare
from postroad.model.directory import Account, Role
from postroad.model.events import NewEvent
from postroad.model.ids import AccountId, MailboxId, TenantId
from postroad.model.mailbox import Appended, Flags, Replaced
from postroad.model.quota import QuotaLimits

NOW = Moment(1_700_000_000_000_000)
SAVED = Moment(1_700_090_000_000_000)  # a day later
ALICE = Account(
    AccountId(1), TenantId(1), "alice@example.org", "", Role.MEMBER, True, 1, False, None, NOW
)


class MemoryMail(MemoryMailStore):
    """The mail of `ALICE`, who has no mailbox yet."""

    def __init__(self) -> None:
        self.state = MemoryState(accounts={ALICE.account_id: ALICE})
        self.owner = self.state.owners[ALICE.account_id] = Owner(QuotaLimits())
        self.blobs = MemoryBlobStore()
        super().__init__(self.state)

    def box(self, name: str = "INBOX") -> Box:
        found = self.owner.box_named(name)
        assert found is not None
        return found

    async def put(self, mailbox: MailboxId, octets: bytes, flags: Flags = Flags.NONE) -> Appended:
        email = new_email(prepare(octets), await self.blobs.put([octets]), NOW, None)
        return await self.append(ALICE.account_id, mailbox, [(email, flags, frozenset())])

    def age_rows(self) -> None:
        """The rows so far become as old versions wrote them: of the headers they keep nothing."""
        emails = self.owner.emails
        for email_id, email in emails.items():
            bare = replace(email.new.prepared, header_fields=None, origin=b"")
            emails[email_id] = StoredEmail(
                email_id, email.thread_id, replace(email.new, prepared=bare)
            )
        for box in self.owner.boxes.values():
            for placed in box.placed.values():
                placed.email = emails[placed.email.email_id]

    def forget_changes(self) -> None:
        """What changed so far is too old to be told."""
        for box in self.owner.boxes.values():
            box.oldest_known_mod_seq = box.mod_seq

    async def append(
        self,
        account: AccountId,
        mailbox: MailboxId,
        emails: Sequence[Arrival],
        events: Sequence[NewEvent] = (),
        replaces: Replaced | None = None,
    ) -> Appended:
        done = await super().append(account, mailbox, emails, events, replaces)
        for uid in done.uids:
            self.owner.boxes[mailbox].placed[uid].saved_at = SAVED
        return done
