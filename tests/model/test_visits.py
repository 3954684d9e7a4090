"""Several people, shared mailboxes and rights that change, against the rules (RFC 4314)."""

import asyncio
import os
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.visits import ACTIONS, KINDS, WEIGHTS, Step, Visits
from postroad.adapters.sql.sqlite.engine import migrate

_NUMBERS = sorted(KINDS)
_TURNS = [name for name, weight in WEIGHTS.items() for _ in range(weight)]
_DETAIL = st.integers(0, 255)
STEPS = st.lists(
    st.builds(Step, st.sampled_from(_NUMBERS), st.sampled_from(_TURNS), _DETAIL, _DETAIL, _DETAIL),
    min_size=10,
    max_size=80,
)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("visits") / "empty.db"
    migrate(path)
    return path


def steps_of(seed: int, count: int) -> list[Step]:
    rng = random.Random(seed)  # noqa: S311  # a play that can be repeated
    actions = rng.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count)
    return [
        Step(rng.choice(_NUMBERS), action, *(rng.randrange(256) for _ in range(3)))
        for action in actions
    ]


async def _run(folder: Path, steps: Sequence[Step]) -> None:
    visits = Visits(folder, folder / "mail.db")
    await visits.begin()
    try:
        for step in steps:
            await visits.step(step)
        await visits.end()
    except AssertionError as error:
        error.add_note("\n".join(visits.log[-80:]))
        raise
    finally:
        await visits.close()


def _check(empty: Path, folder: Path, steps: Sequence[Step]) -> None:
    for old in folder.iterdir():
        old.unlink()
    shutil.copyfile(empty, folder / "mail.db")
    asyncio.run(_run(folder, steps))


def test_all_actions_are_taken() -> None:
    assert WEIGHTS.keys() == ACTIONS.keys()


@settings(
    max_examples=60,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_short_visits(empty: Path, tmp_path: Path, steps: list[Step]) -> None:
    """Hypothesis shrinks what fails to the few commands that matter."""
    _check(empty, tmp_path, steps)


@pytest.mark.parametrize("seed", range(3))
def test_a_long_visit(empty: Path, tmp_path: Path, seed: int) -> None:
    _check(empty, tmp_path, steps_of(seed, 600))


@pytest.mark.slow
def test_many_long_visits(empty: Path, tmp_path: Path) -> None:
    """Other ones each time; `TEST_VISITS_SEED` repeats one."""
    first = int(os.environ.get("TEST_VISITS_SEED", random.SystemRandom().randrange(2**32)))
    for seed in range(first, first + (1 if "TEST_VISITS_SEED" in os.environ else 8)):
        print(f"TEST_VISITS_SEED={seed}")
        _check(empty, tmp_path, steps_of(seed, 1500))
