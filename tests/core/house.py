"""A server's core over stores in memory: two tenants, and another side that does as it is told."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from postroad.adapters.bus.local import LocalBus
from postroad.adapters.memory.blobs import MemoryBlobStore
from postroad.adapters.memory.directory import MemoryDirectoryStore
from postroad.adapters.memory.leases import MemoryLeaseStore
from postroad.adapters.memory.mail import MemoryMailStore
from postroad.adapters.memory.metadata import MemoryMetadataStore
from postroad.adapters.memory.nodes import MemoryNodeStore
from postroad.adapters.memory.queue import MemoryQueueStore
from postroad.adapters.memory.references import MemoryReferenceStore
from postroad.adapters.memory.sharing import MemorySharingStore
from postroad.adapters.memory.state import MemoryState
from postroad.adapters.memory.urlkeys import MemoryUrlKeyStore
from postroad.adapters.memory.virtual import MemoryVirtualStore
from postroad.adapters.spool.folder import SpoolFolder
from postroad.adapters.spool.settings import SpoolSettings
from postroad.base.errors import LowSpace
from postroad.base.identifiers import new_uuid
from postroad.base.moments import Moment, after
from postroad.core.auth.sealing import Sealer
from postroad.core.delivery.local import LocalMail
from postroad.core.delivery.routing import Router
from postroad.core.message.facts import Facts, Way
from postroad.core.queue.conversion import Converter
from postroad.core.queue.local import LocalQueue
from postroad.core.queue.notice import Notices
from postroad.core.queue.scheduler import Scheduler
from postroad.core.queue.settings import QueueSettings
from postroad.core.reception.service import Parts, Reception, ReceptionSettings
from postroad.core.sending.identity import Identities
from postroad.core.sending.service import Draft, Sending
from postroad.core.sending.signing import Signer
from postroad.core.sending.submission import SubmittedMail
from postroad.model.directory import Account, Alias
from postroad.model.ids import BlobId, SubmissionId, TenantId, TraceId
from postroad.model.principal import Principal
from postroad.model.queue import Source, SubmissionRecipient
from postroad.ports.clock import Clock
from postroad.ports.tasks import Tasks
from postroad.ports.transport import (
    Accepted,
    Attempt,
    MailTransport,
    Outgoing,
    PermanentFailure,
    Result,
)
from postroad.stores.blobs import Piece
from stores.making import NOW, Stores

T = TypeVar("T")

HOSTNAME = "mx.example.test"
MESSAGE = b"From: alice@example.test\r\nTo: bob@example.test\r\nSubject: x\r\n\r\nHello\r\n"


class Watch(Clock):
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> Moment:
        return self.at

    def wait(self, time: timedelta) -> None:
        self.at = after(self.at, time)


class Jobs(Tasks):
    """Keeps what is started, until the test runs it."""

    def __init__(self) -> None:
        self.started: list[Sequence[Callable[[], Awaitable[None]]]] = []
        self.errors: list[Exception] = []  # those for which something else was done instead

    async def together(
        self, jobs: Sequence[Callable[[], Awaitable[T]]], deadline: timedelta
    ) -> list[T | None]:
        return [await job() for job in jobs]

    async def offload(self, function: Callable[[], T]) -> T:
        return function()

    def start(
        self,
        name: str,
        job: Callable[[], Awaitable[None]],
        *instead: Callable[[], Awaitable[None]],
    ) -> None:
        self.started.append((job, *instead))

    def every(self, name: str, interval: timedelta, job: Callable[[], Awaitable[None]]) -> None:
        raise NotImplementedError

    async def run(self) -> int:
        started, self.started = self.started, []
        for job, *instead in started:
            await self._run_one(job, instead)
        return len(started)

    async def _run_one(
        self,
        job: Callable[[], Awaitable[None]],
        instead: Sequence[Callable[[], Awaitable[None]]],
    ) -> None:
        try:
            await job()
        except Exception as error:
            if not instead:
                raise
            self.errors.append(error)
            await self._run_one(instead[0], instead[1:])


class Blobs(MemoryBlobStore):
    """May run full."""

    is_full = False

    async def put(self, pieces: Sequence[Piece]) -> BlobId:
        if self.is_full:
            raise LowSpace("no room")
        return await super().put(pieces)


class Elsewhere(MailTransport):
    """Takes everything but for the addresses in `answers`."""

    def __init__(self) -> None:
        self.answers: dict[str, Result] = {}
        self.taken: list[str] = []
        self.has_bug = False

    async def send(self, destination: str, message: Outgoing) -> Attempt:
        if self.has_bug:
            raise ZeroDivisionError("a bug")
        octets = b"".join([chunk async for chunk in message.chunks()])
        assert octets.endswith(b"\r\n")
        results = [self.answers.get(path, Accepted("250 ok")) for path in message.forward_paths]
        self.taken += [
            path
            for path, result in zip(message.forward_paths, results, strict=True)
            if isinstance(result, Accepted)
        ]
        return Attempt(results, f"mx.{destination}")


class House:
    def __init__(self, folder: Path, *, live: bool = True) -> None:
        state = self.state = MemoryState()
        mail = MemoryMailStore(state)
        self.directory = MemoryDirectoryStore(state)
        self.queue = MemoryQueueStore(state)
        self.sharing = MemorySharingStore(state)
        self.stores = Stores(
            mail,
            self.directory,
            self.queue,
            MemoryReferenceStore(state),
            self.sharing,
            MemoryLeaseStore(state),
            MemoryMetadataStore(state),
            MemoryUrlKeyStore(state),
            MemoryVirtualStore(state),
            MemoryNodeStore(state),
        )
        self.blobs, self.clock, self.jobs, self.bus = Blobs(), Watch(), Jobs(), LocalBus()
        self.elsewhere = Elsewhere()
        self.spools = SpoolFolder(folder, SpoolSettings(min_free_octets=0))
        self.router = Router(self.directory, HOSTNAME, only_verified=live)
        signer = Signer(self.directory, Sealer(bytes(32)), self.jobs)
        identities = Identities(self.directory, only_verified=False)
        self.sending = Sending(self.queue, self.blobs, signer, self.bus, self.jobs, self.clock)
        self.reception = Reception(
            ReceptionSettings(HOSTNAME, 10_000_000, 100),
            Parts(
                self.router,
                LocalMail(
                    mail,
                    self.queue,
                    self.blobs,
                    self.directory,
                    self.bus,
                    self.jobs,
                    self.clock,
                ),
                SubmittedMail(
                    self.router, identities, self.sending, self.spools, self.clock, HOSTNAME
                ),
                identities,
                self.spools,
                self.clock,
                self.jobs,
            ),
        )
        self.settings = QueueSettings(jitter=0)
        self.scheduler = Scheduler(
            self.settings,
            self.queue,
            self.blobs,
            LocalQueue(
                mail,
                self.blobs,
                self.directory,
                self.router,
                self.spools,
                self.bus,
                self.jobs,
                self.clock,
            ),
            self.elsewhere if live else None,
            Converter(self.blobs, signer, self.spools, self.jobs),
            Notices(self.blobs, signer, HOSTNAME),
            self.bus,
            self.jobs,
            self.clock,
        )

    async def alias(self, name: str, *targets: str) -> None:
        tenant = await self.stores.tenant()
        await self.directory.create_alias(Alias(f"{name}@example.test", tenant, targets), NOW)

    async def other_tenant(self, domain: str) -> TenantId:
        tenant = await self.directory.create_tenant("other", NOW)
        await self.directory.create_domain(tenant.tenant_id, new_uuid(), domain, (), NOW)
        return tenant.tenant_id

    async def send(self, account: Account, *forward_paths: str) -> SubmissionId:
        draft = Draft(
            MESSAGE, account.address, account.address, forward_paths, Source.API, TraceId("t")
        )
        return (await self.sending.submit(account.account_id, [draft]))[0]

    async def recipients(
        self, account: Account, submission: SubmissionId
    ) -> tuple[SubmissionRecipient, ...]:
        found = await self.queue.find_submission(account.account_id, submission)
        assert found is not None
        return found[1]

    async def states(self, account: Account, submission: SubmissionId) -> list[str]:
        return [one.state.value for one in await self.recipients(account, submission)]

    async def work(self) -> int:
        """All that is due now, once; how many deliveries that were."""
        await self.scheduler.work()
        return await self.jobs.run()

    async def inbox(self, account: Account) -> int:
        mailbox = await self.stores.mailbox(account.account_id)
        return mailbox.messages


def by_mx() -> Facts:
    return Facts(Way.MX, "192.0.2.1", "else.test", "ESMTP")


def by(account: Account) -> Facts:
    return Facts(
        Way.SUBMISSION, "192.0.2.1", "else.test", "ESMTPSA", principal=Principal(account, "p")
    )


REFUSED = PermanentFailure("550 5.1.1 nobody", 550, "5.1.1")
