"""`postroad queue`: mail that waits to be sent."""

import uuid
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from postroad.base.errors import NotFound
from postroad.base.moments import to_iso
from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation, WrongUsage

if TYPE_CHECKING:
    from postroad.app.program import Program
    from postroad.model.events import EventKind, NewEvent
    from postroad.model.queue import QueueFilter, Submission, SubmissionRecipient

    Entry = tuple[Submission, tuple[SubmissionRecipient, ...]]

app = App(name="queue", help="Mail that waits to be sent.")

Domain = Annotated[str | None, Parameter(metavar="DOMAIN", help="Only recipients there.")]
Every = Annotated[bool, Parameter(name="--all", help="Everything in the queue, on purpose.")]
Id = Annotated[str | None, Parameter(metavar="ID", help="One message, as queue list shows it.")]


@app.command(name="list")
async def list_(
    submission_id: Id = None,
    /,
    *,
    domain: Domain = None,
    limit: int = 1000,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """List what waits: each message with its recipients that are not final.

    **Examples**

        postroad queue list

        postroad queue list --domain gmail.com --json

    Parameters
    ----------
    limit:
        At most so many messages.
    """
    which = _which(submission_id, domain, everything=True)
    async with invocation.program() as program:
        found = await program.queue.waiting(which, limit)
    rows = [row for entry in found for row in _rows(entry)]
    invocation.output.table(
        [entry_json(entry) for entry in found],
        ("Id", "From", "To", "State", "Attempts", "Next attempt", "Last reply"),
        rows,
        empty="Nothing waits.",
    )


@app.command
async def show(
    submission_id: Annotated[str, Parameter(metavar="ID")],
    /,
    *,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Show one message and every recipient of it, also those that are final.

    **Examples**

        postroad queue show 01890a5d-ac96-774b-bcce-b302099a8057

    Parameters
    ----------
    submission_id:
        As queue list shows it.
    """
    from postroad.model.ids import SubmissionId

    identifier = SubmissionId(_uuid(submission_id))
    async with invocation.program() as program:
        account = await program.queue.locate(identifier)
        entry = (
            None if account is None else await program.queue.find_submission(account, identifier)
        )
    if entry is None:
        raise NotFound(f"there is no message {submission_id}; see postroad queue list")
    submission, recipients = entry
    invocation.output.result(
        entry_json(entry),
        f"Message  {submission.submission_id}",
        f"Trace    {submission.trace_id}",
        f"From     {submission.reverse_path or '<>'}",
        f"Octets   {submission.size}",
        f"Since    {to_iso(submission.created_at)}",
        *(
            f"To       {one.forward_path}: {one.state.value} after {one.attempts} attempts"
            f"{_next(one)}{': ' + one.last_reply if one.last_reply else ''}"
            for one in recipients
        ),
        f"Next: postroad trace {submission.trace_id}",
    )


@app.command
async def retry(
    submission_id: Id = None,
    /,
    *,
    domain: Domain = None,
    everything: Every = False,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Try waiting recipients again now.

    **Examples**

        postroad queue retry --domain example.org

        postroad queue retry --all
    """
    which = _which(submission_id, domain, everything=everything)
    async with invocation.program() as program:
        count = await program.queue.retry(which, program.clock.now())
    _tell(invocation, count, "due now; the server tries within a second")


@app.command
async def hold(
    submission_id: Id = None,
    /,
    *,
    domain: Domain = None,
    everything: Every = False,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Keep waiting recipients from being tried, until they are released.

    **Examples**

        postroad queue hold --domain example.org
    """
    from postroad.model.events import EventKind

    which = _which(submission_id, domain, everything=everything)
    async with invocation.program() as program:
        count = await program.queue.hold(which, _event(program, EventKind.HELD))
    _tell(invocation, count, "held until postroad queue release")


@app.command
async def release(
    submission_id: Id = None,
    /,
    *,
    domain: Domain = None,
    everything: Every = False,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Let held recipients be tried again, at once.

    **Examples**

        postroad queue release --all
    """
    from postroad.model.events import EventKind

    which = _which(submission_id, domain, everything=everything)
    async with invocation.program() as program:
        event = _event(program, EventKind.RELEASED)
        count = await program.queue.release(which, program.clock.now(), event)
    _tell(invocation, count, "released; the server tries within a second")


@app.command
async def cancel(
    submission_id: Id = None,
    /,
    *,
    domain: Domain = None,
    everything: Every = False,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Give waiting and held recipients up, for good; nobody is told.

    **Examples**

        postroad queue cancel 01890a5d-ac96-774b-bcce-b302099a8057
    """
    from postroad.model.events import EventKind

    which = _which(submission_id, domain, everything=everything)
    async with invocation.program() as program:
        count = await program.queue.cancel(which, _event(program, EventKind.CANCELED))
    _tell(invocation, count, "canceled; those being sent at this moment are left alone")


def entry_json(entry: "Entry") -> dict[str, object]:
    submission, recipients = entry
    return {
        "id": submission.submission_id,
        "trace_id": submission.trace_id,
        "source": submission.source.value,
        "reverse_path": submission.reverse_path,
        "octets": submission.size,
        "created_at": to_iso(submission.created_at),
        "send_at": to_iso(submission.send_at),
        "recipients": [
            {
                "forward_path": one.forward_path,
                "state": one.state.value,
                "attempts": one.attempts,
                "next_attempt_at": to_iso(one.next_attempt_at) if _waits(one) else None,
                "last_reply": one.last_reply,
            }
            for one in recipients
        ],
    }


def _rows(entry: "Entry") -> list[tuple[str, ...]]:
    from postroad.model.queue import FINAL_STATES

    submission, recipients = entry
    return [
        (
            submission.submission_id,
            submission.reverse_path or "<>",
            one.forward_path,
            one.state.value,
            str(one.attempts),
            to_iso(one.next_attempt_at) if _waits(one) else "",
            one.last_reply,
        )
        for one in recipients
        if one.state not in FINAL_STATES
    ]


def _waits(one: "SubmissionRecipient") -> bool:
    return one.state.value == "queued"


def _next(one: "SubmissionRecipient") -> str:
    return f", next at {to_iso(one.next_attempt_at)}" if _waits(one) else ""


def _which(submission_id: str | None, domain: str | None, *, everything: bool) -> "QueueFilter":
    """Raises `WrongUsage` when nothing says which recipients are meant."""
    from postroad.formats.mailaddress import normalise_domain
    from postroad.model.ids import SubmissionId
    from postroad.model.queue import QueueFilter

    if submission_id is None and domain is None and not everything:
        raise WrongUsage("say which mail is meant: an ID, --domain DOMAIN or --all")
    return QueueFilter(
        domain=None if domain is None else normalise_domain(domain),
        submission_id=None if submission_id is None else SubmissionId(_uuid(submission_id)),
    )


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise WrongUsage(f'"{text}" is not an id as postroad queue list shows them') from error


def _event(program: "Program", kind: "EventKind") -> "NewEvent":
    """The store puts in the trace of each message that it changes."""
    from postroad.model.events import NewEvent
    from postroad.model.ids import TraceId

    return NewEvent(TraceId(""), kind, program.clock.now(), None, {"by": "operator"})


def _tell(invocation: Invocation, count: int, what: str) -> None:
    noun = "recipient is" if count == 1 else "recipients are"
    invocation.output.result({"recipients": count}, f"{count} {noun} {what}.")
