"""Mail on its way out: submissions, and the state of each of their recipients."""

from dataclasses import dataclass, field
from enum import Enum

from postroad.base.moments import Moment
from postroad.model.ids import AccountId, BlobId, SubmissionId, TenantId, TraceId


class RecipientState(Enum):
    """Where one recipient stands.

    queued -> sending -> delivered | bounced | queued (again later)
    queued <-> held;  queued | held -> canceled
    `sending` lapses into `queued` when its lease runs out.
    """

    QUEUED = "queued"
    SENDING = "sending"
    HELD = "held"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    CANCELED = "canceled"


FINAL_STATES = frozenset(
    {RecipientState.DELIVERED, RecipientState.BOUNCED, RecipientState.CANCELED}
)


class Source(Enum):
    """How a message came to be sent."""

    API = "api"
    SUBMISSION = "submission"
    NOTIFICATION = "notification"  # a DSN of ours
    FORWARD = "forward"


@dataclass(frozen=True, slots=True)
class Needs:
    """What the message asks of the next server."""

    eight_bit: bool = False  # 8BITMIME (RFC 6152)
    utf8: bool = False  # SMTPUTF8 (RFC 6531)
    binary: bool = False  # BINARYMIME (RFC 3030): NUL, bare CR or LF
    long_lines: bool = False  # lines over 998 octets (RFC 5322 section 2.1.1)


@dataclass(frozen=True, slots=True)
class NewSubmission:
    submission_id: SubmissionId
    trace_id: TraceId
    source: Source
    reverse_path: str  # "" for the null reverse path
    blob_id: BlobId
    size: int
    needs: Needs
    forward_paths: tuple[str, ...]
    created_at: Moment
    send_at: Moment  # not before
    api: bytes = b""  # what the API shows of it again, as JSON; empty for other sources
    idempotency_key: str | None = None
    request_hash: bytes = b""


@dataclass(frozen=True, slots=True)
class Submission:
    account_id: AccountId
    submission_id: SubmissionId
    trace_id: TraceId
    source: Source
    reverse_path: str
    blob_id: BlobId
    size: int
    needs: Needs
    created_at: Moment
    send_at: Moment
    api: bytes
    last_event: str  # in the words of the Resend API


@dataclass(frozen=True, slots=True)
class SubmissionRecipient:
    number: int
    forward_path: str
    state: RecipientState
    attempts: int
    next_attempt_at: Moment
    last_reply: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Recipients of one submission at one destination, held by one worker until `lease_until`."""

    submission: Submission
    tenant_id: TenantId  # whose account sends it
    destination: str  # the domain of the forward paths, A-labels in lower case
    recipients: tuple[SubmissionRecipient, ...]
    lease_token: str
    delay_notified: bool
    first_attempt_at: Moment


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one claimed recipient."""

    number: int
    state: RecipientState  # QUEUED: try again at `next_attempt_at`
    reply: str
    next_attempt_at: Moment | None = None  # for QUEUED
    delay_notified: bool = False


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which submissions to list or act on; all fields given must fit."""

    states: frozenset[RecipientState] = field(default_factory=frozenset)
    domain: str | None = None
    submission_id: SubmissionId | None = None
