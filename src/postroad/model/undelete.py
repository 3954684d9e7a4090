"""Messages that were expunged and are still kept, and what became of those brought back."""

from dataclasses import dataclass

from postroad.base.moments import Moment
from postroad.model.ids import EmailId, MailboxId, MailboxName, Uid
from postroad.model.mailbox import Flags


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """A message that was expunged, or was in a mailbox that was deleted.

    The old place, mailbox id and UID, names it: neither is ever given out again.
    """

    mailbox_id: MailboxId
    uid: Uid
    mailbox: MailboxName  # what the mailbox was called when the message went
    email_id: EmailId
    expunged_at: Moment
    flags: Flags
    keywords: frozenset[str]
    size: int
    internal_date: Moment
    subject: str  # the base subject of RFC 5256 section 2.1
    preview: str


@dataclass(frozen=True, slots=True)
class RestoredMessage:
    """Where a kept message was and where it lies now, under a UID of its own."""

    mailbox_id: MailboxId
    uid: Uid
    target: MailboxName
    new_uid: Uid
