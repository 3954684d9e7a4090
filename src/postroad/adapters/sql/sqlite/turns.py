"""Who may write next: workers that share a database take turns in the order they asked.

SQLite's own way is to ask again and again until the other one is done (its busy handler), so one
that is unlucky waits for long, and all burn time. Here who wants to write stands in a queue in
shared memory and sleeps on a pipe; who is done hands the turn to the first of the queue. So nobody
waits for more than one turn of each other worker.

The queue is changed under a record lock (fcntl), which the system takes back from who dies, each
step so that `leave` can mend what was cut off in the middle of it.
"""

import fcntl
import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

_NOBODY = 0
# The words of the shared memory: numbers of workers are counted from 1 in it.
_HOLDER, _HEAD, _TAIL, _GIVEN, _LONGEST, _RING = range(6)
_WORD_OCTETS = 8


class Turns:
    """Made before the workers; one thread of each takes turns.

    Those who wait stand in a ring, from `_HEAD` to before `_TAIL`, with the number of turns that
    had been given when they came. While anybody waits there is a holder. A worker that reads from
    its pipe looks whether it is the holder, since the pipe may hold more octets than turns.
    """

    def __init__(self, count: int) -> None:
        self._places = count + 1
        self._memory = mmap.mmap(-1, (_RING + 2 * self._places) * _WORD_OCTETS)
        self._words = memoryview(self._memory).cast("q")
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # kept for as long as the program
        self._pipes = [os.pipe() for _ in range(count)]
        for _, writer in self._pipes:
            os.set_blocking(writer, False)

    def close(self) -> None:
        self._file.close()
        for ends in self._pipes:
            for end in ends:
                os.close(end)

    def take(self, number: int) -> None:
        """Wait until it is our turn."""
        words, me = self._words, number + 1
        with self._locked():
            if words[_HOLDER] == _NOBODY:
                words[_HOLDER] = me
                words[_GIVEN] += 1
                return
            self._set(words[_TAIL], (me, words[_GIVEN]))
            words[_TAIL] += 1
        while words[_HOLDER] != me:
            os.read(self._pipes[number][0], 1)

    def give(self) -> None:
        """The holder is done: the turn is for who waits longest."""
        with self._locked():
            self._pass_on()

    def leave(self, number: int) -> None:
        """To be called when a worker has died: it waits for nothing, and the turn goes on."""
        words, dead = self._words, number + 1
        with self._locked():
            gone = (dead, words[_HOLDER])  # a holder that still stands in the ring was cut off
            left = [entry for entry in self._waiting() if entry[0] not in gone]
            for place, entry in enumerate(left):
                self._set(words[_HEAD] + place, entry)
            words[_TAIL] = words[_HEAD] + len(left)
            if words[_HOLDER] == dead:
                self._pass_on()
            elif words[_HOLDER] != _NOBODY:
                self._wake(words[_HOLDER])  # who died may have been about to

    @property
    def given(self) -> int:
        """How many turns there were."""
        return self._words[_GIVEN]

    @property
    def longest_wait(self) -> int:
        """How many turns the others were given while one waited, at most."""
        return self._words[_LONGEST]

    def _pass_on(self) -> None:
        words = self._words
        waiting = self._waiting()
        if not waiting:
            words[_HOLDER] = _NOBODY
            return
        first, came = waiting[0]
        words[_HOLDER] = first
        words[_HEAD] += 1
        words[_LONGEST] = max(words[_LONGEST], words[_GIVEN] - came)
        words[_GIVEN] += 1
        self._wake(first)

    def _wake(self, who: int) -> None:
        try:
            os.write(self._pipes[who - 1][1], b".")
        except BlockingIOError:  # it has more than enough to read
            return

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """For a few microseconds."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _waiting(self) -> list[tuple[int, int]]:
        words = self._words
        found = []
        for number in range(words[_HEAD], words[_TAIL]):
            place = _RING + 2 * (number % self._places)
            found.append((words[place], words[place + 1]))
        return found

    def _set(self, number: int, entry: tuple[int, int]) -> None:
        place = _RING + 2 * (number % self._places)
        self._words[place], self._words[place + 1] = entry


class Turn(AbstractContextManager[None]):
    """The turns of one worker, each for the time of a block."""

    def __init__(self, turns: Turns, number: int) -> None:
        self._turns = turns
        self._number = number

    def __enter__(self) -> None:
        self._turns.take(self._number)

    def __exit__(self, *exc_info: Any) -> None:  # Any: as contextlib has it
        self._turns.give()
