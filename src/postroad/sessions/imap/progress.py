"""Telling a client how far a long command has come (RFC 9585)."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from postroad.sessions.imap.evaluate import Evaluation, reads_texts
from postroad.sessions.imap.feature import Context, Replies
from postroad.sessions.imap.view import Selected
from postroad.wire.imap.responses import Condition, Status, quoted
from postroad.wire.imap.searchkeys import And, InSet, Key
from postroad.wire.imap.sequence import SequenceSet

ItemT = TypeVar("ItemT")

_EVERY = 12_000_000  # microseconds: RFC 9585 section 4 recommends 10 to 15 seconds
_SLICE = 2000  # messages of one step that changes them
_FIRST, _LEAST = 4000, 500  # messages that are searched in one step
_QUICK, _SLOW = 1_000_000, 5_000_000  # microseconds of such a step
_GROWTH = 10


class Progress:
    """Of one command, counted in messages."""

    def __init__(self, context: Context, goal: int) -> None:
        self._context = context
        self._goal = goal
        self._told_at = context.services.now()

    def after(self, done: int) -> Iterator[Status]:
        """What to say when so many messages are dealt with: nothing, mostly."""
        now = self._context.services.now()
        if done >= self._goal or now - self._told_at < _EVERY:
            return
        self._told_at = now
        tag = self._context.tag
        name = b"NIL" if b"]" in tag else quoted(tag)
        code = b"INPROGRESS (%b %d %d)" % (name, done, self._goal)
        yield Status(Condition.OK, f"{done} of {self._goal} messages so far", code)


def steps(items: Sequence[ItemT]) -> Iterator[tuple[int, Sequence[ItemT]]]:
    """Parts to be changed one after the other, at least one; before each, how many were."""
    for start in range(0, max(len(items), 1), _SLICE):
        yield start, items[start : start + _SLICE]


class Finding:
    """A search over a view; in steps where texts are read, which may take long."""

    def __init__(self, context: Context, view: Selected, key: Key) -> None:
        self._context = context
        self._view = view
        self._key = key
        self.places: list[int] = []
        """What matches, ascending; complete when `run` has ended."""

    async def run(self) -> Replies:
        count = len(self._view.uids)
        evaluation = Evaluation(self._context, self._view)
        if count <= _FIRST or not reads_texts(self._key):
            self.places = await evaluation.places(self._key)
            return
        progress, clock = Progress(self._context, count), self._context.services.now
        start, size = 0, _FIRST
        while start < count:
            began = clock()
            stop = min(start + size, count)
            part = InSet(SequenceSet(((start + 1, stop),)), uid=False)
            self.places += await evaluation.places(And((part, self._key)))
            for told in progress.after(stop):
                yield told
            took = clock() - began
            if took < _QUICK:
                size *= _GROWTH  # each step asks the index anew
            elif took > _SLOW:
                size = max(size // _GROWTH, _LEAST)
            start = stop
