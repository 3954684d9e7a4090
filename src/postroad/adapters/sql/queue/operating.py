"""What the operator does with the queue: list, retry, hold, release, cancel."""

from dataclasses import replace

from postroad.adapters.sql.events import add_events
from postroad.adapters.sql.owners import lock
from postroad.adapters.sql.queue.scheduling import update_progress
from postroad.adapters.sql.queue.submitting import find
from postroad.adapters.sql.statement import Params, Run, Sql, Steps, integer, text
from postroad.base.moments import Moment
from postroad.model.events import NewEvent
from postroad.model.ids import AccountId, SubmissionId, TraceId
from postroad.model.queue import QueueFilter, Submission, SubmissionRecipient

# Every part of the filter that is not given is the empty text, which fits all. The first line is
# the condition of an index, so that what is final costs nothing.
_FITS = """
    state IN ('queued', 'sending', 'held')
    AND (:submission = '' OR submission_id = :submission)
    AND (:domain = '' OR destination = :domain)
    AND (:states = '' OR :states LIKE '%,' || state || ',%')
"""
_WAITING = Sql(f"""
    SELECT DISTINCT owner_id, submission_id FROM recipient
    WHERE {_FITS}
    ORDER BY submission_id LIMIT :limit
""")  # noqa: S608
_RETRY = Sql(f"""
    UPDATE recipient SET due_at = :now WHERE state = 'queued' AND {_FITS}
    RETURNING owner_id, submission_id
""")  # noqa: S608
_HOLD = Sql(f"""
    UPDATE recipient SET state = 'held', due_at = NULL WHERE state = 'queued' AND {_FITS}
    RETURNING owner_id, submission_id
""")  # noqa: S608
_RELEASE = Sql(f"""
    UPDATE recipient SET state = 'queued', due_at = (
        SELECT CASE WHEN s.send_at > :now THEN s.send_at ELSE :now END FROM submission s
        WHERE s.owner_id = recipient.owner_id AND s.submission_id = recipient.submission_id
    )
    WHERE state = 'held' AND {_FITS}
    RETURNING owner_id, submission_id
""")  # noqa: S608
_CANCEL = Sql(f"""
    UPDATE recipient SET state = 'canceled', due_at = NULL
    WHERE state <> 'sending' AND {_FITS}
    RETURNING owner_id, submission_id
""")  # noqa: S608
_TRACE = Sql("""
    SELECT trace_id FROM submission WHERE owner_id = :owner AND submission_id = :submission
""")
_SIZES = Sql("""
    SELECT state, count(*) FROM recipient WHERE state IN ('queued', 'sending', 'held')
    GROUP BY state
""")


def waiting(
    which: QueueFilter, limit: int
) -> Steps[list[tuple[Submission, tuple[SubmissionRecipient, ...]]]]:
    rows = yield Run(_WAITING, {**_params(which), "limit": limit})
    found = []
    for row in rows:
        entry = yield from find(AccountId(integer(row[0])), SubmissionId(text(row[1])))
        if entry is not None:
            found.append(entry)
    return found


def retry(which: QueueFilter, now: Moment) -> Steps[int]:
    rows = yield Run(_RETRY, {**_params(which), "now": now})
    return len(rows)


def hold(which: QueueFilter, event: NewEvent) -> Steps[int]:
    return (yield from _act(_HOLD, _params(which), event))


def release(which: QueueFilter, now: Moment, event: NewEvent) -> Steps[int]:
    return (yield from _act(_RELEASE, {**_params(which), "now": now}, event))


def cancel(which: QueueFilter, event: NewEvent) -> Steps[int]:
    return (yield from _act(_CANCEL, _params(which), event))


def sizes() -> Steps[dict[str, int]]:
    rows = yield Run(_SIZES, {})
    return {text(row[0]): integer(row[1]) for row in rows}


def _act(statement: Sql, params: Params, event: NewEvent) -> Steps[int]:
    """Change the recipients that fit and tell it in the story of each message."""
    rows = yield Run(statement, params)
    for owner, submission in sorted({(integer(row[0]), text(row[1])) for row in rows}):
        account, name = AccountId(owner), SubmissionId(submission)
        # Others that settle recipients of the same message wait, so that one sees all are final.
        yield from lock(account)
        traces = yield Run(_TRACE, {"owner": owner, "submission": submission})
        yield from update_progress(account, name, event.at)
        told = [replace(event, trace_id=TraceId(text(trace[0]))) for trace in traces]
        yield from add_events(account, told)
    return len(rows)


def _params(which: QueueFilter) -> Params:
    states = ",".join(sorted(state.value for state in which.states))
    return {
        "submission": which.submission_id or "",
        "domain": which.domain or "",
        "states": f",{states}," if states else "",
    }
