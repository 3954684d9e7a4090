"""Submissions and their recipients in memory."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from postroad.adapters.memory.state import Entry, MemoryState, Recipient, Used, now
from postroad.base.errors import Conflict
from postroad.base.identifiers import new_uuid
from postroad.base.moments import Moment
from postroad.formats.mailaddress import normalise_address, split_address
from postroad.model.events import Event, NewEvent
from postroad.model.ids import AccountId, SubmissionId, TenantId, TraceId
from postroad.model.queue import (
    FINAL_STATES,
    Claim,
    NewSubmission,
    QueueFilter,
    RecipientState,
    Settlement,
    Source,
    Submission,
    SubmissionRecipient,
)
from postroad.stores.queue import CLAIM_RECIPIENTS, QueueStore

_WAITING = frozenset({RecipientState.QUEUED, RecipientState.HELD})
Found = tuple[Submission, tuple[SubmissionRecipient, ...]]


class MemoryQueueStore(QueueStore):
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def submit(
        self,
        account: AccountId,
        submissions: Sequence[NewSubmission],
        events: Sequence[NewEvent],
    ) -> Sequence[SubmissionId]:
        self._state.owner(account)
        first = submissions[0]
        if first.idempotency_key is not None:
            used = self._state.used_keys.get((account, first.idempotency_key))
            if used is not None and used.request_hash != first.request_hash:
                raise Conflict("this idempotency key was used for another request")
            if used is not None:
                return list(used.ids)
        for new in submissions:
            self._state.check_referable(account, new.blob_id)
        for new in submissions:
            add_submission(self._state, account, new)
        ids = [new.submission_id for new in submissions]
        if first.idempotency_key is not None:
            self._state.used_keys[account, first.idempotency_key] = Used(
                first.request_hash, ids, first.created_at
            )
        self._state.tell(account, events)
        return ids

    async def claim_due(
        self,
        now: Moment,
        lease_until: Moment,
        limit: int,
        running: Sequence[str],
        per_destination: int,
    ) -> tuple[list[Claim], Moment | None]:
        due: dict[tuple[AccountId, SubmissionId, str], Moment] = {}
        for entry, recipient in self._recipients():
            if recipient.due_at is not None and recipient.due_at <= now:
                group = entry.account, entry.new.submission_id, recipient.destination
                due[group] = min(recipient.due_at, due.get(group, recipient.due_at))
        counts = Counter(running)
        claims: list[Claim] = []
        for group in sorted(due, key=due.__getitem__):
            if len(claims) < limit and counts[group[2]] < per_destination:
                entry = self._state.entries[group[:2]]
                tenant = self._state.accounts[entry.account].tenant_id
                claims.append(_claim(entry, tenant, group[2], now, lease_until))
                counts[group[2]] += 1
        return claims, await self.next_due_at()

    async def next_due_at(self) -> Moment | None:
        moments = [one.due_at for _, one in self._recipients() if one.due_at is not None]
        return min(moments, default=None)

    async def renew(self, claim: Claim, lease_until: Moment) -> bool:
        held = self._held(claim)
        for recipient in held.values():
            recipient.due_at = lease_until
        return len(held) == len(claim.recipients)

    async def settle(
        self,
        claim: Claim,
        settlements: Sequence[Settlement],
        events: Sequence[NewEvent],
        notice: NewSubmission | None = None,
    ) -> bool:
        account, held = claim.submission.account_id, self._held(claim)
        kept = [settlement for settlement in settlements if settlement.number in held]
        if not kept:
            return False
        if notice is not None:
            self._state.check_referable(account, notice.blob_id)
            add_submission(self._state, account, notice)
        for settlement in kept:
            _settle(held[settlement.number], settlement)
        _progress(self._state.entries[account, claim.submission.submission_id], now())
        self._state.tell(account, events)
        return True

    async def find_submission(self, account: AccountId, submission: SubmissionId) -> Found | None:
        entry = self._state.entries.get((account, submission))
        return None if entry is None else _found(entry)

    async def locate(self, submission: SubmissionId) -> AccountId | None:
        accounts = [account for account, one in self._state.entries if one == submission]
        return accounts[0] if accounts else None

    async def submissions(
        self,
        account: AccountId,
        limit: int,
        *,
        after: SubmissionId | None = None,
        before: SubmissionId | None = None,
    ) -> list[Submission]:
        ids = sorted(
            (
                submission
                for (owner, submission), entry in self._state.entries.items()
                if owner == account
                and entry.new.source is Source.API
                and (after is None or submission < after)
                and (before is None or submission > before)
            ),
            reverse=True,
        )
        # A page before an id ends at it; any other begins at its newest.
        ids = ids[-limit:] if before is not None and after is None else ids[:limit]
        return [_submission(self._state.entries[account, one]) for one in ids]

    async def waiting(self, which: QueueFilter, limit: int) -> list[Found]:
        entries = {
            (entry.new.submission_id, entry.account): entry
            for entry, recipient in self._recipients()
            if recipient.state not in FINAL_STATES and _fits(entry, recipient, which)
        }
        return [_found(entries[key]) for key in sorted(entries)[:limit]]

    async def retry(self, which: QueueFilter, now: Moment) -> int:
        found = [
            recipient
            for entry, recipient in self._recipients()
            if recipient.state is RecipientState.QUEUED and _fits(entry, recipient, which)
        ]
        for recipient in found:
            recipient.due_at = now
        return len(found)

    async def hold(self, which: QueueFilter, event: NewEvent) -> int:
        return self._act(which, {RecipientState.QUEUED}, RecipientState.HELD, None, event)

    async def release(self, which: QueueFilter, now: Moment, event: NewEvent) -> int:
        return self._act(which, {RecipientState.HELD}, RecipientState.QUEUED, now, event)

    async def cancel(self, which: QueueFilter, event: NewEvent) -> int:
        return self._act(which, _WAITING, RecipientState.CANCELED, None, event)

    async def add_events(self, account: AccountId, events: Sequence[NewEvent]) -> None:
        self._state.tell(account, events)

    async def events(self, account: AccountId, trace: TraceId) -> list[Event]:
        return self._story(lambda one: one.trace_id == trace and one.account_id == account)

    async def trace(self, trace: TraceId) -> list[Event]:
        return self._story(lambda one: one.trace_id == trace)

    async def find_trace(self, identifier: str) -> TraceId | None:
        if identifier.startswith("<"):
            named = self._story(lambda one: one.details.get("message_id") == identifier)
            return named[-1].trace_id if named else None
        for (_, submission), entry in self._state.entries.items():
            if submission == identifier:
                return entry.new.trace_id
        return None

    async def sizes(self) -> dict[str, int]:
        sizes: dict[str, int] = {}
        for _, recipient in self._recipients():
            if recipient.state not in FINAL_STATES:
                sizes[recipient.state.value] = sizes.get(recipient.state.value, 0) + 1
        return sizes

    def _recipients(self) -> Iterator[tuple[Entry, Recipient]]:
        for entry in self._state.entries.values():
            for recipient in entry.recipients:
                yield entry, recipient

    def _held(self, claim: Claim) -> dict[int, Recipient]:
        """Recipients that the claim still holds, by number."""
        key = claim.submission.account_id, claim.submission.submission_id
        entry = self._state.entries.get(key)
        return {
            recipient.number: recipient
            for recipient in (entry.recipients if entry else ())
            if recipient.lease_token == claim.lease_token
            and recipient.state is RecipientState.SENDING
        }

    def _act(
        self,
        which: QueueFilter,
        states: set[RecipientState] | frozenset[RecipientState],
        state: RecipientState,
        due_at: Moment | None,
        event: NewEvent,
    ) -> int:
        found = [
            (entry, recipient)
            for entry, recipient in self._recipients()
            if recipient.state in states and _fits(entry, recipient, which)
        ]
        for entry, recipient in found:
            recipient.state = state
            recipient.due_at = None if due_at is None else max(due_at, entry.new.send_at)
        for entry in {id(entry): entry for entry, _ in found}.values():
            _progress(entry, event.at)
            self._state.tell(entry.account, [replace(event, trace_id=entry.new.trace_id)])
        return len(found)

    def _story(self, wanted: Callable[[Event], bool]) -> list[Event]:
        return sorted(filter(wanted, self._state.events), key=lambda one: one.at)


def add_submission(state: MemoryState, account: AccountId, new: NewSubmission) -> None:
    recipients = [
        Recipient(number, path, split_address(normalise_address(path))[1], new.send_at)
        for number, path in enumerate(new.forward_paths)
    ]
    last_event = "scheduled" if new.send_at > new.created_at else "queued"
    state.entries[account, new.submission_id] = Entry(account, new, last_event, recipients)


def _claim(entry: Entry, tenant: TenantId, destination: str, now: Moment, until: Moment) -> Claim:
    token, taken = new_uuid(), list[Recipient]()
    for recipient in entry.recipients:
        due = recipient.due_at is not None and recipient.due_at <= now
        fits = recipient.destination == destination and len(taken) < CLAIM_RECIPIENTS
        if due and fits:
            recipient.state, recipient.due_at = RecipientState.SENDING, until
            recipient.lease_token = token
            recipient.attempts += 1
            recipient.first_attempt_at = recipient.first_attempt_at or now
            taken.append(recipient)
    return Claim(
        submission=_submission(entry),
        tenant_id=tenant,
        destination=destination,
        recipients=tuple(map(_recipient, taken)),
        lease_token=token,
        delay_notified=any(recipient.delay_notified for recipient in taken),
        first_attempt_at=min(recipient.first_attempt_at or now for recipient in taken),
    )


def _settle(recipient: Recipient, settlement: Settlement) -> None:
    recipient.state, recipient.last_reply = settlement.state, settlement.reply[:2000]
    is_queued = settlement.state is RecipientState.QUEUED
    recipient.due_at = settlement.next_attempt_at if is_queued else None
    recipient.lease_token = None
    recipient.delay_notified = recipient.delay_notified or settlement.delay_notified


def _progress(entry: Entry, at: Moment) -> None:
    """What the submission as a whole shows: the worst that is sure, else what is going on."""
    states = {recipient.state for recipient in entry.recipients}
    tried = any(
        recipient.state is RecipientState.QUEUED and recipient.attempts
        for recipient in entry.recipients
    )
    if RecipientState.BOUNCED in states:
        entry.last_event = "bounced"
    elif tried:
        entry.last_event = "delivery_delayed"
    elif states - FINAL_STATES:
        entry.last_event = "queued"
    elif RecipientState.DELIVERED in states:
        entry.last_event = "delivered"
    else:
        entry.last_event = "canceled"
    entry.settled_at = at if entry.is_settled else None


def _fits(entry: Entry, recipient: Recipient, which: QueueFilter) -> bool:
    return (
        (not which.states or recipient.state in which.states)
        and which.domain in (None, recipient.destination)
        and which.submission_id in (None, entry.new.submission_id)
    )


def _found(entry: Entry) -> Found:
    return _submission(entry), tuple(map(_recipient, entry.recipients))


def _submission(entry: Entry) -> Submission:
    new = entry.new
    return Submission(
        account_id=entry.account,
        submission_id=new.submission_id,
        trace_id=new.trace_id,
        source=new.source,
        reverse_path=new.reverse_path,
        blob_id=new.blob_id,
        size=new.size,
        needs=new.needs,
        created_at=new.created_at,
        send_at=new.send_at,
        api=new.api,
        last_event=entry.last_event,
    )


def _recipient(recipient: Recipient) -> SubmissionRecipient:
    return SubmissionRecipient(
        number=recipient.number,
        forward_path=recipient.forward_path,
        state=recipient.state,
        attempts=recipient.attempts,
        next_attempt_at=recipient.due_at or Moment(0),
        last_reply=recipient.last_reply,
    )
