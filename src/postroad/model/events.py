"""The story of a message: what happened to it, step by step (DESIGN.md section 3)."""

from dataclasses import dataclass, field
from enum import Enum

from postroad.base.moments import Moment
from postroad.model.ids import AccountId, TraceId


class EventKind(Enum):
    """A phase of a message's way. The values are public: API and command line show them."""

    RECEIVED = "received"  # taken in from a peer or a program, with how and from where
    STORED = "stored"  # put into a mailbox
    QUEUED = "queued"  # accepted for sending
    SIGNED = "signed"  # DKIM
    CONVERTED = "converted"  # made to fit a peer
    ATTEMPTED = "attempted"  # one try, with its transcript
    DELIVERED = "delivered"
    DELAYED = "delivery_delayed"
    BOUNCED = "bounced"
    CAPTURED = "captured"  # kept in the sandbox instead of leaving
    NOTIFIED = "notified"  # a DSN was sent
    HELD = "held"
    RELEASED = "released"
    CANCELED = "canceled"
    SCHEDULED = "scheduled"


Value = str | int | bool | None | list[str]


@dataclass(frozen=True, slots=True)
class NewEvent:
    trace_id: TraceId
    kind: EventKind
    at: Moment
    recipient: str | None = None
    details: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    account_id: AccountId
    trace_id: TraceId
    kind: EventKind
    at: Moment
    recipient: str | None
    details: dict[str, Value]
