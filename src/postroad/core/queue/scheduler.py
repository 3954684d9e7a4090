"""Working through the queue: what is due is claimed, tried, and what became of it recorded.

A recipient's states and their order are in `model.queue.RecipientState`. Nothing is sent again
after a recorded success; what a crash leaves unrecorded is tried again when its lease lapses.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta

from postroad.base.errors import MailError
from postroad.base.moments import Moment, after
from postroad.core.message.outgoing import without_return_path
from postroad.core.queue.conversion import Conversion, Converter
from postroad.core.queue.local import LocalQueue
from postroad.core.queue.notice import Failure, Notices
from postroad.core.queue.settings import QueueSettings
from postroad.formats.convert.convert import CannotConvert
from postroad.model.events import EventKind, NewEvent
from postroad.model.mailbox import BlobRange
from postroad.model.queue import (
    Claim,
    Needs,
    NewSubmission,
    RecipientState,
    Settlement,
    SubmissionRecipient,
)
from postroad.ports.bus import Bus
from postroad.ports.clock import Clock
from postroad.ports.counters import Counter, Counters, NoCounters
from postroad.ports.tasks import Tasks
from postroad.ports.transport import (
    Accepted,
    Attempt,
    MailTransport,
    Outgoing,
    PermanentFailure,
    Result,
    TemporaryFailure,
    Unsupported,
)
from postroad.stores.blobs import BlobStore
from postroad.stores.queue import QueueStore

log = logging.getLogger(__name__)

_MAX_TRANSCRIPT = 60  # lines kept with an attempt
_LOOK_AGAIN = timedelta(seconds=1)


class Scheduler:
    """`work` starts what is due; it is called again when it said so, or when the bus wakes it."""

    def __init__(
        self,
        settings: QueueSettings,
        queue: QueueStore,
        blobs: BlobStore,
        local: LocalQueue,
        transport: MailTransport | None,
        converter: Converter,
        notices: Notices,
        bus: Bus,
        tasks: Tasks,
        clock: Clock,
        counters: Counters | None = None,
    ) -> None:
        """Without a transport, mail for elsewhere is captured in the sandbox."""
        self.settings = settings  # may be replaced at any time
        self._queue = queue
        self._blobs = blobs
        self._local = local
        self._transport = transport
        self._converter = converter
        self._notices = notices
        self._bus = bus
        self._tasks = tasks
        self._clock = clock
        self._counters = counters or NoCounters()
        self._running: dict[str, Claim] = {}  # by lease token
        self.tells_every_end = False  # wakes the queue at the end of each delivery
        self._is_waiting = False  # what is due, or may be, waits for the end of a delivery
        self._share_at = Moment(0)  # not before, so that two without room do not wake each other

    @property
    def in_flight(self) -> int:
        """Deliveries that are being tried now."""
        return len(self._running)

    async def work(self) -> Moment | None:
        """Start what is due, as far as there is room; returns when to look again at the latest."""
        now = self._clock.now()
        free = self.settings.at_once - len(self._running)
        if free > 0:
            claims, due = await self._claim(now, free)
        else:
            claims, due = [], await self._queue.next_due_at()
        for claim in claims:
            self._running[claim.lease_token] = claim
            steps = (self._attempt, self._record_mishap, self._record_mishap_alone)
            self._tasks.start("deliver", *(self._job(claim, step) for step in steps))
        if due is None or due > now or claims:
            return due
        # What is due waits for room, and whoever makes room wakes the queue.
        self._is_waiting = True
        if now >= self._share_at:
            self._share_at = after(now, _LOOK_AGAIN)
            self._bus.share_queue()
        return after(now, _LOOK_AGAIN)

    async def renew(self) -> None:
        """Hold on to what is being sent; to be called a few times within a lease."""
        until = after(self._clock.now(), self.settings.lease)
        for claim in list(self._running.values()):
            await self._queue.renew(claim, until)

    async def _claim(self, now: Moment, free: int) -> tuple[list[Claim], Moment | None]:
        return await self._queue.claim_due(
            now,
            after(now, self.settings.lease),
            free,
            [claim.destination for claim in self._running.values()],
            self.settings.at_once_per_destination,
        )

    def _job(
        self, claim: Claim, step: Callable[[Claim], Awaitable[None]]
    ) -> Callable[[], Awaitable[None]]:
        async def job() -> None:
            is_recorded = False
            try:
                await step(claim)
                is_recorded = True
            except MailError as error:
                # Nothing could be recorded: the store is away, or the account is gone.
                extra = {"submission": claim.submission.submission_id, "why": str(error)}
                log.warning("a delivery could not be recorded", extra=extra)
            finally:
                self._running.pop(claim.lease_token, None)
                # Most deliveries leave nothing to do, and looking for it costs a transaction.
                if self._is_waiting or self.tells_every_end or not is_recorded:
                    self._is_waiting = False
                    self._bus.wake_queue()

        return job

    async def _attempt(self, claim: Claim) -> None:
        kind = EventKind.DELIVERED
        try:
            if await self._local.takes(claim):
                attempt = Attempt(await self._local.deliver(claim), remote="this server")
            elif self._transport is None:
                kind = EventKind.CAPTURED
                attempt = Attempt(await self._local.capture(claim), remote="sandbox")
            else:
                attempt = await self._send(claim, self._transport)
        except MailError as error:
            # Ours to mend, so it is tried again whatever it is, and given up as all else is.
            trouble = TemporaryFailure(f"this server could not do it: {error}", 451, "4.3.0")
            attempt = Attempt([trouble for _ in claim.recipients], remote="this server")
        await self._record(claim, attempt, kind)

    async def _record_mishap(self, claim: Claim) -> None:
        """The attempt failed by a mistake of ours: it is tried again, and given up, like others.

        Unrecorded, it would be claimed again as soon as the lease lapses, and for ever.
        """
        await self._record(claim, _mishap(claim), EventKind.DELIVERED)

    async def _record_mishap_alone(self, claim: Claim) -> None:
        """It cannot be recorded with a notice to the sender; so it is without."""
        now, attempt = self._clock.now(), _mishap(claim)
        settled = self._settle_all(claim, attempt, now, warn=False)
        await self._store(claim, attempt, [one for one, _ in settled], EventKind.DELIVERED, now)

    async def _send(self, claim: Claim, transport: MailTransport) -> Attempt:
        """Send as it is; if the other side cannot take that, convert and send again."""
        submission = claim.submission
        wanted = BlobRange(submission.blob_id, 0, submission.size)
        attempt = await transport.send(
            claim.destination,
            _outgoing(claim, submission.needs, lambda: without_return_path(self._blobs, wanted)),
        )
        lacking = [one for one in attempt.results if isinstance(one, Unsupported)]
        if not lacking:
            return attempt
        lacks = lacking[0].lacks
        converted = await self._converter.convert(submission, lacks, self._clock.now())
        if isinstance(converted, CannotConvert):
            text = f"the other server cannot take this message: {converted.reason}"
            code = "5.6.7" if lacks.utf8 else "5.6.3"  # RFC 6531 section 4.4, RFC 3463
            refusal = PermanentFailure(text, 550, code)
            return _replaced(attempt, refusal)
        try:
            return await self._send_converted(claim, transport, converted)
        finally:
            converted.close()

    async def _send_converted(
        self, claim: Claim, transport: MailTransport, converted: Conversion
    ) -> Attempt:
        attempt = await transport.send(
            claim.destination, _outgoing(claim, converted.needs, converted.chunks, converted.size)
        )
        return _replaced(
            attempt, PermanentFailure("the other server cannot take this message", 550, "5.6.3")
        )

    async def _record(self, claim: Claim, attempt: Attempt, success: EventKind) -> None:
        now = self._clock.now()
        warn = self._is_late(claim, now)
        settled = self._settle_all(claim, attempt, now, warn=warn)
        failures = [failure for _, failure in settled if failure is not None]
        try:
            notice = await self._notices.make(claim, failures, now, self.settings.give_up_after)
        except MailError as error:
            # What was delivered is recorded all the same, or it would be sent again. Who is to
            # hear of a failure stays in the queue until a notice can be stored.
            log.warning("no room for a notice", extra={"why": str(error)})
            notice = None
            settled = [
                (one if failure is None else self._postponed(recipient, one, now), None)
                for recipient, (one, failure) in zip(claim.recipients, settled, strict=True)
            ]
        settlements = [settlement for settlement, _ in settled]
        told = None if notice is None else (notice, _notified(claim, failures, notice, now))
        await self._store(claim, attempt, settlements, success, now, told)

    async def _store(
        self,
        claim: Claim,
        attempt: Attempt,
        settlements: Sequence[Settlement],
        success: EventKind,
        now: Moment,
        told: tuple[NewSubmission, NewEvent] | None = None,
    ) -> None:
        events = [
            _attempted(claim, attempt, now),
            *(
                _outcome(claim, recipient, settlement, success, now)
                for recipient, settlement in zip(claim.recipients, settlements, strict=True)
            ),
        ]
        notice, notified = told or (None, None)
        if notified is not None:
            events.append(notified)
        if notice is not None or any(one.next_attempt_at is not None for one in settlements):
            self._is_waiting = True  # there is another time to be known
        if await self._queue.settle(claim, settlements, events, notice):
            for settlement in settlements:
                self._counters.count(Counter.OUTCOMES, settlement.state.value)

    def _settle_all(
        self, claim: Claim, attempt: Attempt, now: Moment, *, warn: bool
    ) -> list[tuple[Settlement, Failure | None]]:
        return [
            self._settle(claim, recipient, result, attempt, now, warn)
            for recipient, result in zip(claim.recipients, attempt.results, strict=True)
        ]

    def _settle(
        self,
        claim: Claim,
        recipient: SubmissionRecipient,
        result: Result,
        attempt: Attempt,
        now: Moment,
        warn: bool,
    ) -> tuple[Settlement, Failure | None]:
        if isinstance(result, Accepted):
            return Settlement(recipient.number, RecipientState.DELIVERED, result.reply), None
        reply, enhanced = _reason(result)
        permanent = isinstance(result, PermanentFailure)
        if not permanent and now >= after(claim.first_attempt_at, self.settings.give_up_after):
            reply, permanent = f"given up after many attempts; the last one: {reply}", True
        if permanent:
            failure = Failure(recipient.forward_path, reply, enhanced, attempt.remote, True)
            return Settlement(recipient.number, RecipientState.BOUNCED, reply), failure
        late = None
        if warn:
            late = Failure(recipient.forward_path, reply, enhanced, attempt.remote, False)
        again = self.settings.next_attempt_at(now, recipient.attempts)
        return Settlement(recipient.number, RecipientState.QUEUED, reply, again, warn), late

    def _postponed(
        self, recipient: SubmissionRecipient, settlement: Settlement, now: Moment
    ) -> Settlement:
        again = self.settings.next_attempt_at(now, recipient.attempts)
        return Settlement(recipient.number, RecipientState.QUEUED, settlement.reply, again)

    def _is_late(self, claim: Claim, now: Moment) -> bool:
        """Whether this is the time for the one notice of delay."""
        if claim.delay_notified:
            return False
        return now >= after(claim.first_attempt_at, self.settings.warn_after)


def _outgoing(
    claim: Claim,
    needs: Needs,
    chunks: Callable[[], AsyncIterator[bytes]],
    size: int | None = None,
) -> Outgoing:
    return Outgoing(
        reverse_path=claim.submission.reverse_path,
        forward_paths=[recipient.forward_path for recipient in claim.recipients],
        size=claim.submission.size if size is None else size,
        needs=needs,
        chunks=chunks,
    )


def _mishap(claim: Claim) -> Attempt:
    """Security: what our mistake was stands in the log, not in what the sender gets."""
    failure = TemporaryFailure("this server made a mistake", 451, "4.3.0")
    return Attempt([failure for _ in claim.recipients], remote="this server")


def _replaced(attempt: Attempt, refusal: PermanentFailure) -> Attempt:
    """What is unsupported is refused for good."""
    results = [refusal if isinstance(one, Unsupported) else one for one in attempt.results]
    return Attempt(results, attempt.remote, attempt.tls, attempt.transcript)


def _reason(result: Result) -> tuple[str, str]:
    match result:
        case TemporaryFailure() | PermanentFailure():
            return result.reply, result.enhanced
        case _:
            return "the other server cannot take this message", "5.6.3"


def _attempted(claim: Claim, attempt: Attempt, now: Moment) -> NewEvent:
    transcript: Sequence[str] = attempt.transcript
    if len(transcript) > _MAX_TRANSCRIPT:
        left_out = f"... {len(transcript) - _MAX_TRANSCRIPT} lines left out ..."
        half = _MAX_TRANSCRIPT // 2
        transcript = [*transcript[:half], left_out, *transcript[-half:]]
    return NewEvent(
        claim.submission.trace_id,
        EventKind.ATTEMPTED,
        now,
        None,
        {
            "destination": claim.destination,
            "remote": attempt.remote,
            "tls": attempt.tls,
            "attempt": max(recipient.attempts for recipient in claim.recipients),
            "transcript": list(transcript),
        },
    )


def _notified(
    claim: Claim, failures: Sequence[Failure], notice: NewSubmission, now: Moment
) -> NewEvent:
    told = [failure.forward_path for failure in failures]
    return NewEvent(
        claim.submission.trace_id,
        EventKind.NOTIFIED,
        now,
        claim.submission.reverse_path,
        {"about": told, "submission": notice.submission_id},
    )


def _outcome(
    claim: Claim,
    recipient: SubmissionRecipient,
    settlement: Settlement,
    success: EventKind,
    now: Moment,
) -> NewEvent:
    kinds = {
        RecipientState.DELIVERED: success,
        RecipientState.BOUNCED: EventKind.BOUNCED,
        RecipientState.QUEUED: EventKind.DELAYED,
    }
    return NewEvent(
        claim.submission.trace_id,
        kinds[settlement.state],
        now,
        recipient.forward_path,
        {"reply": settlement.reply},
    )
