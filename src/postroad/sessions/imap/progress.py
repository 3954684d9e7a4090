"""Telling a client how far a long command has come (RFC 9585), and searching in steps."""

from postroad.base.phrases import phrase
from postroad.sessions.imap.evaluate import Evaluation, reads_texts
from postroad.sessions.imap.feature import Context
from postroad.sessions.imap.view import Selected
from postroad.wire.imap.responses import Condition, Status, quoted
from postroad.wire.imap.searchkeys import And, InSet, Key
from postroad.wire.imap.sequence import SequenceSet

_FIRST, _LEAST = 20_000, 500  # messages that are searched in one step
_QUICK, _SLOW = 1_000_000, 5_000_000  # microseconds of such a step
_GROWTH = 10
_MOST = 200_000  # so the answer of the index is a few megabytes


def still_working(context: Context) -> Status:
    """Where the command is, if that is known; the server asks when it was silent for long."""
    name = b"NIL" if b"]" in context.tag else quoted(context.tag)
    progress = context.progress
    if progress is None or progress.done >= progress.goal:
        return Status(Condition.OK, "Still working", b"INPROGRESS (%b NIL NIL)" % name)
    done, goal = progress.done, progress.goal
    code = b"INPROGRESS (%b %d %d)" % (name, done, goal)
    return Status(
        Condition.OK, phrase("{done} of {goal} messages so far", done=done, goal=goal), code
    )


async def find(context: Context, view: Selected, key: Key) -> list[int]:
    """The places in a view that match, ascending.

    It is searched in steps where texts are read, which may take long.
    """
    count = len(view.uids)
    evaluation = Evaluation(context, view)
    if count <= _FIRST or not reads_texts(key):
        return await evaluation.places(key)
    told, clock = context.begin(count), context.services.now
    places: list[int] = []
    start, size = 0, _FIRST
    while start < count:
        began = clock()
        stop = min(start + size, count)
        part = InSet(SequenceSet(((start + 1, stop),)), uid=False)
        places += await evaluation.places(And((part, key)))
        told(stop)
        took = clock() - began
        if took < _QUICK:
            size = min(size * _GROWTH, _MOST)  # each step asks the index anew
        elif took > _SLOW:
            size = max(size // _GROWTH, _LEAST)
        start = stop
    return places
