"""Events as rows: the story of each message."""

import json
from collections.abc import Sequence

import xxhash

from postroad.adapters.sql.statement import (
    Row,
    Run,
    RunMany,
    Sql,
    Steps,
    integer,
    one,
    optional_text,
    text,
)
from postroad.base.identifiers import new_octets
from postroad.base.moments import Moment
from postroad.model.events import Event, EventKind, NewEvent
from postroad.model.ids import AccountId, TraceId

_ADD = Sql("""
    INSERT INTO event (owner_id, trace_id, event_id, kind, happened_at, recipient, details,
        message_key)
    VALUES (:owner, :trace, :event, :kind, :at, :recipient, :details, :key)
""")
_OF_OWNER = Sql("""
    SELECT owner_id, trace_id, kind, happened_at, recipient, details FROM event
    WHERE owner_id = :owner AND trace_id = :trace ORDER BY happened_at, event_id
""")
_OF_ALL = Sql("""
    SELECT owner_id, trace_id, kind, happened_at, recipient, details FROM event
    WHERE trace_id = :trace ORDER BY happened_at, event_id
""")
_TRACE = Sql("SELECT trace_id FROM submission WHERE submission_id = :submission LIMIT 1")
_OF_MESSAGE = Sql("""
    SELECT trace_id, details FROM event WHERE message_key = :key
    ORDER BY happened_at DESC LIMIT 100
""")


def add_events(owner: AccountId, events: Sequence[NewEvent]) -> Steps[None]:
    if not events:
        return
    # One after the other, so that events of one moment keep their order.
    first = int.from_bytes(new_octets(), "big")
    ids = [(first + n).to_bytes(16, "big") for n in range(len(events))]
    yield RunMany(
        _ADD,
        [
            {
                "owner": owner,
                "trace": event.trace_id,
                "event": event_id,
                "kind": event.kind.value,
                "at": event.at,
                "recipient": event.recipient,
                "details": json.dumps(event.details),
                "key": _message_key(event.details.get("message_id")),
            }
            for event_id, event in zip(ids, events, strict=True)
        ],
    )


def events_of(owner: AccountId, trace: TraceId) -> Steps[list[Event]]:
    rows = yield Run(_OF_OWNER, {"owner": owner, "trace": trace})
    return [_event(row) for row in rows]


def trace_of(trace: TraceId) -> Steps[list[Event]]:
    rows = yield Run(_OF_ALL, {"trace": trace})
    return [_event(row) for row in rows]


def find_trace(identifier: str) -> Steps[TraceId | None]:
    if identifier.startswith("<"):
        return (yield from _find_message(identifier))
    row = one((yield Run(_TRACE, {"submission": identifier})))
    return None if row is None else TraceId(text(row[0]))


def _find_message(message_id: str) -> Steps[TraceId | None]:
    for row in (yield Run(_OF_MESSAGE, {"key": _message_key(message_id)})):
        if json.loads(text(row[1])).get("message_id") == message_id:
            return TraceId(text(row[0]))
    return None


def _message_key(message_id: object) -> int | None:
    """A hash as the index has it; None of an event that names no message."""
    if not isinstance(message_id, str):
        return None
    return xxhash.xxh3_64_intdigest(message_id.encode(errors="surrogatepass")) - 2**63


def _event(row: Row) -> Event:
    return Event(
        account_id=AccountId(integer(row[0])),
        trace_id=TraceId(text(row[1])),
        kind=EventKind(row[2]),
        at=Moment(integer(row[3])),
        recipient=optional_text(row[4]),
        details=json.loads(text(row[5])),
    )
