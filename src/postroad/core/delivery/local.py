"""Putting mail from other servers into the mailboxes of this one."""

from collections.abc import Sequence

from postroad.base.errors import TryLater
from postroad.base.identifiers import new_uuid
from postroad.core.delivery.routing import Route
from postroad.core.message.facts import Facts
from postroad.core.message.needs import needs_of
from postroad.core.message.prepared import new_email, parse, told_message_id
from postroad.formats.mime.prepare import Prepared
from postroad.model.directory import Account
from postroad.model.events import EventKind, NewEvent, Value
from postroad.model.ids import AccountId, BlobId, MailboxName, SubmissionId, TenantId, TraceId
from postroad.model.mailbox import Flags, LocalDelivery, NewEmail, Refusal
from postroad.model.queue import Needs, NewSubmission, Source
from postroad.ports.bus import Bus
from postroad.ports.clock import Clock
from postroad.ports.spool import Octets
from postroad.ports.tasks import Tasks
from postroad.stores.blobs import BlobStore
from postroad.stores.directory import DirectoryStore
from postroad.stores.mail import MailStore
from postroad.stores.queue import QueueStore

INBOX = MailboxName("INBOX")
Submitted = tuple[AccountId, NewSubmission, Sequence[NewEvent]]


class LocalMail:
    def __init__(
        self,
        mail: MailStore,
        queue: QueueStore,
        blobs: BlobStore,
        directory: DirectoryStore,
        bus: Bus,
        tasks: Tasks,
        clock: Clock,
    ) -> None:
        self._mail = mail
        self._queue = queue
        self._blobs = blobs
        self._directory = directory
        self._bus = bus
        self._tasks = tasks
        self._clock = clock

    async def deliver(
        self,
        trace_id: TraceId,
        facts: Facts,
        reverse_path: str,
        routes: Sequence[tuple[str, Route]],
        octets: Octets,
    ) -> None:
        """Store one blob for all recipients, then all rows in one transaction.

        What a mailbox cannot take at this moment (it filled up since RCPT) waits in the queue, and
        its sender hears of it by a DSN in the end: nobody is refused for another's fault.
        """
        parsed = await parse(octets, self._tasks)
        blob_id = await self._blobs.put([memoryview(octets)])
        now = self._clock.now()
        email = new_email(parsed, blob_id, now, str(trace_id))
        needs = needs_of(parsed, octets, ())
        received = _received(facts, reverse_path, parsed)
        local, accounts, forwards = [], list[Account](), list[Submitted]()
        for forward_path, account, addresses in _merged(routes):
            if account is not None:
                accounts.append(account)
                local.append(_delivery(account, email, received, forward_path))
            elif addresses:
                forwards.append(
                    await self._forward(
                        trace_id, email, needs, reverse_path, forward_path, tuple(addresses)
                    )
                )
        results = await self._mail.deliver(local, forwards)
        late = [
            account
            for account, result in zip(accounts, results, strict=True)
            if isinstance(result, Refusal)
        ]
        for account in late:
            # To the account itself: its alias may have others who have the message already.
            path = (account.address,)
            submission = _submission(trace_id, email, needs, reverse_path, path, Source.FORWARD)
            # By the tenant, who is still there when the account was removed a moment ago.
            owner = await self._sending_account(account.tenant_id)
            await self._queue.submit(owner, [submission], [])
        for delivery in local:
            self._bus.announce(delivery.account)
        if forwards or late:
            self._bus.wake_queue()

    async def _forward(
        self,
        trace_id: TraceId,
        email: NewEmail,
        needs: Needs,
        reverse_path: str,
        forward_path: str,
        targets: tuple[str, ...],
    ) -> Submitted:
        domain = await self._directory.find_domain(forward_path.rpartition("@")[2])
        if domain is None:
            raise TryLater(f"the domain of {forward_path} was removed a moment ago")
        owner = await self._sending_account(domain.tenant_id)
        submission = _submission(trace_id, email, needs, reverse_path, targets, Source.FORWARD)
        event = NewEvent(
            trace_id,
            EventKind.QUEUED,
            email.internal_date,
            forward_path,
            {"forward_to": list(targets)},
        )
        return owner, submission, [event]

    async def _sending_account(self, tenant_id: TenantId) -> AccountId:
        """Whose the queue entries of a tenant are, where nobody sends them."""
        tenant = await self._directory.find_tenant(tenant_id)
        if tenant is None:
            raise TryLater("the tenant was removed a moment ago")
        return tenant.sending_account


def _merged(
    routes: Sequence[tuple[str, Route]],
) -> list[tuple[str, Account | None, list[str]]]:
    """Each account once, each forwarded address once, whatever the recipients had in common."""
    accounts: set[AccountId] = set()
    addresses: set[str] = set()
    merged: list[tuple[str, Account | None, list[str]]] = []
    for forward_path, route in routes:
        for account in route.accounts.values():
            if account.account_id not in accounts:
                accounts.add(account.account_id)
                merged.append((forward_path, account, []))
        fresh = [address for address in route.forward if address not in addresses]
        addresses.update(fresh)
        if fresh:
            merged.append((forward_path, None, fresh))
    return merged


def _received(facts: Facts, reverse_path: str, parsed: Prepared) -> dict[str, Value]:
    """What the story tells of the arrival; the same for every recipient."""
    return {
        "way": facts.way.value,
        "peer": facts.peer,
        "helo": facts.helo,
        "protocol": facts.protocol,
        "tls": facts.tls,
        "reverse_path": reverse_path,
        "octets": parsed.size,
        "message_id": told_message_id(parsed.message_id),
    }


def _delivery(
    account: Account, email: NewEmail, received: dict[str, Value], forward_path: str
) -> LocalDelivery:
    trace_id = TraceId(email.delivery_id or "")
    at = email.internal_date
    events = (
        NewEvent(
            trace_id,
            EventKind.RECEIVED,
            at,
            forward_path,
            received,
        ),
        NewEvent(trace_id, EventKind.STORED, at, forward_path, {"mailbox": INBOX}),
    )
    return LocalDelivery(account.account_id, INBOX, email, Flags.NONE, frozenset(), events)


def _submission(
    trace_id: TraceId,
    email: NewEmail,
    needs: Needs,
    reverse_path: str,
    forward_paths: tuple[str, ...],
    source: Source,
) -> NewSubmission:
    return NewSubmission(
        submission_id=SubmissionId(new_uuid()),
        trace_id=trace_id,
        source=source,
        reverse_path=reverse_path,
        blob_id=BlobId(email.blob_id),
        size=email.size,
        needs=needs,
        forward_paths=forward_paths,
        created_at=email.internal_date,
        send_at=email.internal_date,
    )
