"""The stores of outgoing mail, of events and of references, as operations on an engine."""

from collections.abc import Sequence

from postroad.adapters.sql import upkeep
from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.events import add_events, events_of, find_trace, trace_of
from postroad.adapters.sql.mail.mailboxes import now
from postroad.adapters.sql.queue import operating, scheduling, submitting
from postroad.adapters.sql.statement import Steps
from postroad.base.errors import TryLater
from postroad.base.moments import Moment
from postroad.model.events import Event, NewEvent
from postroad.model.ids import AccountId, BlobId, SubmissionId, TraceId
from postroad.model.queue import (
    Claim,
    NewSubmission,
    QueueFilter,
    Settlement,
    Submission,
    SubmissionRecipient,
)
from postroad.stores.queue import QueueStore, ReferenceStore


class SqlQueueStore(QueueStore):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def submit(
        self,
        account: AccountId,
        submissions: Sequence[NewSubmission],
        events: Sequence[NewEvent],
    ) -> Sequence[SubmissionId]:
        return await self._engine.write(lambda: submitting.submit(account, submissions, events))

    async def claim_due(
        self,
        now: Moment,
        lease_until: Moment,
        limit: int,
        running: Sequence[str],
        per_destination: int,
    ) -> tuple[list[Claim], Moment | None]:
        return await self._engine.write(
            lambda: scheduling.claim_due(now, lease_until, limit, running, per_destination)
        )

    async def next_due_at(self) -> Moment | None:
        return await self._engine.read(scheduling.next_due_at)

    async def renew(self, claim: Claim, lease_until: Moment) -> bool:
        return await self._engine.write(lambda: scheduling.renew(claim, lease_until))

    async def settle(
        self,
        claim: Claim,
        settlements: Sequence[Settlement],
        events: Sequence[NewEvent],
        notice: NewSubmission | None = None,
    ) -> bool:
        return await self._engine.write(
            lambda: scheduling.settle(claim, settlements, events, notice, now())
        )

    async def find_submission(
        self, account: AccountId, submission: SubmissionId
    ) -> tuple[Submission, tuple[SubmissionRecipient, ...]] | None:
        return await self._engine.read(lambda: submitting.find(account, submission))

    async def locate(self, submission: SubmissionId) -> AccountId | None:
        return await self._engine.read(lambda: submitting.locate(submission))

    async def submissions(
        self,
        account: AccountId,
        limit: int,
        *,
        after: SubmissionId | None = None,
        before: SubmissionId | None = None,
    ) -> list[Submission]:
        return await self._engine.read(
            lambda: submitting.list_submissions(account, limit, after, before)
        )

    async def waiting(
        self, which: QueueFilter, limit: int
    ) -> list[tuple[Submission, tuple[SubmissionRecipient, ...]]]:
        return await self._engine.read(lambda: operating.waiting(which, limit))

    async def retry(self, which: QueueFilter, now: Moment) -> int:
        return await self._engine.write(lambda: operating.retry(which, now))

    async def hold(self, which: QueueFilter, event: NewEvent) -> int:
        return await self._engine.write(lambda: operating.hold(which, event))

    async def release(self, which: QueueFilter, now: Moment, event: NewEvent) -> int:
        return await self._engine.write(lambda: operating.release(which, now, event))

    async def cancel(self, which: QueueFilter, event: NewEvent) -> int:
        return await self._engine.write(lambda: operating.cancel(which, event))

    async def add_events(self, account: AccountId, events: Sequence[NewEvent]) -> None:
        await self._engine.write(lambda: add_events(account, events))

    async def events(self, account: AccountId, trace: TraceId) -> list[Event]:
        return await self._engine.read(lambda: events_of(account, trace))

    async def trace(self, trace: TraceId) -> list[Event]:
        return await self._engine.read(lambda: trace_of(trace))

    async def find_trace(self, identifier: str) -> TraceId | None:
        return await self._engine.read(lambda: find_trace(identifier))

    async def sizes(self) -> dict[str, int]:
        return await self._engine.read(operating.sizes)


class SqlReferenceStore(ReferenceStore):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def purge_expunged(self, before: Moment, limit: int) -> int:
        return await self._engine.write(lambda: upkeep.purge_expunged(before, limit))

    async def purge_excess(self, limit: int) -> int:
        return await self._engine.write(lambda: upkeep.purge_excess(limit))

    async def purge_settled(self, before: Moment, limit: int) -> int:
        return await self._engine.write(lambda: upkeep.purge_settled(before, limit))

    async def purge_keys(self, before: Moment) -> int:
        return await self._engine.write(lambda: upkeep.purge_keys(before))

    async def purge_events(self, before: TraceId, limit: int) -> int:
        return await self._engine.write(lambda: upkeep.purge_events(before, limit))

    async def purge_changes(self, before: Moment, limit: int) -> int:
        return await self._engine.write(lambda: upkeep.purge_changes(before, limit))

    async def unreferenced(self, blobs: Sequence[BlobId]) -> list[BlobId]:
        def operation() -> Steps[list[BlobId]]:
            found = []
            for blob in blobs:
                if not (yield from upkeep.is_referred(blob)):
                    found.append(blob)
            return found

        return await self._engine.read(operation)

    async def garbage(self, limit: int) -> list[BlobId]:
        return await self._engine.write(lambda: upkeep.garbage(limit))

    async def forget_garbage(self, blobs: Sequence[BlobId]) -> None:
        def operation() -> Steps[None]:
            for blob in blobs:
                yield from upkeep.forget_garbage(blob)

        await self._engine.write(operation)

    async def references(self, after: BlobId, limit: int) -> list[tuple[AccountId, BlobId]]:
        return await self._engine.read(lambda: upkeep.references(after, limit))

    async def check(self) -> list[str]:
        faults = await self._engine.check()
        try:
            return [*faults, *await self._engine.read(upkeep.check_rows)]
        except TryLater as error:  # too damaged to be read
            return [*faults, str(error)]
