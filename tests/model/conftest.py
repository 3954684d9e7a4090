"""A database with one account, to be copied."""

import asyncio
from pathlib import Path

import pytest

from model.world import found


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "template.db"
    asyncio.run(found(path))
    return path
