"""Taking what is due and recording what became of it."""

from collections import Counter
from collections.abc import Sequence

from postroad.adapters.sql.events import add_events
from postroad.adapters.sql.owners import lock
from postroad.adapters.sql.queue.submitting import (
    SUBMISSION,
    add_submission,
    to_recipient,
    to_submission,
)
from postroad.adapters.sql.statement import (
    Params,
    Run,
    Sql,
    Steps,
    integer,
    one,
    optional_integer,
    text,
)
from postroad.base.identifiers import new_uuid
from postroad.base.moments import Moment
from postroad.model.events import NewEvent
from postroad.model.ids import AccountId, SubmissionId, TenantId
from postroad.model.queue import Claim, NewSubmission, RecipientState, Settlement
from postroad.stores.queue import CLAIM_RECIPIENTS

_DUE = Sql("""
    SELECT r.owner_id, r.submission_id, r.destination FROM recipient r
    WHERE r.due_at <= :now
        AND NOT EXISTS (SELECT 1 FROM {each text busy} WHERE value = r.destination)
    ORDER BY r.due_at LIMIT :limit {skip locked}
""")
_CLAIM = Sql("""
    UPDATE recipient SET state = 'sending', lease_token = :token, due_at = :until,
        attempts = attempts + 1, first_attempt_at = coalesce(first_attempt_at, :now)
    WHERE owner_id = :owner AND submission_id = :submission AND due_at <= :now AND number IN (
        SELECT number FROM recipient
        WHERE owner_id = :owner AND submission_id = :submission AND destination = :destination
            AND due_at <= :now
        ORDER BY number LIMIT :most
    )
    RETURNING number, forward_path, state, attempts, due_at, last_reply, delay_notified,
        first_attempt_at
""")
_SUBMISSION = Sql(f"""
    SELECT {SUBMISSION}, a.tenant_id
    FROM submission s JOIN account a ON a.account_id = s.owner_id
    WHERE s.owner_id = :owner AND s.submission_id = :submission
""")  # noqa: S608
_NEXT = Sql("SELECT min(due_at) FROM recipient WHERE due_at IS NOT NULL")
_RENEW = Sql("""
    UPDATE recipient SET due_at = :until
    WHERE owner_id = :owner AND submission_id = :submission AND lease_token = :token
        AND state = 'sending'
    RETURNING number
""")
_SETTLE = Sql("""
    UPDATE recipient SET state = :state, last_reply = :reply, due_at = :due_at, lease_token = NULL,
        delay_notified = CASE WHEN :notified = 1 THEN 1 ELSE delay_notified END
    WHERE owner_id = :owner AND submission_id = :submission AND number = :number
        AND lease_token = :token AND state = 'sending'
    RETURNING number
""")
_STATES = Sql("""
    SELECT state, count(*), max(attempts) FROM recipient
    WHERE owner_id = :owner AND submission_id = :submission GROUP BY state
""")
_PROGRESS = Sql("""
    UPDATE submission SET last_event = :last_event, settled_at = :settled_at
    WHERE owner_id = :owner AND submission_id = :submission
""")

_OVERSAMPLE = 8  # rows looked at for each claim wanted: many belong to one message


def claim_due(
    now: Moment, lease_until: Moment, limit: int, running: Sequence[str], per_destination: int
) -> Steps[tuple[list[Claim], Moment | None]]:
    counts = Counter(running)
    busy = [destination for destination, count in counts.items() if count >= per_destination]
    rows = yield Run(_DUE, {"now": now, "limit": limit * _OVERSAMPLE, "busy": busy})
    groups = dict.fromkeys((integer(row[0]), text(row[1]), text(row[2])) for row in rows)
    claims: list[Claim] = []
    for owner, submission, destination in groups:
        if len(claims) >= limit:
            break
        if counts[destination] >= per_destination:
            continue
        claim = yield from _claim(
            AccountId(owner), SubmissionId(submission), destination, now, lease_until
        )
        if claim is not None:
            claims.append(claim)
            counts[destination] += 1
    return claims, (yield from next_due_at())


def _claim(
    owner: AccountId, submission: SubmissionId, destination: str, now: Moment, until: Moment
) -> Steps[Claim | None]:
    token = new_uuid()
    found = one((yield Run(_SUBMISSION, {"owner": owner, "submission": submission})))
    rows = yield Run(
        _CLAIM,
        {
            "owner": owner,
            "submission": submission,
            "destination": destination,
            "token": token,
            "until": until,
            "now": now,
            "most": CLAIM_RECIPIENTS,
        },
    )
    if found is None or not rows:
        return None
    first = min(optional_integer(row[7]) or now for row in rows)
    return Claim(
        submission=to_submission(found),
        tenant_id=TenantId(integer(found[-1])),
        destination=destination,
        recipients=tuple(sorted(map(to_recipient, rows), key=lambda one: one.number)),
        lease_token=token,
        delay_notified=any(row[6] for row in rows),
        first_attempt_at=Moment(first),
    )


def next_due_at() -> Steps[Moment | None]:
    rows = yield Run(_NEXT, {})
    due = optional_integer(rows[0][0])
    return None if due is None else Moment(due)


def renew(claim: Claim, lease_until: Moment) -> Steps[bool]:
    rows = yield Run(_RENEW, {**_names(claim), "until": lease_until})
    return len(rows) == len(claim.recipients)


def settle(
    claim: Claim,
    settlements: Sequence[Settlement],
    events: Sequence[NewEvent],
    notice: NewSubmission | None,
    now: Moment,
) -> Steps[bool]:
    owner = claim.submission.account_id
    yield from lock(owner)
    kept = 0
    for settlement in settlements:
        due = settlement.next_attempt_at if settlement.state is RecipientState.QUEUED else None
        rows = yield Run(
            _SETTLE,
            {
                **_names(claim),
                "number": settlement.number,
                "state": settlement.state.value,
                "reply": settlement.reply[:2000],
                "due_at": due,
                "notified": int(settlement.delay_notified),
            },
        )
        kept += len(rows)
    if not kept:
        return False
    yield from update_progress(owner, claim.submission.submission_id, now)
    if notice is not None:
        yield from add_submission(owner, notice)
    yield from add_events(owner, events)
    return True


def update_progress(owner: AccountId, submission: SubmissionId, now: Moment) -> Steps[None]:
    """What the submission as a whole shows, from the states of its recipients."""
    params: Params = {"owner": owner, "submission": submission}
    rows = yield Run(_STATES, params)
    states = {text(row[0]): integer(row[2]) for row in rows}
    waiting = states.keys() & {"queued", "sending", "held"}
    yield Run(
        _PROGRESS,
        {
            **params,
            "last_event": _last_event(states),
            "settled_at": None if waiting else now,
        },
    )


def _last_event(states: dict[str, int]) -> str:
    """In the words of the Resend API: the worst that is sure, else what is going on."""
    if "bounced" in states:
        return "bounced"
    if states.get("queued", 0) > 0:
        return "delivery_delayed"
    if states.keys() & {"queued", "sending", "held"}:
        return "queued"
    if "delivered" in states:
        return "delivered"
    return "canceled"


def _names(claim: Claim) -> Params:
    return {
        "owner": claim.submission.account_id,
        "submission": claim.submission.submission_id,
        "token": claim.lease_token,
    }
