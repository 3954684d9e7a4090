"""Sorting in small steps is sorting."""

from hypothesis import given
from hypothesis import strategies as st

from postroad.sessions.imap import turns
from postroad.sessions.imap.turns import Turns, ordered


async def test_many_are_sorted_like_few() -> None:
    keys = [index * 7919 % 1009 for index in range(30_000)]
    for reverse in (False, True):
        want = sorted(range(len(keys)), key=keys.__getitem__, reverse=reverse)
        assert await ordered(range(len(keys)), keys, reverse=reverse) == want


async def test_many_that_are_all_the_same() -> None:
    keys = ["x"] * 10_000
    assert await ordered(range(10_000), keys, reverse=True) == list(range(10_000))


def run(keys: list[str], *, reverse: bool) -> list[int]:
    """Without an event loop: give way by going on."""
    work = ordered(range(len(keys)), keys, reverse=reverse)
    while True:
        try:
            work.send(None)
        except StopIteration as done:
            found: list[int] = done.value
            return found


@given(st.lists(st.text(alphabet="ab", max_size=3), max_size=300), st.booleans())
def test_buckets(keys: list[str], reverse: bool) -> None:
    saved = turns._STEPS, turns._SAMPLES
    turns._STEPS, turns._SAMPLES = 8, 2
    try:
        found = run(keys, reverse=reverse)
    finally:
        turns._STEPS, turns._SAMPLES = saved
    assert found == sorted(range(len(keys)), key=keys.__getitem__, reverse=reverse)


def test_turns_come_after_enough_steps() -> None:
    counted = Turns()
    assert sum(counted.due() for _ in range(20_000)) == 5
    assert counted.due(4000)
