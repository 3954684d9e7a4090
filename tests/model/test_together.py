"""Clients at the same time."""

import asyncio
import shutil
from pathlib import Path

import pytest

from model.together import play
from model.world import Server


async def _run(path: Path, seed: int, rounds: int) -> None:
    server = Server(path)
    try:
        await play(server, seed, rounds)
    finally:
        await server.stop()


@pytest.mark.parametrize("seed", range(3))
def test_all_that_is_told_adds_up(template: Path, tmp_path: Path, seed: int) -> None:
    shutil.copyfile(template, tmp_path / "mail.db")
    asyncio.run(_run(tmp_path / "mail.db", seed, 150))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_for_longer(template: Path, tmp_path: Path, seed: int) -> None:
    shutil.copyfile(template, tmp_path / "mail.db")
    asyncio.run(_run(tmp_path / "mail.db", seed, 1000))
