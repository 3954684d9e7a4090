"""Give way to the other sessions in the middle of a long computation.

A thread would not help: a sort is one call that holds the interpreter's lock to its end.
"""

from bisect import bisect_right
from collections.abc import Generator, Sequence
from types import coroutine
from typing import Any

_STEPS = 4000  # about 2 ms of comparing and appending
_SAMPLES = 8  # for each bucket, so that they come out much alike


@coroutine
def turn() -> Generator[None, None, None]:
    """Let everything else that is ready run once; every event loop resumes a bare yield."""
    yield


class Turns:
    """Counts the steps of a computation; `due` says when it has to give way."""

    def __init__(self) -> None:
        self._left = _STEPS

    def due(self, steps: int = 1) -> bool:
        self._left -= steps
        if self._left > 0:
            return False
        self._left = _STEPS
        return True


async def ordered(
    indices: Sequence[int],
    keys: Sequence[Any],  # Any: whatever compares with its like, numbers or texts
    *,
    reverse: bool = False,
) -> list[int]:
    """`indices` by `keys[index]`; equal ones stay in their order, also with `reverse`.

    Many are parted into buckets first, each of which is sorted in one short step.
    """
    if len(indices) <= _STEPS:
        return sorted(indices, key=keys.__getitem__, reverse=reverse)
    step = max(1, _STEPS // (2 * _SAMPLES))
    samples = sorted(keys[index] for index in indices[::step])
    splitters = sorted(set(samples[_SAMPLES::_SAMPLES]))
    buckets: list[list[int]] = [[] for _ in range(len(splitters) + 1)]
    for start in range(0, len(indices), _STEPS):
        for index in indices[start : start + _STEPS]:
            buckets[bisect_right(splitters, keys[index])].append(index)
        await turn()
    found: list[int] = []
    turns = Turns()
    for bucket in reversed(buckets) if reverse else buckets:
        bucket.sort(key=keys.__getitem__, reverse=reverse)
        found += bucket
        if turns.due(len(bucket)):
            await turn()
    return found
