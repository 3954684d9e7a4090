"""The core as the REST API sees it, in memory."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from starlette.types import ASGIApp

from postroad.base.errors import (
    AlreadyExists,
    AuthenticationFailed,
    Conflict,
    Invalid,
    NotFound,
    NotPermitted,
)
from postroad.base.identifiers import new_uuid
from postroad.base.moments import Moment
from postroad.base.secret import Secret
from postroad.core.auth.service import Authenticator
from postroad.core.directory.accounts import Accounts
from postroad.core.directory.domains import DnsRecord, Domains
from postroad.core.directory.keys import ApiKeys
from postroad.core.mailbox.undelete import Undelete
from postroad.core.sending.identity import Identities
from postroad.core.sending.service import Draft, Sending
from postroad.http.contract.api import ApiLimits
from postroad.http.rest.application import build
from postroad.http.rest.services import Operations, RestServices
from postroad.model.directory import (
    Account,
    ApiKey,
    DkimKey,
    Domain,
    DomainStatus,
    KeyPermission,
    Role,
)
from postroad.model.events import Event, EventKind
from postroad.model.ids import (
    AccountId,
    BlobId,
    EmailId,
    MailboxId,
    MailboxName,
    SubmissionId,
    TenantId,
    TraceId,
    Uid,
)
from postroad.model.mailbox import Flags
from postroad.model.principal import Program
from postroad.model.queue import (
    Needs,
    RecipientState,
    Submission,
    SubmissionRecipient,
)
from postroad.model.undelete import KeptMessage, RestoredMessage
from postroad.ports.clock import Clock
from postroad.ports.tasks import Tasks

T = TypeVar("T")
NOW = Moment(1_767_323_045_000_000)
TENANT, ACCOUNT = TenantId(1), AccountId(7)
FULL, SENDING, LIMITED = "re_full", "re_sending", "re_limited"


class FakeClock(Clock):
    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> Moment:
        return self.moment


class FakeTasks(Tasks):
    """Does everything at once, and counts what was offloaded."""

    def __init__(self) -> None:
        self.offloaded = 0

    async def together(
        self, jobs: Sequence[Callable[[], Awaitable[T]]], deadline: timedelta
    ) -> list[T | None]:
        return [await job() for job in jobs]

    async def offload(self, function: Callable[[], T]) -> T:
        self.offloaded += 1
        return function()

    def start(
        self,
        name: str,
        job: Callable[[], Awaitable[None]],
        *instead: Callable[[], Awaitable[None]],
    ) -> None:
        raise NotImplementedError

    def every(self, name: str, interval: timedelta, job: Callable[[], Awaitable[None]]) -> None:
        raise NotImplementedError


class FakeSending(Sending):
    def __init__(self) -> None:
        self.drafts: dict[SubmissionId, Draft] = {}
        self.events_of: dict[TraceId, list[Event]] = {}
        self.canceled: set[SubmissionId] = set()
        self.keys: dict[str, tuple[bytes, list[SubmissionId]]] = {}
        self.gate: Callable[[], Awaitable[None]] | None = None

    async def submit(
        self,
        account: AccountId,
        drafts: Sequence[Draft],
        *,
        idempotency_key: str | None = None,
        request_hash: bytes = b"",
    ) -> Sequence[SubmissionId]:
        assert account == ACCOUNT
        if self.gate is not None:
            await self.gate()
        if idempotency_key in self.keys:
            known_hash, known = self.keys[idempotency_key]
            if known_hash != request_hash:
                raise Conflict("used")
            return known
        ids = []
        for draft in drafts:
            assert draft.submission_id is not None
            ids.append(draft.submission_id)
            self.drafts[draft.submission_id] = draft
            event = Event(account, draft.trace_id, EventKind.QUEUED, NOW, None, {"octets": 1})
            self.events_of[draft.trace_id] = [event]
        if idempotency_key is not None:
            self.keys[idempotency_key] = request_hash, ids
        return ids

    async def find(
        self, account: AccountId, submission: SubmissionId
    ) -> tuple[Submission, tuple[SubmissionRecipient, ...]] | None:
        draft = self.drafts.get(submission)
        if draft is None or account != ACCOUNT:
            return None
        recipients = tuple(
            SubmissionRecipient(number, path, RecipientState.QUEUED, 0, NOW, "")
            for number, path in enumerate(draft.forward_paths)
        )
        return self._submission(submission, draft), recipients

    async def submissions(
        self,
        account: AccountId,
        limit: int,
        *,
        after: SubmissionId | None = None,
        before: SubmissionId | None = None,
    ) -> list[Submission]:
        newest = list(reversed(self.drafts))
        if after is not None:
            newest = newest[newest.index(after) + 1 :]
        if before is not None:
            newest = newest[: newest.index(before)][-limit:]
        return [self._submission(one, self.drafts[one]) for one in newest[:limit]]

    async def events(self, account: AccountId, trace: TraceId) -> list[Event]:
        return self.events_of[trace]

    async def cancel(self, account: AccountId, submission: SubmissionId) -> int:
        if submission in self.canceled:
            return 0
        self.canceled.add(submission)
        return 1

    def _submission(self, submission: SubmissionId, draft: Draft) -> Submission:
        return Submission(
            ACCOUNT,
            submission,
            draft.trace_id,
            draft.source,
            draft.reverse_path,
            BlobId(b""),
            len(draft.octets),
            Needs(),
            NOW,
            draft.send_at or NOW,
            draft.api,
            "canceled" if submission in self.canceled else "queued",
        )


class FakeIdentities(Identities):
    def __init__(self) -> None:
        pass

    async def domain_of_program(
        self, program: Program, address: str
    ) -> tuple[Domain, tuple[DkimKey, ...]]:
        name = address.rpartition("@")[2]
        if name != "example.com":
            raise NotPermitted(f"The {name} domain is not verified. Please, add and verify it.")
        return domain_of("example.com"), ()


class FakeAuthenticator(Authenticator):
    def __init__(self) -> None:
        pass

    async def program(self, token: Secret, *, peer: str) -> Program:
        known = {
            FULL: (KeyPermission.FULL, None),
            SENDING: (KeyPermission.SENDING, None),
            LIMITED: (KeyPermission.FULL, new_uuid()),
        }
        if token.reveal() not in known:
            raise AuthenticationFailed("the API key is not valid")
        permission, domain_id = known[token.reveal()]
        key = ApiKey(new_uuid(), TENANT, "key", permission, domain_id, NOW, None)
        return Program(key, TENANT, ACCOUNT)


def domain_of(name: str) -> Domain:
    return Domain(new_uuid(), TENANT, name, DomainStatus.NOT_STARTED, None, NOW)


class FakeDomains(Domains):
    def __init__(self) -> None:
        self.known: dict[str, Domain] = {}

    async def create(self, tenant: TenantId, name: str) -> Domain:
        if "." not in name:
            raise Invalid("`name` is not a domain")
        if any(domain.name == name for domain in self.known.values()):
            raise AlreadyExists(f"The {name} domain has been registered already.")
        domain = domain_of(name)
        self.known[domain.domain_id] = domain
        return domain

    async def domains(self, tenant: TenantId | None) -> tuple[Domain, ...]:
        return tuple(self.known.values())

    async def load(self, tenant: TenantId, domain_id: str) -> Domain:
        if domain_id not in self.known or tenant != TENANT:
            raise NotFound("Domain not found")
        return self.known[domain_id]

    async def records(self, domain: Domain) -> list[DnsRecord]:
        return [
            DnsRecord("DKIM", f"s1._domainkey.{domain.name}", "TXT", "p=x"),
            DnsRecord("DMARC", f"_dmarc.{domain.name}", "TXT", "v=DMARC1"),
            DnsRecord("Receiving", domain.name, "MX", "mail.example.com", 10, True),
        ]

    async def verify(self, tenant: TenantId, domain_id: str) -> Domain:
        domain = await self.load(tenant, domain_id)
        self.known[domain_id] = replace(domain, status=DomainStatus.VERIFIED)
        return self.known[domain_id]

    async def delete(self, tenant: TenantId, domain_id: str) -> None:
        await self.load(tenant, domain_id)
        del self.known[domain_id]


class FakeKeys(ApiKeys):
    def __init__(self) -> None:
        self.known: list[ApiKey] = []

    async def create(
        self, tenant: TenantId, name: str, permission: KeyPermission, domain_id: str | None
    ) -> tuple[ApiKey, Secret]:
        key = ApiKey(new_uuid(), tenant, name, permission, domain_id, NOW, None)
        self.known.insert(0, key)
        return key, Secret("re_new")

    async def keys(self, tenant: TenantId) -> Sequence[ApiKey]:
        return self.known

    async def delete(self, tenant: TenantId, key_id: str) -> None:
        if key_id not in [key.key_id for key in self.known]:
            raise NotFound("API key not found")
        self.known = [key for key in self.known if key.key_id != key_id]


class FakeAccounts(Accounts):
    """Alice is ours, Bob is another tenant's."""

    def __init__(self) -> None:
        self.people = {
            "alice@example.com": (TENANT, AccountId(8)),
            "bob@example.net": (TenantId(2), AccountId(9)),
        }

    async def find(self, address: str) -> Account:
        if address not in self.people:
            raise NotFound(f"there is no account {address}")
        tenant, account = self.people[address]
        return Account(account, tenant, address, "", Role.MEMBER, True, 1, False, None, NOW)


class FakeUndelete(Undelete):
    """Keeps messages 1.1, 1.2, ... of Alice's INBOX."""

    def __init__(self) -> None:
        self.uids = [5, 4, 3, 2, 1]

    async def kept(
        self,
        account: AccountId,
        limit: int,
        *,
        mailbox: MailboxName | None = None,
        since: Moment | None = None,
    ) -> list[KeptMessage]:
        assert account == AccountId(8)
        inbox = MailboxName("INBOX")
        return [
            KeptMessage(
                mailbox_id=MailboxId(1),
                uid=Uid(uid),
                mailbox=inbox,
                email_id=EmailId(uid),
                expunged_at=NOW,
                flags=Flags.SEEN,
                keywords=frozenset(),
                size=100,
                internal_date=NOW,
                subject=f"number {uid}",
                preview="",
            )
            for uid in self.uids
            if mailbox in (None, inbox)
        ][:limit]

    async def restore(
        self, account: AccountId, messages: Sequence[tuple[MailboxId, Uid]]
    ) -> list[RestoredMessage]:
        done = [place for place in messages if place[1] in self.uids]
        self.uids = [uid for uid in self.uids if (1, uid) not in done]
        return [
            RestoredMessage(mailbox, uid, MailboxName("INBOX"), Uid(uid + 10))
            for mailbox, uid in done
        ]


@dataclass
class World:
    """A server's core, and the API before it."""

    sending: FakeSending = field(default_factory=FakeSending)
    domains: FakeDomains = field(default_factory=FakeDomains)
    keys: FakeKeys = field(default_factory=FakeKeys)
    accounts: FakeAccounts = field(default_factory=FakeAccounts)
    undelete: FakeUndelete = field(default_factory=FakeUndelete)
    tasks: FakeTasks = field(default_factory=FakeTasks)
    operations: Operations = field(default_factory=Operations)
    limits: ApiLimits = field(default_factory=ApiLimits)

    def app(self) -> ASGIApp:
        services = RestServices(
            sending=self.sending,
            identities=FakeIdentities(),
            domains=self.domains,
            keys=self.keys,
            accounts=self.accounts,
            undelete=self.undelete,
            tasks=self.tasks,
            clock=FakeClock(),
            operations=self.operations,
        )
        return build(services, FakeAuthenticator(), self.limits)
