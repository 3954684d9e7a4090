"""`postroad trace`: the story of one message, step by step."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from postroad.base.errors import NotFound
from postroad.base.moments import to_iso
from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postroad.model.events import Event

_TRANSCRIPT = "transcript"


async def trace(
    identifier: Annotated[str, Parameter(name="ID", metavar="ID")],
    /,
    *,
    invocation: Invocation = EVERYTHING_DEFAULT,
) -> None:
    """Tell what happened to a message: where it came from, where it went, what was said.

    **Examples**

        postroad trace 0c5v2m7y8h3k1xkq9r4n6t

        postroad trace 01890a5d-ac96-774b-bcce-b302099a8057 --json

        postroad trace '<abc123@mail.example.org>'

    Parameters
    ----------
    identifier:
        A trace id, as in Received fields and replies, the id of a sent email, or the
        Message-ID of a message, of which the newest is told.
    """
    from postroad.model.ids import TraceId

    async with invocation.program() as program:
        wanted = _wanted(identifier)
        found = await program.queue.find_trace(wanted) or TraceId(wanted)
        events = await program.queue.trace(found)
        addresses = {one.account_id: one.address for one in await program.accounts.accounts(None)}
    if not events:
        days = program.settings.mail.story_days
        raise NotFound(
            f"there is no story of {identifier}: stories are kept for {days} days; the id is "
            "in the Received field of the message, in our reply to DATA, and in queue list"
        )
    value = {
        "trace_id": found,
        "events": [
            {
                "at": to_iso(event.at),
                "kind": event.kind.value,
                "recipient": event.recipient,
                "account": addresses.get(event.account_id),
                "details": event.details,
            }
            for event in events
        ],
    }
    invocation.output.result(value, f"Story of {found}", *timeline(events))


def _wanted(identifier: str) -> str:
    """Our ids are in small letters; a Message-ID is kept in brackets, as it is."""
    identifier = identifier.strip()
    if "@" not in identifier and not identifier.startswith("<"):
        return identifier.lower()
    return f"<{identifier.removeprefix('<').removesuffix('>')}>"


def timeline(events: "Sequence[Event]") -> "Iterator[str]":
    """Each event with its time and what is known of it, transcripts indented below."""
    for number, event in enumerate(events):
        last = number == len(events) - 1
        stem = " " if last else "│"
        about = f"  {event.recipient}" if event.recipient else ""
        yield f"{'└' if last else '├'}─ {to_iso(event.at)}  {event.kind.value}{about}"
        for name, value in event.details.items():
            if name == _TRANSCRIPT and isinstance(value, list):
                yield from (f"{stem}      {line}" for line in value)
            elif value is not None and value != "" and value != []:
                yield f"{stem}    {name.replace('_', ' ')}: {_word(value)}"


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
