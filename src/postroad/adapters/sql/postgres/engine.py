"""PostgreSQL as an engine: asyncpg, one transaction for each operation.

While the server is away, restarts or fails over, operations are tried again for a while: those
that were not committed never happened, and of a COMMIT without an answer the outcome is looked
up first.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from postroad.adapters.sql.engine import Engine, Weakness
from postroad.adapters.sql.guests import COUNT_GUEST, changes_by_guests
from postroad.adapters.sql.migrations import JOURNAL, Dialect, Migration, missing, render
from postroad.adapters.sql.postgres import outcome
from postroad.adapters.sql.postgres.connection import (
    AWAY,
    LOST_RACES,
    Connection,
    Session,
    open_pool,
    translated,
    undo,
)
from postroad.adapters.sql.postgres.settings import PostgresSettings
from postroad.adapters.sql.postgres.weaknesses import find_weaknesses
from postroad.adapters.sql.statement import Operation, Rows, Run, Step, Steps
from postroad.base.errors import TryLater

T = TypeVar("T")

_LOCK = 0x706F7374  # the advisory lock that migrations hold
_RACES = 5  # lost ones, before we give up
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 1.0
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class _SecondStep(Exception):
    """An operation that was begun as a single statement has more of them."""


class PostgresEngine(Engine):
    """Make it with `connect`."""

    dialect = Dialect.POSTGRES

    def __init__(self, pool: Any, settings: PostgresSettings, *, is_guest: bool) -> None:
        self._pool = pool  # Any: asyncpg carries no types
        self._settings = settings
        self._is_guest = is_guest
        milliseconds = int(settings.statement_seconds * 1000)
        self._begin = (
            f"BEGIN; SET LOCAL statement_timeout = {milliseconds}; "
            f"SET LOCAL idle_in_transaction_session_timeout = {milliseconds}; "
            "SET LOCAL synchronous_commit = on"
        )

    @classmethod
    async def connect(
        cls,
        url: str,
        settings: PostgresSettings | None = None,
        *,
        is_guest: bool = False,
    ) -> "PostgresEngine":
        """A guest writes beside servers, which notice by `changes_by_guests`.

        Raises `TryLater` when no server answers, `Invalid` when it refuses us.
        """
        settings = settings or PostgresSettings()
        return cls(await open_pool(url, settings), settings, is_guest=is_guest)

    async def migrate(self) -> list[Migration]:
        """Bring the schema up to date; returns what was applied. Raises `Invalid`."""
        return await self._patiently(lambda: self._ask(_migrate))

    async def is_founded(self) -> bool:
        """Whether there is a schema of ours, of whatever version."""

        async def ask(connection: Connection) -> bool:
            return bool(await connection.fetchval("SELECT to_regclass('migration') IS NOT NULL"))

        return await self._patiently(lambda: self._ask(ask))

    async def write(self, operation: Operation[T]) -> T:
        return await self._patiently(lambda: self._write(operation))

    async def read(self, operation: Operation[T]) -> T:
        return await self._patiently(lambda: self._read(operation))

    async def look_up(self, operation: Operation[T]) -> T:
        """Mostly one statement, which is a state of the database without a transaction."""
        try:
            return await self._patiently(lambda: self._read_one(operation))
        except _SecondStep:
            return await self.read(operation)

    @asynccontextmanager
    async def held(self) -> AsyncIterator["HeldState"]:
        """One state of the database, for as long as it takes to read all of it."""
        async with self._acquired() as connection:
            await connection.execute(_READ)
            try:
                yield HeldState(connection)
            finally:
                await undo(connection)

    async def changes_by_guests(self) -> int:
        return await self.look_up(changes_by_guests)

    async def weaknesses(self) -> list[Weakness]:
        return await self._patiently(lambda: self._ask(find_weaknesses))

    async def check(self) -> list[str]:
        return []  # PostgreSQL keeps checksums of its own; its operator runs pg_amcheck

    async def close(self) -> None:
        await self._pool.close()

    # Attempts

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Raises `TryLater` and `LowSpace` for the server's troubles."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._settings.patience_seconds
        pause, races = _FIRST_PAUSE_SECONDS, 0
        while True:
            try:
                return await attempt()
            except LOST_RACES as error:
                races, trouble = races + 1, error
            except asyncpg.QueryCanceledError as error:
                raise TryLater(f"the database: {error}") from error
            except AWAY as error:
                trouble = error
            except asyncpg.PostgresError as error:
                if (known := translated(error)) is None:
                    raise
                raise known from error
            wait = random.uniform(0, pause)  # noqa: S311  # no secret: who waits comes apart
            if races >= _RACES or clock() + wait > deadline:
                raise translated(trouble) or trouble from trouble
            await asyncio.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _write(self, operation: Operation[T]) -> T:
        asked: Session | None = None
        is_committed = False
        try:
            async with self._acquired() as connection:
                session = await _session(connection)
                try:
                    await connection.execute(self._begin)
                    result = await _drive(connection, operation())
                    if self._is_guest:
                        await connection.execute(COUNT_GUEST)
                except BaseException:
                    await undo(connection)
                    raise
                asked = session
                await _commit(connection, session)
                is_committed = True
        except AWAY:  # also when the connection was given back
            if asked is None:
                raise
            if not is_committed and not await self._is_committed(asked):
                raise
        return result

    async def _is_committed(self, session: Session) -> bool:
        """Raises `TryLater` when that cannot be found out."""
        return await self._patiently(
            lambda: self._ask(lambda connection: outcome.is_committed(connection, session))
        )

    async def _read(self, operation: Operation[T]) -> T:
        async with self._acquired() as connection:
            await connection.execute(_READ)
            try:
                return await _drive(connection, operation())
            finally:
                await undo(connection)

    async def _ask(self, question: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._acquired() as connection:
            return await question(connection)

    async def _read_one(self, operation: Operation[T]) -> T:
        async with self._acquired() as connection:
            return await _drive(connection, operation(), only_one=True)

    # Connections

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Connection]:
        async with self._pool.acquire(timeout=self._settings.patience_seconds) as connection:
            yield connection


class HeldState:
    """See `PostgresEngine.held`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def read(self, operation: Operation[T]) -> T:
        """Raises `TryLater` when the server goes away: then the state is lost."""
        try:
            return await _drive(self._connection, operation())
        except (*AWAY, asyncpg.PostgresError) as error:
            raise translated(error) or error from error


async def _session(connection: Connection) -> Session:
    """Of this connection; begun when it first writes."""
    session: Session | None = connection.session
    if session is None or session.is_old:
        session = await outcome.begin(connection)
        connection.keep(session)
    return session


async def _commit(connection: Connection, session: Session) -> None:
    """Raises `TryLater` for what is committed here and nowhere else, which may still be lost."""
    session.warned = ""
    connection.add_log_listener(session.hear)
    try:
        status = await connection.execute(outcome.commit(session))
    except BaseException:
        connection.remove_log_listener(session.hear)
        connection.terminate()
        raise
    connection.remove_log_listener(session.hear)
    if status != "COMMIT":
        raise TryLater(f"the database answered COMMIT with {status}")
    if session.warned:
        raise TryLater(f"the database: {session.warned}")


async def _migrate(connection: Connection) -> list[Migration]:
    """In one transaction, and one process at a time."""
    await connection.execute("BEGIN")
    try:
        await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        await connection.execute(render(JOURNAL, Dialect.POSTGRES))
        await connection.execute(outcome.TABLE)
        rows = await connection.fetch("SELECT number, checksum FROM migration")
        todo = missing({row[0]: row[1] for row in rows})
        for migration in todo:
            await _apply(connection, migration)
    except BaseException:
        await undo(connection)
        raise
    await connection.execute("COMMIT")
    return todo


async def _apply(connection: Connection, migration: Migration) -> None:
    for statement in migration.statements(Dialect.POSTGRES):
        await connection.execute(statement)
    await connection.execute(
        "INSERT INTO migration VALUES ($1, $2, $3)",
        migration.number,
        migration.name,
        migration.checksum,
    )


async def _drive(connection: Connection, steps: Steps[T], *, only_one: bool = False) -> T:
    """Raises `_SecondStep` where there must be `only_one`."""
    try:
        step = next(steps)
        while True:
            step = steps.send(await _rows(connection, step))
            if only_one:
                raise _SecondStep
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
