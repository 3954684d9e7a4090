"""Turns of writing: in the order of coming, whoever dies, and never lost."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from postroad.adapters.sql.sqlite.turns import Turn, Turns

_PROCESSES = 4
_WRITES = 150
_fork = multiprocessing.get_context("fork")


@pytest.fixture
def turns() -> Iterator[Turns]:
    with closing(Turns(_PROCESSES)) as made:
        yield made


def test_turns_are_given_in_the_order_of_coming(turns: Turns) -> None:
    """Threads are as good as processes here, but for the record lock, which is each process's."""
    order: list[int] = []

    def work(number: int) -> None:
        with Turn(turns, number):
            order.append(number)

    turns.take(0)
    threads = []
    for number in (3, 1, 2):
        threads.append(threading.Thread(target=work, args=(number,)))
        threads[-1].start()
        _wait_until_waiting(turns, len(threads))
    turns.give()
    for thread in threads:
        thread.join()
    assert order == [3, 1, 2]
    assert turns.given == 4
    assert turns.longest_wait == 2


def test_who_is_alone_never_waits(turns: Turns) -> None:
    for _ in range(100):
        with Turn(turns, 2):
            pass
    assert (turns.given, turns.longest_wait) == (100, 0)


@pytest.mark.parametrize("who", ["holder", "first to wait", "last to wait"])
def test_the_turn_of_the_dead_goes_on(turns: Turns, who: str) -> None:
    turns.take(0)
    order: list[int] = []

    def work(number: int) -> None:
        with Turn(turns, number):
            order.append(number)

    threads = {}
    for number in (1, 2, 3):
        threads[number] = threading.Thread(target=work, args=(number,), daemon=True)
        threads[number].start()
        _wait_until_waiting(turns, number)
    dead = {"holder": 0, "first to wait": 1, "last to wait": 3}[who]
    turns.leave(dead)
    if dead:
        turns.give()
        # The thread is none that died: it waits for ever, and is let go when the test is over.
    for number, thread in threads.items():
        if number != dead:
            thread.join(10)
            assert not thread.is_alive()
    assert order == [number for number in (1, 2, 3) if number != dead]
    if dead:
        turns.take(0)
        turns._words[0] = dead + 1
        turns._wake(dead + 1)
        threads[dead].join(10)


def test_a_worker_may_be_killed_at_any_moment(turns: Turns) -> None:
    """What a worker leaves half done in the queue is mended when it is known to be dead."""

    def spin(number: int) -> None:
        while True:
            with Turn(turns, number):
                pass

    workers = {n: _started(spin, n) for n in range(_PROCESSES)}
    try:
        for round_ in range(40):
            number = round_ % _PROCESSES
            time.sleep(0.003 + 0.001 * (round_ % 5))
            worker = workers[number]
            os.kill(worker.pid or 0, signal.SIGKILL)
            worker.join()
            turns.leave(number)
            before = turns.given
            deadline = time.monotonic() + 10
            while turns.given < before + 20:
                assert time.monotonic() < deadline, "nobody gets a turn any more"
                time.sleep(0.001)
            workers[number] = _started(spin, number)
    finally:
        for worker in workers.values():
            worker.kill()
            worker.join()
    # Each of the others once, and who died before it was noticed.
    assert turns.longest_wait <= _PROCESSES


def test_four_processes_that_write_to_one_database_wait_fairly(
    turns: Turns, tmp_path: Path
) -> None:
    """The longest wait is a turn of each other one; SQLite's busy handler has nothing to do."""
    path = str(tmp_path / "shared.db")
    with closing(apsw.Connection(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("CREATE TABLE written (number INTEGER)")

    def write(number: int) -> None:
        with closing(apsw.Connection(path)) as connection:
            connection.set_busy_timeout(0)  # whoever comes at another's time fails
            for _ in range(_WRITES):
                with Turn(turns, number), connection:
                    connection.execute("INSERT INTO written VALUES (?)", (number,))

    workers = [_started(write, number) for number in range(_PROCESSES)]
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    with closing(apsw.Connection(path)) as connection:
        counted = connection.execute("SELECT count(*) FROM written GROUP BY number").fetchall()
    assert counted == [(_WRITES,)] * _PROCESSES
    assert turns.given == _WRITES * _PROCESSES
    assert 0 < turns.longest_wait <= _PROCESSES - 1


def _started(work: "object", number: int) -> "multiprocessing.context.ForkProcess":
    process = _fork.Process(target=work, args=(number,), daemon=True)  # type: ignore[arg-type]  # any function
    process.start()
    return process


def _wait_until_waiting(turns: Turns, count: int) -> None:
    deadline = time.monotonic() + 10
    while len(turns._waiting()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)
