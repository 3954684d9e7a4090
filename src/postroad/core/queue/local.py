"""Queued mail for recipients on this server, and the sandbox for those elsewhere."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from postroad.base.errors import MailError, OverQuota
from postroad.base.identifiers import minted_at_milliseconds
from postroad.base.moments import Moment, after
from postroad.core.delivery.routing import Route, Router
from postroad.core.message.outgoing import return_path, return_path_octets
from postroad.core.message.prepared import new_email, parse
from postroad.model.directory import Role
from postroad.model.events import EventKind, NewEvent
from postroad.model.ids import AccountId, BlobId, MailboxName, SubmissionId, TenantId
from postroad.model.mailbox import BlobRange, Flags, LocalDelivery, NewEmail, Refusal
from postroad.model.queue import Claim, NewSubmission, Source, SubmissionRecipient
from postroad.ports.bus import Bus
from postroad.ports.clock import Clock
from postroad.ports.spool import Octets, Spools
from postroad.ports.tasks import Tasks
from postroad.ports.transport import Accepted, PermanentFailure, Result, TemporaryFailure
from postroad.stores.blobs import BlobStore
from postroad.stores.directory import DirectoryStore
from postroad.stores.mail import MailStore

INBOX = MailboxName("INBOX")
SANDBOX = MailboxName("Sandbox")
_KEPT = 1000
_KEPT_FOR = timedelta(seconds=5)
# Half the time for which a blob may get a first reference (docs/decisions/0002).
_SHARED_FOR = timedelta(hours=12)
_FORWARDS = uuid.UUID("5b0d3c1e-6a0b-5f7e-9d55-0c8b1a6f2e01")


class LocalQueue:
    """Delivers what is queued for this server. Doing it again is harmless: see `delivery_id`."""

    def __init__(
        self,
        mail: MailStore,
        blobs: BlobStore,
        directory: DirectoryStore,
        router: Router,
        spools: Spools,
        bus: Bus,
        tasks: Tasks,
        clock: Clock,
    ) -> None:
        self._mail = mail
        self._blobs = blobs
        self._directory = directory
        self._router = router
        self._spools = spools
        self._bus = bus
        self._tasks = tasks
        self._clock = clock
        self._sandboxes: dict[TenantId, tuple[AccountId, Moment]] = {}  # and until when

    async def takes(self, claim: Claim) -> bool:
        """Whether the destination of a claim is here."""
        return await self._router.is_local(claim.destination, claim.tenant_id)

    async def deliver(self, claim: Claim) -> list[Result]:
        """Put the message into the mailboxes that its recipients lead to."""
        routes = [await self._route(claim, recipient) for recipient in claim.recipients]
        if not any(isinstance(route, Route) for route in routes):
            # Nothing is written for a mailbox that is still full.
            return [route for route in routes if not isinstance(route, Route)]
        tenants = {
            account.tenant_id
            for route in routes
            if isinstance(route, Route)
            for account in route.accounts.values()
        }
        is_shared = tenants <= {claim.tenant_id}  # nothing is shared between tenants
        email = await self._email(claim, is_shared=is_shared)
        return [
            await self._try_to_put(claim, recipient, route, email)
            if isinstance(route, Route)
            else route
            for recipient, route in zip(claim.recipients, routes, strict=True)
        ]

    async def capture(self, claim: Claim) -> list[Result]:
        """Keep mail for elsewhere in the Sandbox mailbox of the tenant's owner."""
        owner = await self._sandbox_of(claim.tenant_id)
        if owner is None:
            no_one = TemporaryFailure("the sandbox has no owner: add an account", 451, "4.3.0")
            return [no_one for _ in claim.recipients]
        email = await self._email(claim, is_shared=True)
        delivery = LocalDelivery(
            owner,
            SANDBOX,
            _with_delivery_id(email, f"{claim.submission.submission_id}:{claim.destination}"),
            Flags.NONE,
            frozenset(),
            (),
            makes=True,
        )
        done = (await self._mail.deliver([delivery]))[0]
        self._bus.announce(owner)
        if isinstance(done, Refusal):
            self._sandboxes.pop(claim.tenant_id, None)
            return [
                TemporaryFailure("the sandbox is full", 452, "4.2.2") for _ in claim.recipients
            ]
        return [Accepted(f"captured in the {SANDBOX} mailbox") for _ in claim.recipients]

    async def _route(
        self, claim: Claim, recipient: SubmissionRecipient
    ) -> Route | TemporaryFailure | PermanentFailure:
        try:
            return await self._router.route(recipient.forward_path, claim.submission.size)
        except MailError as error:
            return _failure(error)

    async def _try_to_put(
        self, claim: Claim, recipient: SubmissionRecipient, route: Route, email: NewEmail
    ) -> Result:
        try:
            return await self._put(claim, recipient, route, email)
        except MailError as error:
            return _failure(error)

    async def _email(self, claim: Claim, *, is_shared: bool) -> NewEmail:
        """Parse the queued message as one that arrives, with a Return-Path of its own.

        Its blob is the one in the queue if the tenant has it for itself, else a copy.
        """
        submission = claim.submission
        spool = self._spools.open()
        try:
            whole = BlobRange(submission.blob_id, 0, submission.size)
            above = return_path(submission.reverse_path)
            is_same = False
            async for chunk in self._blobs.stream(whole):
                if not spool.size:
                    is_same = chunk.startswith(above)
                    chunk = chunk if is_same else above + chunk[return_path_octets(chunk) :]
                await spool.write(chunk)
            octets: Octets = await spool.octets()
            parsed = await parse(octets, self._tasks)
            blob_id = submission.blob_id
            if not (is_same and is_shared and self._is_fresh(blob_id)):
                blob_id = await self._blobs.put([memoryview(octets)])
        finally:
            spool.close()
        return new_email(parsed, blob_id, self._clock.now(), None)

    def _is_fresh(self, blob_id: BlobId) -> bool:
        """Whether another owner may still refer to a blob for the first time."""
        return minted_at_milliseconds(blob_id) > after(self._clock.now(), -_SHARED_FOR) // 1000

    async def _put(
        self,
        claim: Claim,
        recipient: SubmissionRecipient,
        route: Route,
        email: NewEmail,
    ) -> Result:
        """One transaction for all that one recipient leads to."""
        key = f"{claim.submission.submission_id}:{recipient.number}"
        now = self._clock.now()
        stored = NewEvent(
            claim.submission.trace_id,
            EventKind.STORED,
            now,
            recipient.forward_path,
            {"mailbox": INBOX, "reverse_path": claim.submission.reverse_path},
        )
        deliveries = [
            LocalDelivery(
                account, INBOX, _with_delivery_id(email, key), Flags.NONE, frozenset(), (stored,)
            )
            for account in route.accounts
        ]
        forwards: list[tuple[AccountId, NewSubmission, Sequence[NewEvent]]] = []
        if route.forward:
            forward = _forwarded(claim, key, tuple(route.forward), now)
            forwards.append((claim.submission.account_id, forward, ()))
        results = await self._mail.deliver(deliveries, forwards)
        for delivery in deliveries:
            self._bus.announce(delivery.account)
        if Refusal.OVER_QUOTA in results:
            return TemporaryFailure(f"the mailbox {recipient.forward_path} is full", 452, "4.2.2")
        if Refusal.NO_ACCOUNT in results:
            return PermanentFailure(f"there is no mailbox {recipient.forward_path}", 550, "5.1.1")
        return Accepted("stored in the mailbox")

    async def _sandbox_of(self, tenant: TenantId) -> AccountId | None:
        """Whose the sandbox is. A change of people or roles is seen after a few seconds."""
        now = self._clock.now()
        known = self._sandboxes.get(tenant)
        if known is not None and now < known[1]:
            return known[0]
        people = [one for one in await self._directory.accounts(tenant) if not one.disabled]
        order = {Role.OWNER: 0, Role.ADMIN: 1, Role.MEMBER: 2}
        owner = min(people, key=lambda one: order[one.role], default=None)
        if owner is None:
            return None
        if len(self._sandboxes) >= _KEPT:
            self._sandboxes.clear()
        self._sandboxes[tenant] = owner.account_id, after(now, _KEPT_FOR)
        return owner.account_id


def _failure(error: MailError) -> TemporaryFailure | PermanentFailure:
    if isinstance(error, OverQuota):
        return TemporaryFailure(str(error), 452, "4.2.2")
    if error.temporary:
        return TemporaryFailure(str(error), 451, "4.3.0")
    return PermanentFailure(str(error), 550, "5.1.1")


def _with_delivery_id(email: NewEmail, delivery_id: str) -> NewEmail:
    """The key that makes a second delivery harmless."""
    return replace(email, delivery_id=delivery_id)


def _forwarded(claim: Claim, key: str, targets: tuple[str, ...], now: Moment) -> NewSubmission:
    """The message on its way to addresses elsewhere; its id follows from the key, so it is one."""
    submission = claim.submission
    return NewSubmission(
        submission_id=SubmissionId(str(uuid.uuid5(_FORWARDS, key))),
        trace_id=submission.trace_id,
        source=Source.FORWARD,
        reverse_path=submission.reverse_path,
        blob_id=submission.blob_id,
        size=submission.size,
        needs=submission.needs,
        forward_paths=targets,
        created_at=now,
        send_at=now,
    )
