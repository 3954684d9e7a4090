"""What a mailbox and the messages in it are, for every protocol alike."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntFlag

from postroad.base.moments import Moment
from postroad.model.events import NewEvent
from postroad.model.ids import (
    AccountId,
    BlobId,
    EmailId,
    MailboxId,
    MailboxName,
    ModSeq,
    Uid,
    UidValidity,
)

_FIRST = Uid(1)


class Flags(IntFlag):
    """The system flags (RFC 9051 section 2.3.2), as the store keeps them."""

    NONE = 0
    SEEN = 1
    ANSWERED = 2
    FLAGGED = 4
    DELETED = 8
    DRAFT = 16


class SpecialUse(Enum):
    """What a mailbox is for (RFC 6154 section 2, RFC 8457)."""

    ALL = "\\All"
    ARCHIVE = "\\Archive"
    DRAFTS = "\\Drafts"
    FLAGGED = "\\Flagged"
    IMPORTANT = "\\Important"
    JUNK = "\\Junk"
    SENT = "\\Sent"
    TRASH = "\\Trash"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox as its row says at one moment."""

    mailbox_id: MailboxId
    name: MailboxName
    special_use: SpecialUse | None
    uid_validity: UidValidity
    uid_next: Uid
    mod_seq: ModSeq  # HIGHESTMODSEQ (RFC 7162 section 3.1.2.1)
    oldest_known_mod_seq: ModSeq  # changes before it are forgotten
    messages: int
    octets: int
    selectable: bool  # False: \Noselect, only there because of its children
    first_recent: Uid = _FIRST  # no session was told of messages from here on


@dataclass(frozen=True, slots=True)
class MailboxCounts:
    """What STATUS tells beyond the row (RFC 9051 section 6.3.11)."""

    unseen: int
    deleted: int


Combination = tuple[int, str]
"""Flags, and keywords parted by spaces, sorted."""


@dataclass(frozen=True, slots=True)
class Placements:
    """Messages in a mailbox, ascending by UID, as parallel columns.

    `looks[i]` is an index into `combinations`: the flags and keywords of message i. Few
    combinations serve many messages, so a message costs 24 octets.
    """

    uids: "array[int]"  # type code I
    email_ids: "array[int]"  # type code Q
    looks: "array[int]"  # type code I
    mod_seqs: "array[int]"  # type code Q
    combinations: tuple[Combination, ...]


@dataclass(frozen=True, slots=True)
class MailboxChanges:
    """What happened in a mailbox after a given mod_seq, folded into its end result."""

    mailbox: Mailbox  # as it is now
    expunged: "array[int]"  # UIDs that are gone, ascending; may name some the asker never saw
    placed: Placements  # messages that came, or whose flags changed
    complete: bool  # False: too old, the whole mailbox must be read again


class FlagAction(Enum):
    REPLACE = "replace"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class FlagChange:
    """What a STORE asks for (RFC 9051 section 6.4.6).

    REPLACE leaves the flags in `keeps` as they are, and with `keeps_keywords` the keywords.
    """

    action: FlagAction
    flags: Flags
    keywords: frozenset[str]
    keeps: Flags = Flags.NONE
    keeps_keywords: bool = False

    def replaced(self, flags: int) -> int:
        """The system flags after REPLACE."""
        return int(flags & self.keeps | self.flags & ~self.keeps)


@dataclass(frozen=True, slots=True)
class Stored:
    """The result of a flag change. A change of nothing takes no mod_seq: `changed` is empty."""

    mod_seq: ModSeq
    changed: Sequence[Uid]  # whose flags differ from before, ascending
    modified: Sequence[Uid]  # refused because of UNCHANGEDSINCE (RFC 7162 section 3.1.3)
    before: ModSeq | None = None
    """The mailbox's own just before, so that nothing else lies between; None if that is not so."""
    became: Mapping[Combination, Combination] = field(default_factory=dict)
    """What combinations of `changed` became, where it is one commit and `before` is told."""


@dataclass(frozen=True, slots=True)
class Copied:
    """Where messages went: `source[i]` became `target[i]`; what was gone is left out."""

    uid_validity: UidValidity
    source: Sequence[Uid]
    target: Sequence[Uid]


@dataclass(frozen=True, slots=True)
class Replaced:
    """A message that goes when another takes its place (RFC 8508)."""

    account: AccountId
    mailbox_id: MailboxId
    uid: Uid


@dataclass(frozen=True, slots=True)
class Appended:
    uid_validity: UidValidity
    uids: Sequence[Uid]
    email_ids: Sequence[EmailId]


class Column(Enum):
    """A column of an email's row that FETCH, SEARCH or SORT may ask for."""

    EMAIL_ID = "email_id"
    THREAD_ID = "thread_id"
    BLOB_ID = "blob_id"
    SIZE = "size"
    INTERNAL_DATE = "internal_date"  # Moment
    SENT_AT = "sent_at"  # Moment or None
    SENT_ON = "sent_on"  # the day in Date, time zone set aside: ordinal as in datetime, or None
    SAVED_AT = "saved_at"  # Moment
    ENVELOPE = "envelope"  # octets
    ENVELOPE_UTF8 = "envelope_utf8"  # octets, or None where ENVELOPE serves
    BODY = "body"  # octets
    BODY_STRUCTURE = "body_structure"  # octets
    BODY_STRUCTURE_UTF8 = "body_structure_utf8"  # octets, or None
    PART_TABLE = "part_table"  # octets, see formats.mime.parttable
    PREVIEW = "preview"  # text
    SUBJECT_BASE = "subject_base"
    SORT_FROM = "sort_from"
    SORT_TO = "sort_to"
    SORT_CC = "sort_cc"
    # Of emails that came before these were kept, and of others where it says so, None:
    HEADER_FIELDS = "header_fields"  # octets, see formats.mime.listfields; None: too many
    ORIGIN = "origin"  # octets, see formats.mime.origin


@dataclass(frozen=True, slots=True)
class Joined:
    """The octets of `count` messages in one, with a NUL between two; none has one itself."""

    octets: bytes
    count: int

    @classmethod
    def of(cls, octets: bytes, count: int) -> "Joined | None":
        """None where some of them have a NUL."""
        between = len(octets) - len(octets.replace(b"\0", b""))  # a tenth of what count() takes
        return cls(octets, count) if between == count - 1 else None

    def split(self) -> list[bytes]:
        return self.octets.split(b"\0")


@dataclass(frozen=True, slots=True)
class BlobRange:
    """Octets `start` to `end` (not included) of a blob."""

    blob_id: BlobId
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NewEmail:
    """A message that is durable in the blob store and shall be put into mailboxes.

    Everything here was computed once, at arrival (DESIGN.md section 4).
    """

    blob_id: BlobId
    size: int
    internal_date: Moment
    prepared: "PreparedEmail"
    delivery_id: str | None = None  # the same delivery_id twice for an account stores once


@dataclass(frozen=True, slots=True)
class PreparedEmail:
    """The octets and keys that a row keeps so that no message is parsed twice."""

    version: int
    envelope: bytes
    envelope_utf8: bytes | None
    body: bytes
    body_structure: bytes
    body_structure_utf8: bytes | None
    part_table: bytes
    preview: str
    sent_at: Moment | None
    sent_on: int | None  # the proleptic ordinal of the day that Date names
    subject_base: str
    sort_from: str
    sort_to: str
    sort_cc: str
    thread_keys: tuple[int, ...]  # signed 64-bit hashes; messages that share one share a thread
    header_fields: bytes | None
    origin: bytes


@dataclass(frozen=True, slots=True)
class LocalDelivery:
    """An email for one account's mailbox; `mailbox` that is not there means INBOX.

    Unless it `makes` it: then the mailbox is made, and subscribed to.
    """

    account: AccountId
    mailbox: MailboxName
    email: NewEmail
    flags: Flags
    keywords: frozenset[str]
    events: tuple[NewEvent, ...]
    makes: bool = False


class Refusal(Enum):
    OVER_QUOTA = "over quota"
    NO_ACCOUNT = "no such account"


@dataclass(frozen=True, slots=True)
class Delivered:
    uid: Uid
    email_id: EmailId
    again: bool  # stored before, by the same delivery_id


DeliveryResult = Delivered | Refusal
