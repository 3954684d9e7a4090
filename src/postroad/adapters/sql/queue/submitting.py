"""Submissions as rows: accepting them and finding them again."""

import json
from collections.abc import Sequence

from postroad.adapters.sql.events import add_events
from postroad.adapters.sql.owners import lock, refer
from postroad.adapters.sql.references import check_referable
from postroad.adapters.sql.statement import (
    Params,
    Row,
    Run,
    RunMany,
    Sql,
    Steps,
    integer,
    octets,
    one,
    optional_integer,
    text,
)
from postroad.base.errors import Conflict
from postroad.base.moments import Moment
from postroad.formats.mailaddress import normalise_address, split_address
from postroad.model.events import NewEvent
from postroad.model.ids import AccountId, BlobId, SubmissionId, TraceId
from postroad.model.queue import (
    Needs,
    NewSubmission,
    RecipientState,
    Source,
    Submission,
    SubmissionRecipient,
)

SUBMISSION = """s.owner_id, s.submission_id, s.trace_id, s.source, s.reverse_path, s.blob_id,
    s.size, s.needs, s.created_at, s.send_at, s.api, s.last_event"""
RECIPIENT = "r.number, r.forward_path, r.state, r.attempts, r.due_at, r.last_reply"

_KEY = Sql("""
    SELECT request_hash, submission_ids FROM idempotency
    WHERE owner_id = :owner AND idempotency_key = :key
""")
_ADD_KEY = Sql("""
    INSERT INTO idempotency (owner_id, idempotency_key, request_hash, submission_ids, created_at)
    VALUES (:owner, :key, :hash, :ids, :at)
""")
_ADD = Sql("""
    INSERT INTO submission (owner_id, submission_id, trace_id, source, reverse_path, blob_id, size,
        needs, created_at, send_at, settled_at, last_event, api)
    VALUES (:owner, :submission, :trace, :source, :reverse_path, :blob, :size, :needs,
        :created_at, :send_at, NULL, :last_event, :api)
""")
_ADD_RECIPIENT = Sql("""
    INSERT INTO recipient (owner_id, submission_id, number, forward_path, destination, state,
        attempts, due_at, lease_token, first_attempt_at, delay_notified, last_reply)
    VALUES (:owner, :submission, :number, :forward_path, :destination, 'queued', 0, :due_at, NULL,
        NULL, 0, '')
""")
_FIND = Sql(f"""
    SELECT {SUBMISSION} FROM submission s
    WHERE s.owner_id = :owner AND s.submission_id = :submission
""")  # noqa: S608
_RECIPIENTS = Sql(f"""
    SELECT {RECIPIENT} FROM recipient r
    WHERE r.owner_id = :owner AND r.submission_id = :submission ORDER BY r.number
""")  # noqa: S608
_LOCATE = Sql("SELECT owner_id FROM submission WHERE submission_id = :submission LIMIT 1")
_LIST = Sql(f"""
    SELECT {SUBMISSION} FROM submission s
    WHERE s.owner_id = :owner AND s.source = 'api'
        AND s.submission_id < :below AND s.submission_id > :above
    ORDER BY s.submission_id DESC LIMIT :limit
""")  # noqa: S608
_LIST_UP = Sql(f"""
    SELECT {SUBMISSION} FROM submission s
    WHERE s.owner_id = :owner AND s.source = 'api' AND s.submission_id > :above
    ORDER BY s.submission_id LIMIT :limit
""")  # noqa: S608


def submit(
    owner: AccountId, submissions: Sequence[NewSubmission], events: Sequence[NewEvent]
) -> Steps[Sequence[SubmissionId]]:
    yield from lock(owner)
    first = submissions[0]
    if first.idempotency_key is not None:
        before = yield from _used_before(owner, first.idempotency_key, first.request_hash)
        if before is not None:
            return before
    for submission in submissions:
        yield from add_submission(owner, submission)
    ids = [submission.submission_id for submission in submissions]
    if first.idempotency_key is not None:
        params: Params = {
            "owner": owner,
            "key": first.idempotency_key,
            "hash": first.request_hash,
            "ids": json.dumps(ids),
            "at": first.created_at,
        }
        yield Run(_ADD_KEY, params)
    yield from add_events(owner, events)
    return ids


def add_submission(owner: AccountId, new: NewSubmission) -> Steps[None]:
    """Rows of one submission; its blob gets a reference."""
    yield from check_referable(owner, new.blob_id)
    params: Params = {
        "owner": owner,
        "submission": new.submission_id,
        "trace": new.trace_id,
        "source": new.source.value,
        "reverse_path": new.reverse_path,
        "blob": new.blob_id,
        "size": new.size,
        "needs": pack_needs(new.needs),
        "created_at": new.created_at,
        "send_at": new.send_at,
        "last_event": "scheduled" if new.send_at > new.created_at else "queued",
        "api": new.api,
    }
    yield Run(_ADD, params)
    yield from refer(owner, [new.blob_id])
    yield RunMany(
        _ADD_RECIPIENT,
        [
            {
                "owner": owner,
                "submission": new.submission_id,
                "number": number,
                "forward_path": forward_path,
                "destination": split_address(normalise_address(forward_path))[1],
                "due_at": new.send_at,
            }
            for number, forward_path in enumerate(new.forward_paths)
        ],
    )


def find(
    owner: AccountId, submission: SubmissionId
) -> Steps[tuple[Submission, tuple[SubmissionRecipient, ...]] | None]:
    params: Params = {"owner": owner, "submission": submission}
    row = one((yield Run(_FIND, params)))
    if row is None:
        return None
    rows = yield Run(_RECIPIENTS, params)
    return to_submission(row), tuple(to_recipient(recipient) for recipient in rows)


def locate(submission: SubmissionId) -> Steps[AccountId | None]:
    row = one((yield Run(_LOCATE, {"submission": submission})))
    return None if row is None else AccountId(integer(row[0]))


def list_submissions(
    owner: AccountId, limit: int, after: SubmissionId | None, before: SubmissionId | None
) -> Steps[list[Submission]]:
    params: Params = {"owner": owner, "limit": limit, "above": before or ""}
    if before is not None and after is None:
        # The page just newer than `before`: read upwards, shown newest first.
        rows = yield Run(_LIST_UP, params)
        return [to_submission(row) for row in reversed(rows)]
    rows = yield Run(_LIST, {**params, "below": after or "~"})
    return [to_submission(row) for row in rows]


def _used_before(
    owner: AccountId, key: str, request_hash: bytes
) -> Steps[list[SubmissionId] | None]:
    row = one((yield Run(_KEY, {"owner": owner, "key": key})))
    if row is None:
        return None
    if octets(row[0]) != request_hash:
        raise Conflict("this idempotency key was used for another request")
    return [SubmissionId(one_id) for one_id in json.loads(text(row[1]))]


def pack_needs(needs: Needs) -> int:
    return needs.eight_bit + 2 * needs.utf8 + 4 * needs.binary + 8 * needs.long_lines


def unpack_needs(packed: int) -> Needs:
    return Needs(bool(packed & 1), bool(packed & 2), bool(packed & 4), bool(packed & 8))


def to_submission(row: Row) -> Submission:
    return Submission(
        account_id=AccountId(integer(row[0])),
        submission_id=SubmissionId(text(row[1])),
        trace_id=TraceId(text(row[2])),
        source=Source(row[3]),
        reverse_path=text(row[4]),
        blob_id=BlobId(octets(row[5])),
        size=integer(row[6]),
        needs=unpack_needs(integer(row[7])),
        created_at=Moment(integer(row[8])),
        send_at=Moment(integer(row[9])),
        api=octets(row[10]),
        last_event=text(row[11]),
    )


def to_recipient(row: Row) -> SubmissionRecipient:
    return SubmissionRecipient(
        number=integer(row[0]),
        forward_path=text(row[1]),
        state=RecipientState(row[2]),
        attempts=integer(row[3]),
        next_attempt_at=Moment(optional_integer(row[4]) or 0),
        last_reply=text(row[5]),
    )
