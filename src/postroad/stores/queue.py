"""What the core asks of the store of outgoing mail and of the events of all mail."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

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

# RFC 5321 section 4.5.3.1.8: no server has to take more in one transaction.
CLAIM_RECIPIENTS = 100


class QueueStore(Protocol):
    """Submissions, their recipients, idempotency keys and events. Each call is one transaction."""

    @abstractmethod
    async def submit(
        self,
        account: AccountId,
        submissions: Sequence[NewSubmission],
        events: Sequence[NewEvent],
    ) -> Sequence[SubmissionId]:
        """Accept messages for sending, all or none, with their recipients and events.

        Where `idempotency_key` was used before (it is the first submission's that counts), the
        ids of then are returned and nothing is stored.
        Raises `Conflict` when the key was used with another `request_hash`.
        """
        ...

    @abstractmethod
    async def claim_due(
        self,
        now: Moment,
        lease_until: Moment,
        limit: int,
        running: Sequence[str],
        per_destination: int,
    ) -> tuple[list[Claim], Moment | None]:
        """Take up to `limit` groups of due recipients, oldest first, for this worker alone.

        Then comes what `next_due_at` tells afterwards.

        A group is at most `CLAIM_RECIPIENTS` recipients of one submission at one destination.
        `running` names the destination of each delivery under way; with those, no destination gets
        more than `per_destination`. A claim that is not settled by `lease_until` is due again, so
        that an attempt can happen twice, never a recorded success.
        """
        ...

    @abstractmethod
    async def next_due_at(self) -> Moment | None:
        """When the earliest recipient is due, or its lease lapses; None when nothing waits."""
        ...

    @abstractmethod
    async def renew(self, claim: Claim, lease_until: Moment) -> bool:
        """Hold a claim longer; False when it was lost."""
        ...

    @abstractmethod
    async def settle(
        self,
        claim: Claim,
        settlements: Sequence[Settlement],
        events: Sequence[NewEvent],
        notice: NewSubmission | None = None,
    ) -> bool:
        """Record what became of a claim, with its events; False (nothing stored) if it was lost.

        `notice` is a DSN to the sender: it is queued together with the record that causes it.

        When the last recipient is final, the reference to the message's blob is dropped after the
        retention that `ReferenceStore.purge_settled` applies.
        """
        ...

    @abstractmethod
    async def find_submission(
        self, account: AccountId, submission: SubmissionId
    ) -> tuple[Submission, tuple[SubmissionRecipient, ...]] | None: ...

    @abstractmethod
    async def locate(self, submission: SubmissionId) -> AccountId | None:
        """The account of a submission, for the operator's commands only."""
        ...

    @abstractmethod
    async def submissions(
        self,
        account: AccountId,
        limit: int,
        *,
        after: SubmissionId | None = None,
        before: SubmissionId | None = None,
    ) -> list[Submission]:
        """What programs sent (`Source.API`), newest first, between two ids, both left out."""
        ...

    @abstractmethod
    async def waiting(
        self, which: QueueFilter, limit: int
    ) -> list[tuple[Submission, tuple[SubmissionRecipient, ...]]]:
        """Submissions with recipients that are not final, for the operator."""
        ...

    @abstractmethod
    async def retry(self, which: QueueFilter, now: Moment) -> int:
        """Make waiting recipients due now; returns how many."""
        ...

    @abstractmethod
    async def hold(self, which: QueueFilter, event: NewEvent) -> int: ...

    @abstractmethod
    async def release(self, which: QueueFilter, now: Moment, event: NewEvent) -> int:
        """Make what is held due now, or at the later time that its sender asked for."""
        ...

    @abstractmethod
    async def cancel(self, which: QueueFilter, event: NewEvent) -> int:
        """Give recipients up without a DSN. Those being sent at this moment are left alone."""
        ...

    @abstractmethod
    async def add_events(self, account: AccountId, events: Sequence[NewEvent]) -> None: ...

    @abstractmethod
    async def events(self, account: AccountId, trace: TraceId) -> list[Event]: ...

    @abstractmethod
    async def trace(self, trace: TraceId) -> list[Event]:
        """All events of a trace over all accounts, in order, for the operator's command only."""
        ...

    @abstractmethod
    async def find_trace(self, identifier: str) -> TraceId | None:
        """The trace of a submission id or, of the newest story, of a Message-ID in its brackets.

        For the operator's command only: a Message-ID is looked for in all stories that are kept.
        """
        ...

    @abstractmethod
    async def sizes(self) -> dict[str, int]:
        """How many recipients are in each state that is not final."""
        ...


class ReferenceStore(Protocol):
    """Which blobs are needed, and the clearing of what is not (DESIGN.md section 4)."""

    @abstractmethod
    async def purge_expunged(self, before: Moment, limit: int) -> int:
        """Forget messages expunged before a moment, at most `limit`, and drop their references."""
        ...

    @abstractmethod
    async def purge_excess(self, limit: int) -> int:
        """Forget what is kept beyond half of an account's quota, expunged first first.

        At most `limit` messages; 0 when no account keeps too much.
        """
        ...

    @abstractmethod
    async def purge_settled(self, before: Moment, limit: int) -> int:
        """Forget submissions all of whose recipients were final before a moment."""
        ...

    @abstractmethod
    async def purge_keys(self, before: Moment) -> int:
        """Forget idempotency keys."""
        ...

    @abstractmethod
    async def purge_events(self, before: TraceId, limit: int) -> int:
        """Forget the stories of up to `limit` traces with ids below `before`; ids follow time."""
        ...

    @abstractmethod
    async def purge_changes(self, before: Moment, limit: int) -> int:
        """Forget changes of up to `limit` mailboxes and raise their `oldest_known_mod_seq`."""
        ...

    @abstractmethod
    async def unreferenced(self, blobs: Sequence[BlobId]) -> list[BlobId]:
        """Those of `blobs` that nothing refers to."""
        ...

    @abstractmethod
    async def garbage(self, limit: int) -> list[BlobId]:
        """Blobs that lost a reference, and have none left."""
        ...

    @abstractmethod
    async def forget_garbage(self, blobs: Sequence[BlobId]) -> None: ...

    @abstractmethod
    async def references(self, after: BlobId, limit: int) -> list[tuple[AccountId, BlobId]]:
        """References in order of blob id, for scrubbing."""
        ...

    @abstractmethod
    async def check(self) -> list[str]:
        """Faults of the store itself, each explained; empty when it is sound."""
        ...
