"""A COMMIT whose answer is lost happened once, or not at all, and we know which."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from postroad.adapters.sql.postgres.engine import PostgresEngine
from postroad.adapters.sql.postgres.settings import PostgresSettings
from postroad.adapters.sql.statement import Run, Sql, Steps, integer
from postroad.base.errors import TryLater
from support.betweenpg import Between, Loss, between
from support.postgres import Server

_ADD = Sql("INSERT INTO setting (name, value) VALUES (:name, :value)")
_COUNT = Sql("SELECT count(*) FROM setting WHERE value = :value")
_tries = 0


def add(value: str) -> Steps[str]:
    """Not to be run twice: each try makes another row."""
    global _tries
    _tries += 1
    yield Run(_ADD, {"name": f"try {_tries}", "value": value})
    return "added"


def count(value: str) -> Steps[int]:
    return integer((yield Run(_COUNT, {"value": value}))[0][0])


@pytest.fixture
async def proxy(postgres_server: Server, tmp_path: Path) -> AsyncIterator[Between]:
    async with between(postgres_server.folder, tmp_path) as made:
        yield made


@pytest.fixture
async def far(
    proxy: Between, postgres_server: Server, postgres_url: str, tmp_path: Path
) -> AsyncIterator[PostgresEngine]:
    """An engine whose connections go through the proxy."""
    url = postgres_url.replace(quote(str(postgres_server.folder)), quote(str(tmp_path)))
    assert url != postgres_url
    engine = await PostgresEngine.connect(url, PostgresSettings(patience_seconds=3))
    yield engine
    await engine.close()


@pytest.mark.parametrize("loss", [Loss.NOTHING, Loss.REQUEST, Loss.ANSWER])
async def test_it_happens_once(far: PostgresEngine, proxy: Between, loss: Loss) -> None:
    for n in range(3):
        proxy.loss = loss
        assert await far.write(lambda: add(str(n))) == "added"  # noqa: B023  # run at once
        assert await far.read(lambda: count(str(n))) == 1  # noqa: B023  # run at once
        assert proxy.loss is Loss.NOTHING, "it was lost"


async def test_one_that_comes_late_never_happens(far: PostgresEngine, proxy: Between) -> None:
    proxy.loss = Loss.LATE
    assert await far.write(lambda: add("late")) == "added"
    proxy.let_go.set()
    await proxy.done.wait()
    assert await far.read(lambda: count("late")) == 1


async def test_what_no_standby_confirms_is_not_acknowledged(
    postgres_url: str, postgres_server: Server
) -> None:
    settings = PostgresSettings(statement_seconds=0.3, patience_seconds=1)
    engine = await PostgresEngine.connect(postgres_url, settings)
    assert await engine.write(lambda: add("x")) == "added"
    await _set_standbys(postgres_server, "nobody")
    try:
        with pytest.raises(TryLater, match="in time"):
            async with asyncio.timeout(60):
                await engine.write(lambda: add("alone"))
    finally:
        await _set_standbys(postgres_server, "")
    await engine.close()


async def _set_standbys(server: Server, names: str) -> None:
    await server.run(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    await server.run("SELECT pg_reload_conf()")
    await asyncio.sleep(0.2)  # backends look at it before their next statement


async def test_what_fails_every_time_is_told(postgres_url: str, postgres_server: Server) -> None:
    settings = PostgresSettings(patience_seconds=0.5)
    engine = await PostgresEngine.connect(postgres_url, settings)
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    await postgres_server.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await postgres_server.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
    )
    with pytest.raises(TryLater, match="read-only"):
        await engine.write(lambda: add("x"))
    assert await engine.read(lambda: count("x")) == 0, "reading goes on"
    await engine.close()


async def test_weaknesses(postgres_url: str) -> None:
    engine = await PostgresEngine.connect(postgres_url)
    found = await engine.weaknesses()
    assert [one.is_grave for one in found] == [True, True, False], "the tests' server is fast"
    assert "synchronous_standby_names" in found[-1].fix
    await engine.close()
