"""The primary dies under load, and its standby takes over: nothing acknowledged is lost."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence

import pytest

from interop.programs import missing
from postroad.adapters.sql.postgres.engine import PostgresEngine
from postroad.adapters.sql.postgres.settings import PostgresSettings
from postroad.adapters.sql.statement import Run, Sql, Steps, text
from postroad.base.errors import TryLater
from support.pgcluster import Node, primary_and_standby, url
from support.postgres import programs

pytestmark = pytest.mark.slow

_ADD = Sql("INSERT INTO noted (value) VALUES (:value)")
_ALL = Sql("SELECT value FROM noted")


def add(value: str) -> Steps[None]:
    yield Run(_ADD, {"value": value})


def everything() -> Steps[list[str]]:
    return [text(row[0]) for row in (yield Run(_ALL, {}))]


class Writer:
    """Writes again and again, each time something else, and keeps what was acknowledged."""

    def __init__(self, name: str, engine: PostgresEngine) -> None:
        self.acknowledged: list[str] = []
        self.refused: list[str] = []
        self.stops = False
        self._name = name
        self._engine = engine

    async def run(self) -> None:
        number = 0
        while not self.stops:
            number += 1
            value = f"{self._name} {number}"
            try:
                await self._engine.write(lambda value=value: add(value))  # type: ignore[misc]  # mypy cannot see the default
            except TryLater:
                self.refused.append(value)
            else:
                self.acknowledged.append(value)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.acknowledged) < count:  # noqa: ASYNC110  # a plain value
                await asyncio.sleep(0.01)


async def test_what_was_acknowledged_is_there_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "asyncpg")
    binaries = programs()
    if binaries is None:
        missing("PostgreSQL is not installed: failing over is NOT tested")
    with primary_and_standby(binaries) as nodes:
        nodes[0].say("CREATE DATABASE mail")
        settings = PostgresSettings(patience_seconds=20)
        engine = await PostgresEngine.connect(url(nodes, "mail"), settings)
        await engine.migrate()
        await engine.write(_make_table)
        assert [one.is_grave for one in await engine.weaknesses()] == [True, True]
        writers = [Writer(f"writer {n}", engine) for n in range(6)]
        async with asyncio.TaskGroup() as group:
            for writer in writers:
                group.create_task(writer.run())
            await asyncio.gather(*(writer.until(50) for writer in writers))
            await asyncio.to_thread(_fail_over, nodes)
            counts = [len(writer.acknowledged) for writer in writers]
            await asyncio.gather(
                *(writer.until(n + 50) for n, writer in zip(counts, writers, strict=True))
            )
            for writer in writers:
                writer.stops = True
        there = Counter(await engine.read(everything))
        await engine.close()
    acknowledged = [value for writer in writers for value in writer.acknowledged]
    assert [value for value in acknowledged if there[value] != 1] == []
    assert max(there.values()) == 1
    refused = [value for writer in writers for value in writer.refused]
    assert refused == [], "it took less time than their patience"


def _make_table() -> Steps[None]:
    yield Run(Sql("CREATE TABLE noted (value TEXT NOT NULL)"), {})


def _fail_over(nodes: Sequence[Node]) -> None:
    primary, standby = nodes
    primary.kill()
    # The new primary has no standby yet, and is not to wait for one.
    standby.promote()
    standby.say("ALTER SYSTEM SET synchronous_standby_names = ''")
    standby.say("SELECT pg_reload_conf()")
