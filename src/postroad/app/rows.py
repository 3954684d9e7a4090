"""All rows of one database in another one, which is empty."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.postgres.engine import PostgresEngine
from postroad.adapters.sql.sqlite.engine import SqliteEngine, migrate
from postroad.adapters.sql.statement import Operation, Row
from postroad.adapters.sql.transfer import copying
from postroad.adapters.sql.transfer.tables import Table, tables
from postroad.app.database import database_of
from postroad.base.errors import Invalid
from postroad.config.settings import Settings

T = TypeVar("T")
_PAGE = 500

Tell = Callable[[int, int], Awaitable[None]]
"""How many rows of how many are there."""
Before = Callable[[Table, Sequence[Row]], Awaitable[None]]
"""What has to be done before rows come."""


class Reads(Protocol):
    async def read(self, operation: Operation[T]) -> T: ...


async def copy_rows(
    source: Reads, target: Engine, tell: Tell, before: Before | None = None
) -> None:
    """Page by page, from where it was broken off; `copying.begin` was done."""
    reached = await target.read(copying.reached)
    total = sum((await source.read(copying.counts)).values())
    done = 0
    for table in tables():
        written = reached.get(table.name)
        after = None if written is None else table.read(written)
        while rows := await source.read(lambda: copying.page(table, after, _PAGE)):  # noqa: B023  # run at once
            if before is not None:
                await before(table, rows)
            await target.write(lambda: copying.put_page(table, after, rows))  # noqa: B023  # run at once
            after = table.key_of(rows[-1])
            done += len(rows)
            await tell(min(done, total), total)


async def as_file(engine: PostgresEngine, path: Path, tell: Tell) -> None:
    """One state of a PostgreSQL database as a new file of SQLite's."""
    await asyncio.to_thread(_make, path)
    copy = SqliteEngine(path)
    try:
        async with engine.held() as source:
            await copy.write(lambda: copying.begin(copy.dialect))
            await copy_rows(source, copy, tell)
            await copy.write(copying.end)
    finally:
        await copy.close()


def _make(path: Path) -> None:
    path.touch(mode=0o600)
    migrate(path)


async def from_file(path: Path, settings: Settings, tell: Tell) -> None:
    """A file of SQLite's into the empty database of the settings, then the file is removed.

    Raises `Invalid` for one that is in use, `TryLater`, `LowSpace`.
    """
    copy = SqliteEngine(path)
    try:
        target = await database_of(settings).open(None, is_guest=False)
        try:
            await target.write(lambda: copying.begin(target.dialect))
            await copy_rows(copy, target, tell)
            await target.write(copying.end)
        finally:
            await target.close()
    finally:
        await copy.close()
    for tail in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + tail).unlink()


async def require_empty(settings: Settings) -> None:
    """Make the database of the settings ready. Raises `Invalid` for one with accounts."""
    await database_of(settings).prepare()
    target = await database_of(settings).open(None, is_guest=False)
    try:
        if not await target.read(copying.is_empty):
            raise Invalid("the database has accounts already: name an empty one")
    finally:
        await target.close()
