"""/emails: sending, and looking at what was sent."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from postroad.base.errors import Conflict, MailError, NotFound
from postroad.base.moments import Moment, to_iso
from postroad.core.sending.service import Draft as NewMessage
from postroad.formats.compose.mailboxes import parse_mailbox
from postroad.http.contract.decoding import decode_json
from postroad.http.contract.endpoint import Access, Call, Endpoint
from postroad.http.contract.problems import RequestError, unprocessable
from postroad.http.rest import idempotency
from postroad.http.rest.attachments import fetch_remote
from postroad.http.rest.pages import Listed, PageQuery, uuid_of
from postroad.http.rest.sendemail import Plan, SendEmail, ShownEmail, Tag, plan
from postroad.http.rest.services import RestServices
from postroad.model.events import Value
from postroad.model.ids import SubmissionId
from postroad.model.queue import Submission, SubmissionRecipient

_MAX_BATCH = 100
# Above this, building messages would hold the loop for more than 5 ms.
_OFFLOADED_OCTETS = 65_536
_VALIDATION = (
    "x-batch-validation",
    "`strict` (default): one email that is not valid refuses all; `permissive`: send the others.",
)


class Sent(msgspec.Struct):
    """The id of an email that was accepted."""

    id: str


class BatchProblem(msgspec.Struct):
    """Why one email of a batch was not accepted."""

    index: int
    message: str


class SentBatch(msgspec.Struct, omit_defaults=True):
    """The emails of a batch that were accepted, in their order."""

    data: list[Sent]
    errors: list[BatchProblem] | None = None


class EmailSummary(msgspec.Struct, kw_only=True):
    """An email in a list."""

    object: str = "email"
    id: str
    to: list[str]
    from_: str = msgspec.field(name="from")
    created_at: str
    subject: str
    bcc: list[str]
    cc: list[str]
    reply_to: list[str]
    last_event: str
    message_id: str
    scheduled_at: str | None


class EmailRecipient(msgspec.Struct, kw_only=True):
    """Where one recipient stands."""

    address: str
    state: str
    attempts: int
    last_reply: str


class Email(EmailSummary, kw_only=True):
    """An email with all that was kept of it."""

    html: str | None
    text: str | None
    tags: list[Tag]
    recipients: list[EmailRecipient]


class StoryEvent(msgspec.Struct, kw_only=True):
    """One step of an email's way."""

    type: str
    created_at: str
    recipient: str | None
    details: dict[str, Value]


class Canceled(msgspec.Struct, kw_only=True):
    """An email that will not be sent."""

    object: str = "email"
    id: str


Batch = list[SendEmail | RequestError]


async def _send(call: Call[RestServices, SendEmail]) -> Sent:
    planned = await _plan(call, call.body)
    (submission,) = await _submit(call, [planned], "emails", call.body)
    return Sent(submission)


def _read_batch(octets: bytes) -> Batch:
    """Each email by itself, so that one that is not valid does not hide the others."""
    texts: list[msgspec.Raw] = decode_json(octets, list[msgspec.Raw])
    if not 0 < len(texts) <= _MAX_BATCH:
        raise unprocessable("validation_error", f"A batch must have 1 to {_MAX_BATCH} emails.")
    emails: Batch = []
    for text in texts:
        try:
            emails.append(decode_json(bytes(text), SendEmail))
        except RequestError as error:
            emails.append(error)
    return emails


async def _send_batch(call: Call[RestServices, Batch]) -> SentBatch:
    is_permissive = _is_permissive(call)
    plans: list[Plan] = []
    problems: list[BatchProblem] = []
    for index, email in enumerate(call.body):
        try:
            plans.append(await _planned(call, email))
        except (MailError, RequestError) as error:
            if not is_permissive or (isinstance(error, MailError) and error.temporary):
                raise _named(error, index) from None
            problems.append(BatchProblem(index, str(error)))
    asked = [email for email in call.body if isinstance(email, SendEmail)]
    ids = await _submit(call, plans, "emails_batch", asked) if plans else []
    return SentBatch([Sent(one) for one in ids], problems if is_permissive else None)


async def _planned(call: Call[RestServices, Batch], email: SendEmail | RequestError) -> Plan:
    if isinstance(email, RequestError):
        raise email
    planned = await _plan(call, email)
    # What is wrong with attachments and header fields shows when the message is built.
    message = await _build(call.services, planned)
    return Plan(planned.author, 0, lambda: message)


def _is_permissive(call: Call[RestServices, Batch]) -> bool:
    mode = call.headers.get("x-batch-validation", "strict")
    if mode not in ("strict", "permissive"):
        raise unprocessable(
            "validation_error", "The `x-batch-validation` header must be `strict` or `permissive`."
        )
    return mode == "permissive"


def _named(error: MailError | RequestError, index: int) -> Exception:
    if isinstance(error, RequestError):
        problem = error.problem
        return RequestError(replace(problem, message=f"Email {index}: {problem.message}"))
    return type(error)(f"Email {index}: {error}")


async def _plan(call: Call[RestServices, object], email: SendEmail) -> Plan:
    """What shall be sent, if this program may send it."""
    services = call.services
    # Who may not send from here does not have us fetch files either.
    author = parse_mailbox(email.from_, "from")
    _, keys = await services.identities.domain_of_program(call.program, author.addr_spec)
    fetched = await fetch_remote(email.attachments or [], services.fetcher)
    return plan(email, services.clock.now(), fetched, keys)


async def _build(services: RestServices, planned: Plan) -> NewMessage:
    if planned.octets <= _OFFLOADED_OCTETS:
        return planned.build()
    return await services.tasks.offload(planned.build)


async def _submit(
    call: Call[RestServices, object], plans: Sequence[Plan], operation: str, body: object
) -> Sequence[str]:
    services, account = call.services, call.program.sending_account
    key = idempotency.read_key(call.headers)
    with services.in_flight.hold(account, key):
        drafts = [await _build(services, planned) for planned in plans]
        request_hash = b""
        if key is not None:
            request_hash = await services.tasks.offload(
                lambda: idempotency.hash_of(operation, body)
            )
        try:
            return await services.sending.submit(
                account, drafts, idempotency_key=key, request_hash=request_hash
            )
        except Conflict:
            raise idempotency.reused() from None


async def _list(call: Call[RestServices, None]) -> Listed[EmailSummary]:
    query = call.query_as(PageQuery)
    submissions = await call.services.sending.submissions(
        call.program.sending_account,
        query.limit + 1,
        after=_id(query.after, "after"),
        before=_id(query.before, "before"),
    )
    has_more = len(submissions) > query.limit
    if has_more:
        # The one too many is the farthest from where the page begins.
        submissions = submissions[1:] if query.before else submissions[:-1]
    return Listed(has_more=has_more, data=[_summary(one) for one in submissions])


async def _get(call: Call[RestServices, None]) -> Email:
    submission, recipients = await _load(call)
    shown = msgspec.json.decode(submission.api, type=ShownEmail)
    summary = msgspec.structs.asdict(_summary(submission))
    return Email(
        **summary,
        html=shown.html,
        text=shown.text,
        tags=shown.tags,
        recipients=[
            EmailRecipient(
                address=one.forward_path,
                state=one.state.value,
                attempts=one.attempts,
                last_reply=one.last_reply,
            )
            for one in recipients
        ],
    )


async def _events(call: Call[RestServices, None]) -> Listed[StoryEvent]:
    submission, _ = await _load(call)
    events = await call.services.sending.events(call.program.sending_account, submission.trace_id)
    return Listed(
        data=[
            StoryEvent(
                type=event.kind.value,
                created_at=to_iso(event.at),
                recipient=event.recipient,
                details=event.details,
            )
            for event in events
        ]
    )


async def _cancel(call: Call[RestServices, None]) -> Canceled:
    submission, _ = await _load(call)
    account = call.program.sending_account
    if not await call.services.sending.cancel(account, submission.submission_id):
        raise unprocessable("validation_error", "This email cannot be canceled any more.")
    return Canceled(id=submission.submission_id)


async def _load(
    call: Call[RestServices, None],
) -> tuple[Submission, tuple[SubmissionRecipient, ...]]:
    wanted = SubmissionId(uuid_of(call.path["email_id"], "email_id"))
    found = await call.services.sending.find(call.program.sending_account, wanted)
    if found is None or not found[0].api:
        raise NotFound("Email not found")
    return found


def _summary(submission: Submission) -> EmailSummary:
    shown = msgspec.json.decode(submission.api, type=ShownEmail)
    is_later = submission.send_at > submission.created_at
    return EmailSummary(
        id=submission.submission_id,
        to=shown.to,
        from_=shown.from_,
        created_at=to_iso(submission.created_at),
        subject=shown.subject,
        bcc=shown.bcc,
        cc=shown.cc,
        reply_to=shown.reply_to,
        last_event=submission.last_event,
        message_id=shown.message_id,
        scheduled_at=to_iso(Moment(submission.send_at)) if is_later else None,
    )


def _id(text: str | None, name: str) -> SubmissionId | None:
    return None if text is None else SubmissionId(uuid_of(text, name))


ENDPOINTS = (
    Endpoint(
        "POST",
        "/emails",
        "Send an email.",
        Access.SENDING,
        SendEmail,
        Sent,
        _send,
        headers=(idempotency.HEADER,),
    ),
    Endpoint(
        "POST",
        "/emails/batch",
        "Send up to 100 emails at once.",
        Access.SENDING,
        list[SendEmail],
        SentBatch,
        _send_batch,
        decode=_read_batch,
        headers=(idempotency.HEADER, _VALIDATION),
    ),
    Endpoint(
        "GET",
        "/emails",
        "List the emails that were sent, newest first.",
        Access.FULL,
        None,
        Listed[EmailSummary],
        _list,
        query=PageQuery,
    ),
    Endpoint("GET", "/emails/{email_id}", "Show an email.", Access.FULL, None, Email, _get),
    Endpoint(
        "GET",
        "/emails/{email_id}/events",
        "Show what happened to an email, step by step.",
        Access.FULL,
        None,
        Listed[StoryEvent],
        _events,
    ),
    Endpoint(
        "POST",
        "/emails/{email_id}/cancel",
        "Give an email up that was not sent yet.",
        Access.FULL,
        None,
        Canceled,
        _cancel,
    ),
)
