"""What the stores in memory share: plain dicts, changed by one task at a time.

A store's method never waits, so each is atomic as long as it refuses before it changes anything.
Where the SQL stores count and record, this computes: it is the reference they are held against.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from postroad.base.errors import NotFound, TryLater
from postroad.base.identifiers import minted_at_milliseconds
from postroad.base.moments import Moment
from postroad.model.directory import Account, Alias, ApiKey, Credential, DkimKey, Domain, Tenant
from postroad.model.events import Event, NewEvent
from postroad.model.ids import (
    AccountId,
    BlobId,
    EmailId,
    MailboxId,
    MailboxName,
    ModSeq,
    SubmissionId,
    TenantId,
    ThreadId,
    Uid,
    UidValidity,
)
from postroad.model.mailbox import Mailbox, NewEmail, SpecialUse
from postroad.model.nodes import Node
from postroad.model.queue import FINAL_STATES, NewSubmission, RecipientState
from postroad.model.quota import Quota, QuotaLimits, Usage
from postroad.model.sharing import Identifier, Rights
from postroad.model.virtual import NewVirtual

RESERVED_MILLISECONDS = 24 * 3600 * 1000
_FIRST = ModSeq(1)


def now() -> Moment:
    return Moment(time.time_ns() // 1000)


@dataclass(slots=True)
class StoredEmail:
    email_id: EmailId
    thread_id: ThreadId
    new: NewEmail


@dataclass(slots=True)
class Placed:
    email: StoredEmail
    flags: int
    keywords: frozenset[str]
    mod_seq: ModSeq
    saved_at: Moment


@dataclass(frozen=True, slots=True)
class Kept:
    """An expunged message with the place that it had."""

    at: Moment
    mailbox_id: MailboxId
    mailbox: MailboxName
    uid: int
    placed: Placed


Notes = dict[AccountId | None, dict[str, bytes]]
"""Annotations by name, of each viewer; None: shared ones."""


@dataclass(slots=True)
class Box:
    """A mailbox. `placed` ascends by UID, because UIDs are only ever added at its end."""

    mailbox_id: MailboxId
    name: MailboxName
    special_use: SpecialUse | None
    uid_validity: UidValidity
    mod_seq: ModSeq
    oldest_known_mod_seq: ModSeq
    uid_next: int = 1
    first_recent: int = 1
    selectable: bool = True
    placed: dict[int, Placed] = field(default_factory=dict)
    gone: dict[int, ModSeq] = field(default_factory=dict)  # UIDs, and when they went
    log: list[tuple[ModSeq, Moment]] = field(default_factory=list)  # when which change was made
    acl: dict[tuple[Identifier, bool], Rights] = field(default_factory=dict)  # bool: negative
    notes: Notes = field(default_factory=dict)
    url_keys: dict[AccountId, bytes] = field(default_factory=dict)
    # By viewer and UID: whether it is seen, and since which mod_seq.
    marks: dict[AccountId, dict[int, tuple[bool, ModSeq]]] = field(default_factory=dict)

    @property
    def octets(self) -> int:
        return sum(placed.email.new.size for placed in self.placed.values())

    def touch(self, mod_seq: ModSeq) -> None:
        self.mod_seq = mod_seq
        self.log.append((mod_seq, now()))

    def value(self) -> Mailbox:
        return Mailbox(
            self.mailbox_id,
            self.name,
            self.special_use,
            self.uid_validity,
            Uid(self.uid_next),
            self.mod_seq,
            self.oldest_known_mod_seq,
            len(self.placed),
            self.octets,
            self.selectable,
            Uid(self.first_recent),
        )


@dataclass(slots=True)
class VirtualBox:
    """A virtual mailbox; `placed` says by UID where the message is, and since when it looks so."""

    virtual_id: MailboxId
    new: NewVirtual
    uid_validity: UidValidity
    mod_seq: ModSeq
    oldest_known_mod_seq: ModSeq
    uid_next: int = 1
    folded: ModSeq = ModSeq(0)  # noqa: RUF009  # a number
    scope: frozenset[MailboxId] = frozenset()
    placed: dict[int, tuple[MailboxId, int, ModSeq]] = field(default_factory=dict)
    gone: dict[int, ModSeq] = field(default_factory=dict)
    log: list[tuple[ModSeq, Moment]] = field(default_factory=list)


@dataclass(slots=True)
class Owner:
    """What one account has."""

    limits: QuotaLimits
    mod_seq: ModSeq = field(default=_FIRST)
    last_id: int = 0
    last_uid_validity: int = 0
    boxes: dict[MailboxId, Box] = field(default_factory=dict)
    subscriptions: set[MailboxName] = field(default_factory=set)
    emails: dict[EmailId, StoredEmail] = field(default_factory=dict)
    threads: dict[int, ThreadId] = field(default_factory=dict)
    expunged: list[Kept] = field(default_factory=list)
    virtual: dict[MailboxId, VirtualBox] = field(default_factory=dict)
    notes: Notes = field(default_factory=dict)  # of the server
    # Whose annotation of what changed when; None: the server's, and shared ones.
    annotated: list[tuple[ModSeq, MailboxId | None, AccountId | None, str]] = field(
        default_factory=list
    )

    @property
    def used_octets(self) -> int:
        return sum(box.octets for box in self.boxes.values())

    @property
    def quota(self) -> Quota:
        messages = sum(len(box.placed) for box in self.boxes.values())
        return Quota(Usage(self.used_octets, messages, len(self.boxes)), self.limits)

    def has_room(self, octets: int, messages: int) -> bool:
        return self.quota.has_room(octets, messages)

    def next_mod_seq(self) -> ModSeq:
        self.mod_seq = ModSeq(self.mod_seq + 1)
        return self.mod_seq

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def next_uid_validity(self) -> UidValidity:
        self.last_uid_validity = max(self.last_uid_validity + 1, now() // 1_000_000)
        return UidValidity(self.last_uid_validity)

    def keep(self, box: Box, uids: Iterable[int]) -> None:
        """Remember messages that are about to go."""
        self.expunged += [
            Kept(now(), box.mailbox_id, box.name, uid, box.placed[uid]) for uid in uids
        ]

    def box_named(self, name: str) -> Box | None:
        return next((box for box in self.boxes.values() if box.name == name), None)

    def holders(self, email: EmailId) -> Iterator[tuple[Box, int]]:
        """Where an email is placed."""
        for box in self.boxes.values():
            for uid, placed in box.placed.items():
                if placed.email.email_id == email:
                    yield box, uid


@dataclass(slots=True)
class Recipient:
    number: int
    forward_path: str
    destination: str
    due_at: Moment | None  # None: held or final
    state: RecipientState = RecipientState.QUEUED
    attempts: int = 0
    lease_token: str | None = None
    first_attempt_at: Moment | None = None
    delay_notified: bool = False
    last_reply: str = ""


@dataclass(slots=True)
class Entry:
    """A submission with its recipients."""

    account: AccountId
    new: NewSubmission
    last_event: str
    recipients: list[Recipient]
    settled_at: Moment | None = None

    @property
    def is_settled(self) -> bool:
        return all(recipient.state in FINAL_STATES for recipient in self.recipients)


@dataclass(slots=True)
class Used:
    """An idempotency key that was used."""

    request_hash: bytes
    ids: list[SubmissionId]
    created_at: Moment


@dataclass(slots=True)
class MemoryState:
    tenants: dict[TenantId, Tenant] = field(default_factory=dict)
    domains: dict[str, Domain] = field(default_factory=dict)  # by name
    dkim_keys: dict[str, list[DkimKey]] = field(default_factory=dict)
    accounts: dict[AccountId, Account] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    credentials: dict[AccountId, dict[str, Credential]] = field(default_factory=dict)
    api_keys: dict[bytes, ApiKey] = field(default_factory=dict)  # by hash of the token
    settings: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    leases: dict[str, tuple[str, Moment]] = field(default_factory=dict)  # token, end
    owners: dict[AccountId, Owner] = field(default_factory=dict)
    entries: dict[tuple[AccountId, SubmissionId], Entry] = field(default_factory=dict)
    used_keys: dict[tuple[AccountId, str], Used] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    garbage: set[BlobId] = field(default_factory=set)
    last_number: int = 0

    def next_number(self) -> int:
        self.last_number += 1
        return self.last_number

    def owner(self, account: AccountId) -> Owner:
        """Raises `NotFound`."""
        if account not in self.owners:
            raise NotFound("there is no such account")
        return self.owners[account]

    def tell(self, account: AccountId, events: Iterable[NewEvent]) -> None:
        self.events.extend(
            Event(account, new.trace_id, new.kind, new.at, new.recipient, dict(new.details))
            for new in events
        )

    def blobs_of(self, account: AccountId) -> set[BlobId]:
        """Every blob that an account refers to."""
        mine = {entry.new.blob_id for key, entry in self.entries.items() if key[0] == account}
        owner = self.owners.get(account)
        if owner is not None:
            mine |= {email.new.blob_id for email in owner.emails.values()}
        return mine

    def is_referred(self, blob: BlobId) -> bool:
        return any(blob in self.blobs_of(account) for account in self.owners)

    def check_referable(self, account: AccountId, blob: BlobId) -> None:
        """Raises `TryLater` for an old blob that the account does not hold."""
        age = time.time_ns() // 1_000_000 - minted_at_milliseconds(blob)
        if age >= RESERVED_MILLISECONDS and blob not in self.blobs_of(account):
            raise TryLater("the stored message has lapsed; send it again")

    def dropped(self, account: AccountId, blobs: Iterable[BlobId]) -> None:
        """References are gone: those that were the account's last make candidates."""
        self.garbage |= set(blobs) - self.blobs_of(account)
