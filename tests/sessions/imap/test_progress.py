"""INPROGRESS (RFC 9585): told now and then, never when all is done."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from postroad.base.moments import Moment
from postroad.sessions.imap import progress
from sessions.imap.neighbours import Neighbours

_TOLD = re.compile(r"\* OK \[INPROGRESS \((\S+) (\d+) (\d+)\)\]")


class Clock:
    """Each look at it takes some seconds."""

    def __init__(self) -> None:
        self.seconds = 0
        self.at = 1_700_000_000

    def now(self) -> Moment:
        self.at += self.seconds
        return Moment(self.at * 1_000_000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def world(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Neighbours:
    monkeypatch.setattr(progress, "_FIRST", 4)
    monkeypatch.setattr(progress, "_LEAST", 2)
    monkeypatch.setattr(progress, "_SLICE", 2)
    world = await Neighbours(tmp_path).move_in()
    world.services = replace(world.services, now=clock.now)
    for _ in range(10):
        await world.prepare("message alice@example.test INBOX small deleted")
    await world.ask("1", "a SELECT INBOX")
    return world


async def test_a_search_that_takes_long(world: Neighbours, clock: Clock) -> None:
    clock.seconds = 15
    said = await world.ask("1", "s1 SEARCH TEXT alice")
    assert _TOLD.findall(said) == [('"s1"', "4", "10"), ('"s1"', "6", "10"), ('"s1"', "8", "10")]
    assert "* SEARCH 1 2 3 4 5 6 7 8 9 10\r\n" in said
    for command in ("SORT (ARRIVAL) UTF-8 TEXT alice", "THREAD REFERENCES UTF-8 TEXT alice"):
        said = await world.ask("1", f"s2 {command}")
        assert len(_TOLD.findall(said)) == 3
        assert "s2 OK" in said


async def test_a_tag_that_cannot_be_told(world: Neighbours, clock: Clock) -> None:
    clock.seconds = 15
    said = await world.ask("1", "x]y SEARCH TEXT alice")
    assert _TOLD.findall(said)[0] == ("NIL", "4", "10")


async def test_what_is_quick_says_nothing(world: Neighbours, clock: Clock) -> None:
    said = await world.ask("1", "s SEARCH TEXT alice")
    assert said.startswith("* SEARCH 1 2 3 4 5 6 7 8 9 10\r\n")
    clock.seconds = 15
    assert not _TOLD.findall(await world.ask("1", "s SEARCH DELETED"))


async def test_steps_find_what_one_search_finds(
    world: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    for what in ("mixed", "small", "mixed"):
        await world.prepare(f"message alice@example.test INBOX {what}")
    await world.ask("1", "a NOOP")
    for key in ("NOT TEXT alice", "OR 2:3 FROM bob", "FUZZY (TEXT alice) 5:*", "3:7 TEXT a"):
        in_steps = await world.ask("1", f"s SEARCH {key}")
        with monkeypatch.context() as patch:
            patch.setattr(progress, "_FIRST", 1000)
            assert await world.ask("1", f"s SEARCH {key}") == in_steps
        assert "s OK" in in_steps


async def test_moves_and_expunges(world: Neighbours, clock: Clock) -> None:
    clock.seconds = 15
    said = await world.ask("1", "m UID MOVE 1:5 Sent")
    assert _TOLD.findall(said) == [('"m"', "0", "5"), ('"m"', "2", "5"), ('"m"', "4", "5")]
    assert re.search(r"COPYUID \d+ 1:5 1:5\]", said)
    assert said.count("EXPUNGE\r\n") == 5
    said = await world.ask("1", "e EXPUNGE")
    assert _TOLD.findall(said) == [('"e"', "0", "5"), ('"e"', "2", "5"), ('"e"', "4", "5")]
    assert said.count("EXPUNGE\r\n") == 5
    assert "e OK" in said
