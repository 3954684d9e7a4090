"""PostgreSQL as an engine: asyncpg, one transaction for each operation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.migrations import JOURNAL, Dialect, missing, render
from postroad.adapters.sql.statement import Operation, Rows, Run, Step, Steps
from postroad.base.errors import Invalid, LowSpace, TryLater

T = TypeVar("T")
Connection = Any  # asyncpg carries no types

_LOCK = 0x706F7374  # the advisory lock that migrations hold
_TRIES = 5
# Two that make the same thing at once: the one that comes second runs again, and finds it there.
_LOST_RACES = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UniqueViolationError,
)
_AWAY = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down, or starting
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby
)


class PostgresEngine(Engine):
    """Make it with `connect`."""

    def __init__(self, pool: Any) -> None:  # Any: asyncpg carries no types
        self._pool = pool

    @classmethod
    async def connect(cls, url: str, *, size: int = 8) -> "PostgresEngine":
        """Raises `TryLater` when the server does not answer, `Invalid` when it refuses us."""
        try:
            pool = await asyncpg.create_pool(url, min_size=1, max_size=size)
        except (OSError, asyncpg.CannotConnectNowError) as error:
            raise TryLater(f"PostgreSQL does not answer: {error}") from error
        except asyncpg.PostgresError as error:
            raise Invalid(f"PostgreSQL refuses the connection: {error}") from error
        return cls(pool)

    async def migrate(self) -> int:
        """Bring the schema up to date; returns how many migrations that took."""
        async with self._transaction(read=False) as connection:
            await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
            await connection.execute(render(JOURNAL, Dialect.POSTGRES))
            rows = await connection.fetch("SELECT number, checksum FROM migration")
            todo = missing({row[0]: row[1] for row in rows})
            for migration in todo:
                for statement in migration.statements(Dialect.POSTGRES):
                    await connection.execute(statement)
                await connection.execute(
                    "INSERT INTO migration VALUES ($1, $2, $3)",
                    migration.number,
                    migration.name,
                    migration.checksum,
                )
            return len(todo)

    async def write(self, operation: Operation[T]) -> T:
        """An operation that lost a race with another is run again, a few times."""
        for attempt in range(_TRIES):
            try:
                async with self._transaction(read=False) as connection:
                    return await _drive(connection, operation())
            except _LOST_RACES as error:
                if attempt == _TRIES - 1:
                    raise TryLater(f"the database: {error}") from error
                await asyncio.sleep(0.01 * 2**attempt)
        raise TryLater("the database is busy")

    async def read(self, operation: Operation[T]) -> T:
        async with self._transaction(read=True) as connection:
            return await _drive(connection, operation())

    async def check(self) -> list[str]:
        return []  # PostgreSQL keeps checksums of its own; its operator runs pg_amcheck

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def _transaction(self, *, read: bool) -> AsyncIterator[Connection]:
        options = {"isolation": "repeatable_read", "readonly": True} if read else {}
        try:
            async with (
                self._pool.acquire() as connection,
                connection.transaction(**options),
            ):
                yield connection
        except asyncpg.DiskFullError as error:
            raise LowSpace(f"the database: {error}") from error
        except _AWAY as error:
            raise TryLater(f"the database: {error}") from error


async def _drive(connection: Connection, steps: Steps[T]) -> T:
    try:
        step = next(steps)
        while True:
            step = steps.send(await _rows(connection, step))
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        steps.close()


async def _rows(connection: Connection, step: Step) -> Rows:
    if isinstance(step, Run):
        values = [_value(step.params[name]) for name in step.sql.names]
        return [tuple(row) for row in await connection.fetch(step.sql.postgres, *values)]
    many = [[_value(params[name]) for name in step.sql.names] for params in step.params]
    await connection.executemany(step.sql.postgres, many)
    return []


def _value(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")  # PostgreSQL has no NUL in text
    if value is None or isinstance(value, int | bytes):
        return value
    return list(value)  # type: ignore[call-overload]  # the list of a {each ...} parameter
