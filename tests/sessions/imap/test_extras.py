"""What is kept of a mailbox from one command to the next changes no answer, only its time."""

import random
from pathlib import Path

import pytest

from postroad.core.mailbox.extras import Extras
from postroad.sessions.imap import columns
from sessions.imap.neighbours import Neighbours

COMMANDS = (
    "SORT (FROM) UTF-8 ALL",
    "SORT (REVERSE SUBJECT DATE) UTF-8 ALL",
    "SORT (REVERSE DATE) UTF-8 1:*",
    "UID SORT (SIZE REVERSE DISPLAYTO) US-ASCII NOT UID 2",
    "SORT (ARRIVAL TO CC) UTF-8 SMALLER 300",
    "THREAD REFERENCES UTF-8 ALL",
    "UID THREAD REFS UTF-8 ALL",
    "THREAD ORDEREDSUBJECT UTF-8 UNDELETED",
    "SEARCH SMALLER 250",
    "SEARCH LARGER 250 SENTSINCE 4-Jan-2024",
    "UID SEARCH OR SENTBEFORE 3-Jan-2024 NOT SENTON 5-Jan-2024",
    "SEARCH BEFORE 15-Nov-2023",
    "SEARCH SINCE 14-Nov-2023 YOUNGER 1000000000",
    "SEARCH SAVEDSINCE 1-Jan-2020",
    "SEARCH EMAILID M7",
    "SEARCH NOT THREADID T8",
)
KINDS = (
    "small", "mixed", "plan", "plan-answer", "plan-again", "lost-one", "lost-two", "news",
    "more-news", "same-news", "utf8text",
)  # fmt: skip


async def result(world: Neighbours, command: str) -> str:
    """The answer without the news behind it."""
    said = await world.ask("1", f"x {command}")
    assert "x OK" in said
    assert said.startswith(("* ESEARCH", "* SORT", "* THREAD"))
    return said.partition("\r\n")[0]


@pytest.mark.parametrize("seed", range(6))
async def test_answers_are_the_same_with_and_without(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_ROWS", 3)
    dice = random.Random(seed)  # noqa: S311  # the same story in every run
    world = await Neighbours(tmp_path).move_in()
    service = world.services.mailboxes
    kept = service.extras
    await world.ask("1", "a ENABLE IMAP4rev2")
    await world.ask("1", "a SELECT INBOX")
    for _ in range(12):
        for _ in range(dice.randrange(4)):
            await world.prepare(f"message alice@example.test INBOX {dice.choice(KINDS)}")
        await world.ask("1", "n NOOP")
        if dice.random() < 0.5:
            gone = dice.randrange(1, 12)
            # Sometimes the other program expunges, which the client is not told of at once.
            who = dice.choice(("1", "6"))
            await world.ask("6", "a SELECT INBOX")
            await world.ask(who, f"s UID STORE {gone},{gone + 5} +FLAGS (\\Deleted)")
            await world.ask(who, "e EXPUNGE")
        for command in dice.sample(COMMANDS, 8):
            answer = await result(world, command)
            again = await result(world, command)
            service.extras = Extras(0)
            fresh = await result(world, command)
            service.extras = kept
            assert answer == again == fresh, command
    assert kept._octets > 0
