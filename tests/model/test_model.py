"""Random commands of four clients against a model of IMAP's rules, with restarts between."""

import asyncio
import os
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.commands import ACTIONS, Play, Step
from model.world import Server

# How often each is chosen; what makes work for others is frequent.
WEIGHTS = {
    "append": 16,
    "select": 8,
    "store": 20,
    "fetch": 18,
    "search": 5,
    "transfer": 10,
    "expunge": 6,
    "noop": 5,
    "idle": 4,
    "close": 3,
    "status": 4,
    "create": 3,
    "delete": 1,
    "rename": 1,
    "reconnect": 5,
    "restore": 2,
    "forget": 1,
    "restart": 1,
}
TREES = {**WEIGHTS, "create": 14, "delete": 8, "rename": 14, "select": 16}
_TURNS = [name for name, weight in WEIGHTS.items() for _ in range(weight)]
_DETAIL = st.integers(0, 255)
STEPS = st.lists(
    st.builds(Step, st.integers(0, 3), st.sampled_from(_TURNS), _DETAIL, _DETAIL, _DETAIL),
    min_size=10,
    max_size=100,
)


async def _run(path: Path, steps: Sequence[Step]) -> None:
    server = Server(path)
    try:
        play = Play(server)
        await play.begin()
        try:
            for step in steps:
                await play.step(step)
            await play.end()
        except AssertionError as error:
            error.add_note("\n".join(play.log[-60:]))
            raise
    finally:
        await server.stop()


def steps_of(seed: int, count: int) -> list[Step]:
    """Seeds that are odd do more to the tree of mailboxes."""
    rng = random.Random(seed)  # noqa: S311  # a play that can be repeated
    weights = TREES if seed % 2 else WEIGHTS
    actions = rng.choices(list(weights), list(weights.values()), k=count)
    return [
        Step(rng.randrange(4), action, *(rng.randrange(256) for _ in range(3)))
        for action in actions
    ]


def test_all_actions_are_taken() -> None:
    assert WEIGHTS.keys() == ACTIONS.keys()


def _check(template: Path, tmp_path: Path, steps: Sequence[Step]) -> None:
    path = tmp_path / "mail.db"
    for old in tmp_path.iterdir():
        old.unlink()
    shutil.copyfile(template, path)
    asyncio.run(_run(path, steps))


@settings(
    max_examples=100,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_short_plays(template: Path, tmp_path: Path, steps: list[Step]) -> None:
    """Hypothesis shrinks what fails to the few commands that matter."""
    _check(template, tmp_path, steps)


@pytest.mark.parametrize("seed", range(4))
def test_a_long_play(template: Path, tmp_path: Path, seed: int) -> None:
    _check(template, tmp_path, steps_of(seed, 1500))


@pytest.mark.slow
def test_many_long_plays(template: Path, tmp_path: Path) -> None:
    """Other ones each time; `TEST_MODEL_SEED` repeats one."""
    first = int(os.environ.get("TEST_MODEL_SEED", random.SystemRandom().randrange(2**32)))
    for seed in range(first, first + (1 if "TEST_MODEL_SEED" in os.environ else 10)):
        print(f"TEST_MODEL_SEED={seed}")
        _check(template, tmp_path, steps_of(seed, 2000))
