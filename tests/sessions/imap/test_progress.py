"""INPROGRESS (RFC 9585): what a client is told that waits for a long command."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postroad.base.moments import Moment
from postroad.core.mailbox.service import MailboxService
from postroad.core.search.service import TextSearch
from postroad.model.mailbox import BlobRange
from postroad.sessions.imap import bodies, progress, sorting
from sessions.imap.neighbours import Neighbours


class Clock:
    """Each look at it takes some seconds."""

    def __init__(self) -> None:
        self.seconds = 0
        self.at = 1_700_000_000

    def now(self) -> Moment:
        self.at += self.seconds
        return Moment(self.at * 1_000_000)


class Looking:
    """The server comes by each time when a method is called: what would it tell?"""

    def __init__(self, world: Neighbours) -> None:
        self._world = world
        self.told: list[str] = []

    def at(self, owner: type, name: str, patch: pytest.MonkeyPatch) -> None:
        method: Callable[..., Any] = getattr(owner, name)  # Any: whatever the method takes

        async def looked_at(*given: object, **named: object) -> object:
            self._look()
            return await method(*given, **named)

        patch.setattr(owner, name, looked_at)

    def _look(self) -> None:
        said = self._world.sessions["1"].still_working()
        if said is not None:
            self.told.append(said.encode().decode())

    def codes(self) -> list[str]:
        """What was told since the last time, without what is in every one."""
        told, self.told = self.told, []
        assert all(one.startswith("* OK [INPROGRESS (") for one in told)
        return [one.partition("(")[2].partition(")")[0] for one in told]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def world(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Neighbours:
    monkeypatch.setattr(progress, "_FIRST", 4)
    monkeypatch.setattr(progress, "_LEAST", 2)
    monkeypatch.setattr(sorting, "ROWS_AT_ONCE", 4)
    world = await Neighbours(tmp_path).move_in()
    mailboxes = world.services.mailboxes
    mailboxes._limits = replace(mailboxes._limits, slice_messages=2, slice_flags=4)
    world.services = replace(world.services, now=clock.now)
    for _ in range(10):
        await world.prepare("message alice@example.test INBOX small deleted")
    await world.ask("1", "a SELECT INBOX")
    return world


@pytest.fixture
def looking(world: Neighbours) -> Looking:
    return Looking(world)


async def test_a_search_that_takes_long(
    world: Neighbours, clock: Clock, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking.at(TextSearch, "with_text", monkeypatch)
    clock.seconds = 15
    said = await world.ask("1", "s1 SEARCH TEXT alice")
    assert "* SEARCH 1 2 3 4 5 6 7 8 9 10\r\n" in said
    steps = ['"s1" 0 10', '"s1" 4 10', '"s1" 6 10', '"s1" 8 10']
    assert looking.codes() == steps
    await world.ask("1", "s1 UID SEARCH TEXT alice")
    assert looking.codes() == steps


@pytest.mark.parametrize(
    "command", ["SORT (SUBJECT) UTF-8", "THREAD REFERENCES UTF-8", "UID SORT (DATE) UTF-8"]
)
async def test_what_is_found_is_sorted(
    world: Neighbours, looking: Looking, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    looking.at(MailboxService, "rows", monkeypatch)
    assert "s2 OK" in await world.ask("1", f"s2 {command} ALL")
    assert looking.codes() == ['"s2" 0 10', '"s2" 4 10', '"s2" 8 10']


async def test_messages_are_changed_in_slices(
    world: Neighbours, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("store_flags", "move", "expunge", "copy"):
        looking.at(type(world.mail), name, monkeypatch)
    await world.ask("1", "s UID STORE 1:* +FLAGS (x)")
    assert looking.codes() == ['"s" 0 10', '"s" 4 10', '"s" 8 10']
    said = await world.ask("1", "m UID MOVE 1:5 Sent")
    assert looking.codes() == ['"m" 0 5', '"m" 2 5', '"m" 4 5']
    assert " 1:5 1:5] Moved\r\n" in said
    assert said.count("EXPUNGE\r\n") == 5
    said = await world.ask("1", "e EXPUNGE")
    assert looking.codes() == ['"e" 0 5', '"e" 2 5', '"e" 4 5']
    assert said.count("EXPUNGE\r\n") == 5
    assert "e OK" in said
    # COPY is one step: all messages or none.
    await world.ask("1", "c SELECT Sent")
    await world.ask("1", "c COPY 1:5 INBOX")
    assert looking.codes() == ['"c" NIL NIL']


async def test_a_tag_that_cannot_be_told(
    world: Neighbours, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking.at(type(world.mail), "move", monkeypatch)
    await world.ask("1", "x]y MOVE 1:3 Sent")
    assert looking.codes() == ["NIL 0 3", "NIL 2 3"]


async def test_nothing_is_told_inside_of_a_response(
    world: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = world.sessions["1"]
    may_tell: list[bool] = []

    async def stream(_: MailboxService, wanted: BlobRange) -> AsyncIterator[bytes]:
        for _place in range(wanted.start, wanted.end):
            may_tell.append(session.still_working() is not None)
            yield b"x"

    monkeypatch.setattr(bodies, "LARGE", 1)  # octets that are passed on piece by piece
    monkeypatch.setattr(MailboxService, "stream", stream)
    assert "f OK" in await world.ask("1", "f FETCH 1:2 BODY.PEEK[TEXT]")
    assert len(may_tell) > 4
    assert not any(may_tell)
    assert session.still_working() is None  # nobody waits any more


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
