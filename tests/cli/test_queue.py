"""`postroad queue` and `postroad trace` on messages that no server works on."""

import asyncio
import re
from pathlib import Path

import pytest

from cli.conftest import Command
from postroad.app.program import open_program
from postroad.base.identifiers import new_trace_id
from postroad.cli.founding import only_tenant
from postroad.config.loader import load
from postroad.core.sending.service import Draft
from postroad.model.events import EventKind, NewEvent
from postroad.model.ids import TraceId
from postroad.model.queue import Source

MESSAGE = b"From: alice@example.test\r\nTo: x@far.example\r\nSubject: hi\r\n\r\nhello\r\n"


async def _submit(*recipients: str) -> tuple[str, str]:
    async with open_program(load(Path("postroad.yaml"), {})) as program:
        tenant = await only_tenant(program)
        trace_id = TraceId(new_trace_id())
        [submission_id] = await program.sending.submit(
            tenant.sending_account,
            [
                Draft(
                    MESSAGE,
                    "alice@example.test",
                    "alice@example.test",
                    recipients,
                    Source.API,
                    trace_id,
                )
            ],
        )
        attempt = NewEvent(
            trace_id,
            EventKind.ATTEMPTED,
            program.clock.now(),
            "x@far.example",
            {
                "remote": "mx.far.example",
                "tls": None,
                "secure": False,
                "attempt": 1,
                "transcript": ["S: 220 hi", "C: EHLO us", "S: 421 \x1b[2Jlater"],
            },
        )
        await program.queue.add_events(tenant.sending_account, [attempt])
        return submission_id, trace_id


@pytest.fixture
def sent(command: Command) -> tuple[str, str]:
    """Submission id and trace id of a message to two domains."""
    return asyncio.run(_submit("x@far.example", "y@near.example"))


def states(command: Command, submission_id: str) -> dict[str, str]:
    shown = command("queue", "show", submission_id, "--json").json
    return {one["forward_path"]: one["state"] for one in shown["recipients"]}


def test_list(command: Command, sent: tuple[str, str]) -> None:
    [entry] = command("queue", "list", "--json").json
    assert (entry["id"], entry["trace_id"]) == sent
    assert {one["forward_path"] for one in entry["recipients"]} == {
        "x@far.example",
        "y@near.example",
    }
    table = command("queue", "list").out
    assert re.search(rf"^{sent[0]}  alice@example.test  x@far.example +queued +0 ", table, re.M)
    assert command("queue", "list", "--domain", "other.example").out == "Nothing waits.\n"
    assert command("queue", "list", sent[0], "--domain", "FAR.example", "--json").json


def test_show(command: Command, sent: tuple[str, str]) -> None:
    shown = command("queue", "show", sent[0])
    assert f"Trace    {sent[1]}\n" in shown.out
    assert "To       x@far.example: queued after 0 attempts, next at " in shown.out
    missing = command("queue", "show", "01890a5d-ac96-774b-bcce-b302099a8057")
    assert missing.code == 1
    assert "see postroad queue list" in missing.err


def test_hold_release_retry_and_cancel(command: Command, sent: tuple[str, str]) -> None:
    held = command("queue", "hold", "--domain", "far.example")
    assert held.out == "1 recipient is held until postroad queue release.\n"
    assert states(command, sent[0]) == {"x@far.example": "held", "y@near.example": "queued"}
    assert command("queue", "retry", "--all", "--json").json == {"recipients": 1}
    assert command("queue", "release", sent[0], "--json").json == {"recipients": 1}
    assert set(states(command, sent[0]).values()) == {"queued"}
    assert command("queue", "cancel", "--all").out.startswith("2 recipients are canceled;")
    assert set(states(command, sent[0]).values()) == {"canceled"}
    assert command("queue", "list", "--json").json == []
    kinds = [one["kind"] for one in command("trace", sent[0], "--json").json["events"]]
    assert kinds.count("held") == 1
    assert "released" in kinds
    assert "canceled" in kinds


@pytest.mark.parametrize("verb", ["retry", "hold", "release", "cancel"])
def test_an_action_on_everything_has_to_be_said(command: Command, verb: str) -> None:
    assert command("queue", verb).code == 2
    assert command("queue", verb, "--all", "--json").json == {"recipients": 0}


def test_trace_by_either_id(command: Command, sent: tuple[str, str]) -> None:
    by_submission = command("trace", sent[0], "--json")
    by_trace = command("trace", sent[1].upper(), "--json")
    assert by_submission.out == by_trace.out
    value = by_trace.json
    assert value["trace_id"] == sent[1]
    assert [one["kind"] for one in value["events"]] == ["queued", "signed", "attempted"]


def test_trace_draws_a_timeline_and_no_control_characters(
    command: Command, sent: tuple[str, str]
) -> None:
    drawn = command("trace", sent[1]).out.splitlines()
    assert drawn[0] == f"Story of {sent[1]}"
    assert re.fullmatch(r"├─ \d{4}-\d\d-\d\dT[\d:.]+Z  queued", drawn[1])
    assert drawn[-7].startswith("└─ ")
    assert drawn[-7].endswith("  attempted  x@far.example")
    assert drawn[-6:] == [
        "     remote: mx.far.example",
        "     secure: no",
        "     attempt: 1",
        "       S: 220 hi",
        "       C: EHLO us",
        "       S: 421 \\x1b[2Jlater",
    ]


def test_trace_of_nothing_says_where_ids_are(command: Command) -> None:
    missing = command("trace", "nothing")
    assert missing.code == 1
    assert "there is no story of nothing" in missing.err
