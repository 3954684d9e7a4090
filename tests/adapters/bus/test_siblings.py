"""What workers tell each other."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import closing

import msgspec
import pytest

from postroad.adapters.bus.channels import Channels
from postroad.adapters.bus.siblings import SiblingBus
from postroad.adapters.shared.board import Board
from postroad.model.ids import AccountId

ANN, BEN = AccountId(1), AccountId(2)


@pytest.fixture
def channels() -> Iterator[Channels]:
    with closing(Channels(3)) as made:
        yield made


async def _until(is_true: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not is_true():  # noqa: ASYNC110  # what it waits for is a plain value
            await asyncio.sleep(0.001)


async def test_changes_reach_the_watchers_of_all_workers_once_a_turn(channels: Channels) -> None:
    board = Board(3)
    buses = [SiblingBus(number, channels, board) for number in range(3)]
    woken: list[tuple[int, str]] = []
    noted: list[AccountId] = []
    for number, bus in enumerate(buses):
        bus.open()
        bus.watch(ANN, lambda number=number: woken.append((number, "ann")))  # type: ignore[misc]  # mypy cannot see the default
        bus.watch(BEN, lambda number=number: woken.append((number, "ben")))  # type: ignore[misc]  # mypy cannot see the default
    buses[2].watch_all(noted.append)
    for _ in range(5):
        buses[0].announce(ANN)
    assert woken == [(0, "ann")] * 5, "here at once"
    woken.clear()
    await _until(lambda: len(woken) == 2)
    assert sorted(woken) == [(1, "ann"), (2, "ann")]
    assert noted == [ANN] * 5, "who counts hears of each"
    for bus in buses:
        bus.close()


async def test_who_has_no_room_shares_the_queue(channels: Channels) -> None:
    buses = [SiblingBus(number, channels, Board(3)) for number in range(3)]
    for bus in buses:
        bus.open()
    buses[0].wake_queue()
    assert buses[0].queue.is_set()
    buses[1].share_queue()
    await _until(lambda: buses[2].queue.is_set())
    assert not buses[1].queue.is_set(), "who woke its own or shared woke nobody besides"
    for bus in buses:
        bus.close()


async def test_topics_are_heard_by_the_others_alone(channels: Channels) -> None:
    buses = [SiblingBus(number, channels, Board(3)) for number in range(3)]
    heard: list[tuple[int, list[str | int]]] = []
    for number, bus in enumerate(buses):
        bus.open()
        bus.hear("news", lambda values, number=number: heard.append((number, values)))  # type: ignore[misc]  # mypy cannot see the default
    buses[0].tell("news", "x", 7)
    buses[0].tell("unheard of", 1)
    await _until(lambda: len(heard) == 2)
    assert sorted(heard) == [(1, ["x", 7]), (2, ["x", 7])]
    for bus in buses:
        bus.close()


async def test_who_is_too_far_behind_is_told_that_it_missed_something(channels: Channels) -> None:
    board = Board(3)
    talker, sleeper = SiblingBus(0, channels, board), SiblingBus(1, channels, board)
    assert not sleeper.has_missed()
    while not board.total("missed.1"):
        for account in range(1000):
            talker.announce(AccountId(account))
        await asyncio.sleep(0)
    assert sleeper.has_missed()
    assert not sleeper.has_missed(), "told once"
    sleeper.open()
    seen: list[AccountId] = []
    sleeper.watch_all(seen.append)
    await _until(lambda: len(seen) >= 1000)
    assert set(seen) == set(range(1000))
    sleeper.close()
    talker.close()


async def test_nonsense_is_logged_and_harms_nobody(
    channels: Channels, caplog: pytest.LogCaptureFixture
) -> None:
    bus = SiblingBus(1, channels, Board(3))
    bus.open()
    woken: list[int] = []
    bus.watch(ANN, lambda: woken.append(1))
    for octets in (os.urandom(50), b"", msgspec.msgpack.encode(["x"])):
        channels.send(1, octets)
    channels.send(1, msgspec.msgpack.encode([{ANN: 1}, False, []]))
    await _until(lambda: woken)
    assert "a worker told what cannot be understood" in caplog.text
    bus.close()
