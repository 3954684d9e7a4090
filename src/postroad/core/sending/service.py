"""Accepting mail that is to be sent, whoever asks: a person, a program or ourselves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from postroad.base.identifiers import new_uuid
from postroad.base.moments import Moment
from postroad.core.message.needs import needs_of
from postroad.core.message.outgoing import return_path
from postroad.core.message.prepared import look_at, told_message_id
from postroad.core.sending.signing import Signer
from postroad.formats.mailaddress import normalise_address, split_address
from postroad.model.directory import DkimKey
from postroad.model.events import Event, EventKind, NewEvent
from postroad.model.ids import AccountId, SubmissionId, TraceId
from postroad.model.queue import (
    NewSubmission,
    QueueFilter,
    Source,
    Submission,
    SubmissionRecipient,
)
from postroad.ports.bus import Bus
from postroad.ports.clock import Clock
from postroad.ports.counters import Counter, Counters, NoCounters
from postroad.ports.spool import Octets
from postroad.ports.tasks import Tasks
from postroad.stores.blobs import BlobStore
from postroad.stores.queue import QueueStore


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as it shall leave, but for the signatures: CRLF line ends, no Bcc."""

    octets: Octets
    author: str  # the address in From, whose domain signs
    reverse_path: str  # "" for the null reverse path
    forward_paths: tuple[str, ...]  # every recipient, also those of Bcc
    source: Source
    trace_id: TraceId
    submission_id: SubmissionId | None = None  # made here when None
    send_at: Moment | None = None  # None: now
    api: bytes = b""  # JSON that the API shows again
    details: tuple[tuple[str, str], ...] = ()  # for the story
    keys: tuple[DkimKey, ...] | None = None  # of the author's domain; looked up when None


class Sending:
    def __init__(
        self,
        queue: QueueStore,
        blobs: BlobStore,
        signer: Signer,
        bus: Bus,
        tasks: Tasks,
        clock: Clock,
        counters: Counters | None = None,
    ) -> None:
        self._queue = queue
        self._blobs = blobs
        self._signer = signer
        self._bus = bus
        self._tasks = tasks
        self._clock = clock
        self._counters = counters or NoCounters()

    async def submit(
        self,
        account: AccountId,
        drafts: Sequence[Draft],
        *,
        idempotency_key: str | None = None,
        request_hash: bytes = b"",
    ) -> Sequence[SubmissionId]:
        """Sign, store and queue messages, all or none; durable when it returns.

        The same idempotency key with the same request gives the ids of the first time.
        Raises `Conflict` (the key was used for another request), `LowSpace`, `TryLater`.
        """
        submissions, events = list[NewSubmission](), list[NewEvent]()
        for draft in drafts:
            submission, story = await self._accept(draft)
            submissions.append(submission)
            events.extend(story)
        if idempotency_key is not None:
            submissions[0] = replace(
                submissions[0], idempotency_key=idempotency_key, request_hash=request_hash
            )
        ids = await self._queue.submit(account, submissions, events)
        for draft in drafts:
            self._counters.count(Counter.SUBMITTED, draft.source.value)
        self._bus.wake_queue()
        return ids

    async def find(
        self, account: AccountId, submission: SubmissionId
    ) -> tuple[Submission, tuple[SubmissionRecipient, ...]] | None:
        return await self._queue.find_submission(account, submission)

    async def submissions(
        self,
        account: AccountId,
        limit: int,
        *,
        after: SubmissionId | None = None,
        before: SubmissionId | None = None,
    ) -> list[Submission]:
        return await self._queue.submissions(account, limit, after=after, before=before)

    async def events(self, account: AccountId, trace: TraceId) -> list[Event]:
        return await self._queue.events(account, trace)

    async def cancel(self, account: AccountId, submission: SubmissionId) -> int:
        """Give up what is not sent yet; how many recipients that were."""
        found = await self._queue.find_submission(account, submission)
        if found is None:
            return 0
        event = NewEvent(found[0].trace_id, EventKind.CANCELED, self._clock.now())
        return await self._queue.cancel(QueueFilter(submission_id=submission), event)

    async def _accept(self, draft: Draft) -> tuple[NewSubmission, list[NewEvent]]:
        now = self._clock.now()
        measured = await look_at(draft.octets, self._tasks)
        domain = split_address(normalise_address(draft.author))[1]
        signatures = await self._signer.signatures(domain, draft.octets, now, draft.keys)
        # As it is in a mailbox here, which then has the same blob; it leaves without.
        above = return_path(draft.reverse_path) + signatures
        blob_id = await self._blobs.put([above, memoryview(draft.octets)])
        submission = NewSubmission(
            submission_id=draft.submission_id or SubmissionId(new_uuid()),
            trace_id=draft.trace_id,
            source=draft.source,
            reverse_path=draft.reverse_path,
            blob_id=blob_id,
            size=len(above) + len(draft.octets),
            needs=needs_of(measured, draft.octets, (draft.reverse_path, *draft.forward_paths)),
            forward_paths=draft.forward_paths,
            created_at=now,
            send_at=draft.send_at or now,
            api=draft.api,
        )
        return submission, _story(draft, submission, signatures, domain, now, measured.message_id)


def _story(
    draft: Draft,
    submission: NewSubmission,
    signatures: bytes,
    domain: str,
    now: Moment,
    message_id: str | None,
) -> list[NewEvent]:
    scheduled = submission.send_at > now
    kind = EventKind.SCHEDULED if scheduled else EventKind.QUEUED
    events = [
        NewEvent(
            draft.trace_id,
            kind,
            now,
            None,
            {
                "source": draft.source.value,
                "submission": submission.submission_id,
                "reverse_path": draft.reverse_path,
                "recipients": list(draft.forward_paths),
                "octets": submission.size,
                "message_id": told_message_id(message_id),
                **dict(draft.details),
            },
        )
    ]
    if signatures:
        count = signatures.count(b"DKIM-Signature:")
        events.append(
            NewEvent(
                draft.trace_id,
                EventKind.SIGNED,
                now,
                None,
                {"domain": domain, "signatures": count},
            )
        )
    return events
