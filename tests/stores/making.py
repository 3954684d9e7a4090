"""What the contracts need to speak to any adapter: its stores, an account, and emails to store."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from postroad.base.identifiers import new_octets, new_trace_id, new_uuid
from postroad.base.moments import Moment
from postroad.model.directory import Account, Role
from postroad.model.events import EventKind, NewEvent
from postroad.model.ids import (
    AccountId,
    BlobId,
    MailboxId,
    MailboxName,
    SubmissionId,
    TenantId,
    TraceId,
    Uid,
)
from postroad.model.mailbox import (
    Flags,
    LocalDelivery,
    Mailbox,
    NewEmail,
    Placements,
    PreparedEmail,
    SpecialUse,
)
from postroad.model.queue import Needs, NewSubmission, Source
from postroad.stores.directory import DirectoryStore, NewAccount
from postroad.stores.leases import LeaseStore
from postroad.stores.mail import MailStore
from postroad.stores.metadata import MetadataStore
from postroad.stores.nodes import NodeStore
from postroad.stores.queue import QueueStore, ReferenceStore
from postroad.stores.sharing import SharingStore
from postroad.stores.urlkeys import UrlKeyStore
from postroad.stores.virtual import VirtualStore

INBOX = MailboxName("INBOX")
NOW = Moment(1_700_000_000_000_000)
FUTURE = Moment(2**52)  # after everything that the stores date with their own clock
DOMAIN = "example.test"
NO_KEYWORDS: frozenset[str] = frozenset()

Arrival = tuple[NewEmail, Flags, frozenset[str]]
Message = tuple[int, int, int, frozenset[str], int]
"""UID, email id, flags, keywords and mod_seq."""


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of one adapter over one state."""

    mail: MailStore
    directory: DirectoryStore
    queue: QueueStore
    references: ReferenceStore
    sharing: SharingStore
    leases: LeaseStore
    metadata: MetadataStore
    url_keys: UrlKeyStore
    virtual: VirtualStore
    nodes: NodeStore

    async def room(self, account: AccountId) -> tuple[int, int | None]:
        """The octets that an account uses, and may use."""
        quota = await self.mail.quota(account)
        return quota.used.octets, quota.limits.octets

    async def tenant(self, name: str = "house", domain: str = DOMAIN) -> TenantId:
        """A tenant with a domain; the same again is the one there is."""
        tenant = await self.directory.create_tenant(name, NOW)
        if await self.directory.find_domain(domain) is None:
            await self.directory.create_domain(tenant.tenant_id, new_uuid(), domain, (), NOW)
        return tenant.tenant_id

    async def person(self, name: str = "alice", *, quota: int | None = None) -> Account:
        new = NewAccount(
            await self.tenant(),
            f"{name}@{DOMAIN}",
            name.title(),
            Role.MEMBER,
            quota,
            [("INBOX", None), ("Sent", SpecialUse.SENT)],
        )
        return await self.directory.create_account(new, NOW)

    async def account(self, name: str = "alice", *, quota: int | None = None) -> AccountId:
        return (await self.person(name, quota=quota)).account_id

    async def mailbox(self, account: AccountId, name: str = "INBOX") -> Mailbox:
        found = await self.mail.find_mailbox(account, MailboxName(name))
        assert found is not None
        return found

    async def messages(self, account: AccountId, mailbox: MailboxId) -> list[Message]:
        _, placements = await self.mail.placements(account, mailbox)
        return spread(placements)

    async def fill(self, account: AccountId, mailbox: MailboxId, count: int) -> list[Uid]:
        """Append messages of 100 octets."""
        done = await self.mail.append(account, mailbox, [arrival() for _ in range(count)])
        return list(done.uids)


def spread(placements: Placements) -> list[Message]:
    """The messages one by one, so that two forms of the same mailbox compare equal."""
    columns = (placements.uids, placements.email_ids, placements.looks, placements.mod_seqs)
    assert [column.typecode for column in columns] == ["I", "Q", "I", "Q"]
    spread_out = []
    for uid, email_id, look, mod_seq in zip(*columns, strict=True):
        flags, keywords = placements.combinations[look]
        spread_out.append((uid, email_id, flags, frozenset(keywords.split()), mod_seq))
    return spread_out


def uids_of(messages: Iterable[Message]) -> list[int]:
    return [message[0] for message in messages]


def is_array_of_uids(uids: "array[int]") -> bool:
    return uids.typecode == "I" and list(uids) == sorted(set(uids))


def blob(milliseconds_ago: int = 0) -> BlobId:
    """A fresh blob id, or one that was minted earlier."""
    octets = new_octets()
    minted = int.from_bytes(octets[:6], "big") - milliseconds_ago
    return BlobId(minted.to_bytes(6, "big") + octets[6:])


def prepared(*, subject: str = "subject", thread_keys: Sequence[int] = ()) -> PreparedEmail:
    return PreparedEmail(
        version=1,
        envelope=b"(envelope)",
        envelope_utf8=None,
        body=b"(body)",
        body_structure=b"(structure)",
        body_structure_utf8=b"(structure utf8)",
        part_table=b"\x00\xff",
        preview="a preview",
        sent_at=None,
        sent_on=738_000,
        subject_base=subject,
        sort_from="from",
        sort_to="to",
        sort_cc="",
        thread_keys=tuple(thread_keys),
        header_fields=b"Subject: x\r\n",
        origin=b"\x01\0",
    )


def email(
    *,
    size: int = 100,
    delivery_id: str | None = None,
    thread_keys: Sequence[int] = (),
    blob_id: BlobId | None = None,
    subject: str = "subject",
) -> NewEmail:
    return NewEmail(
        blob() if blob_id is None else blob_id,
        size,
        NOW,
        prepared(subject=subject, thread_keys=thread_keys),
        delivery_id,
    )


def arrival(
    new: NewEmail | None = None,
    flags: Flags = Flags.NONE,
    keywords: frozenset[str] = NO_KEYWORDS,
) -> Arrival:
    return email() if new is None else new, flags, keywords


def delivery(
    account: AccountId,
    new: NewEmail,
    mailbox: str = "INBOX",
    events: tuple[NewEvent, ...] = (),
) -> LocalDelivery:
    return LocalDelivery(
        account, MailboxName(mailbox), new, Flags.NONE, frozenset({"$New"}), events
    )


def event(trace: TraceId, kind: EventKind = EventKind.QUEUED, at: Moment = NOW) -> NewEvent:
    return NewEvent(trace, kind, at, None, {"why": "test"})


def submission(
    *forward_paths: str,
    source: Source = Source.API,
    send_at: Moment = NOW,
    blob_id: BlobId | None = None,
    key: str | None = None,
    request_hash: bytes = b"",
) -> NewSubmission:
    return NewSubmission(
        submission_id=SubmissionId(new_uuid()),
        trace_id=TraceId(new_trace_id()),
        source=source,
        reverse_path=f"sender@{DOMAIN}",
        blob_id=blob() if blob_id is None else blob_id,
        size=500,
        needs=Needs(eight_bit=True, long_lines=True),
        forward_paths=forward_paths or ("bob@remote.test",),
        created_at=NOW,
        send_at=send_at,
        api=b'{"to":["bob"]}',
        idempotency_key=key,
        request_hash=request_hash,
    )
