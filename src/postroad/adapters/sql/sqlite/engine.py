"""SQLite as an engine: a writer thread that commits for many at once, and threads that read.

The writer takes whatever operations wait and commits them together with one sync (WAL,
synchronous=FULL). While a commit waits for the disk, the next ones gather, and where fewer came
than the last time, a moment longer; an idle server gathers nothing. One that fails is undone
alone: then all are run again, each in a SAVEPOINT.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

import apsw

from postroad.adapters.sql.engine import MOVED, Engine
from postroad.adapters.sql.guests import COUNT_GUEST, changes_by_guests
from postroad.adapters.sql.migrations import JOURNAL, Dialect, Migration, missing, render
from postroad.adapters.sql.statement import (
    Operation,
    Rows,
    Run,
    Sql,
    Step,
    in_rows,
    integer,
    text,
)
from postroad.base.errors import Invalid, LowSpace, MailError, TryLater

T = TypeVar("T")

_BATCH = 512
_GATHER_SECONDS = 0.001
_CHECKPOINT_PAGES = 4000
_BUSY_MILLISECONDS = 10_000
_STATEMENTS = 400
_ROWS_AT_ONCE = 50
_MAPPED_OCTETS = 4 * 2**30


@dataclass(slots=True)
class _Job:
    operation: Operation[Any]  # Any: jobs of all result types wait in one queue
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    result: object = None
    error: BaseException | None = None


class SqliteEngine(Engine):
    """Every thread has a connection of its own."""

    dialect = Dialect.SQLITE

    def __init__(
        self,
        path: Path,
        readers: int = 2,
        vfs: str | None = None,
        turn: AbstractContextManager[object] | None = None,
        is_guest: bool = False,
    ) -> None:
        """`turn` is held while the writer writes, where other processes write as well.

        A guest writes beside a server, which notices by `changes_by_guests`.
        """
        self._is_guest = is_guest
        self._path = path
        self._turn = turn or nullcontext()
        self._vfs = vfs
        self._writes: SimpleQueue[_Job | None] = SimpleQueue()
        self._reads: SimpleQueue[_Job | None] = SimpleQueue()
        self._look_ups: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._write_loop, name="sqlite-writer", daemon=True),
            threading.Thread(target=self._look_up_loop, name="sqlite-look-up", daemon=True),
            *(
                threading.Thread(target=self._read_loop, name=f"sqlite-reader-{n}", daemon=True)
                for n in range(readers)
            ),
        ]
        for thread in self._threads:
            thread.start()

    async def write(self, operation: Operation[T]) -> T:
        return await self._submit(self._writes, operation)

    async def read(self, operation: Operation[T]) -> T:
        return await self._submit(self._reads, operation)

    async def look_up(self, operation: Operation[T]) -> T:
        return await self._submit(self._look_ups, operation)

    async def changes_by_guests(self) -> int:
        return await self.look_up(changes_by_guests)

    async def check(self) -> list[str]:
        def look() -> list[str]:
            try:
                with closing(connect(self._path, self._vfs, write=False)) as connection:
                    found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
            except apsw.Error as error:
                found = [str(error)]
            return [] if found == ["ok"] else [f"{self._path}: {line}" for line in found]

        return await asyncio.to_thread(look)

    async def close(self) -> None:
        """Finish what waits, then let go of the files."""
        if self._closed:
            return
        self._closed = True
        self._writes.put(None)
        self._look_ups.put(None)
        for _ in self._threads[2:]:
            self._reads.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _submit(
        self, queue: "SimpleQueue[_Job | None]", operation: Operation[T]
    ) -> "asyncio.Future[T]":
        if self._closed:
            raise TryLater("the database is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        queue.put(_Job(operation, loop, future))
        return future

    def _write_loop(self) -> None:
        connection: apsw.Connection | None = None
        jobs, last = list[_Job](), False
        while not last:
            jobs, last = _gather(self._writes, len(jobs))
            connection = connection or self._connect(jobs, write=True)
            if connection is not None and jobs:
                with self._turn:  # for which it may have waited, and others have come
                    last = last or _add_waiting(self._writes, jobs)
                    _commit(connection, jobs, is_guest=self._is_guest)
            _report(jobs)
        if connection is not None:
            connection.close()

    def _read_loop(self) -> None:
        connection: apsw.Connection | None = None
        while (job := self._reads.get()) is not None:
            connection = connection or self._connect([job], write=False)
            if connection is not None:
                _read(connection, [job])
            _report([job])
        if connection is not None:
            connection.close()

    def _look_up_loop(self) -> None:
        """What is asked together is looked up in one transaction, and answered together."""
        connection: apsw.Connection | None = None
        jobs, last = list[_Job](), False
        while not last:
            jobs, last = _gather(self._look_ups, len(jobs))
            connection = connection or self._connect(jobs, write=False)
            if connection is not None:
                _read(connection, jobs)
            _report(jobs)
        if connection is not None:
            connection.close()

    def _connect(self, jobs: list[_Job], *, write: bool) -> apsw.Connection | None:
        """Open when first needed; what prevents it is told to who waits, and tried again."""
        try:
            return connect(self._path, self._vfs, write=write)
        except apsw.Error as error:
            for job in jobs:
                job.error = translated(error)
            return None


def connect(path: Path, vfs: str | None, *, write: bool) -> apsw.Connection:
    """A connection with the settings that the promises need."""
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if write else 0)
    connection = apsw.Connection(str(path), flags=flags, vfs=vfs, statementcachesize=_STATEMENTS)
    connection.set_busy_timeout(_BUSY_MILLISECONDS)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -8000")
    if not write:
        # Half the cost of a row: pages come from the system's cache without a copy.
        connection.execute(f"PRAGMA mmap_size = {_MAPPED_OCTETS}").fetchall()
    # One duty owns checkpoints: the writer's, after its commits.
    connection.wal_autocheckpoint(_CHECKPOINT_PAGES if write else 0)
    if not write:
        connection.execute("PRAGMA query_only = ON")
    return connection


def migrate(path: Path, vfs: str | None = None) -> list[Migration]:
    """Bring the schema up to date in one transaction; returns what was applied.

    Raises `Invalid` for a file that is no database of ours or of a newer version, `TryLater`
    while another process holds it locked.
    """
    try:
        _refuse_foreign(path, vfs)
        connection = connect(path, vfs, write=True)
    except (apsw.BusyError, apsw.LockedError, apsw.FullError) as error:
        raise translated(error) from error
    except apsw.Error as error:
        raise Invalid(f"{path} cannot be opened as a database: {error}") from error
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(render(JOURNAL, Dialect.SQLITE))
        rows = connection.execute("SELECT number, checksum FROM migration").fetchall()
        todo = missing({integer(number): text(checksum) for number, checksum in rows})
        for migration in todo:
            for statement in migration.statements(Dialect.SQLITE):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO migration VALUES (?, ?, ?)",
                (migration.number, migration.name, migration.checksum),
            )
        connection.execute("COMMIT")
        return todo
    except apsw.Error as error:
        raise translated(error) from error
    finally:
        connection.close()


def _refuse_foreign(path: Path, vfs: str | None) -> None:
    """Before anything is written. Raises `Invalid` for a database of another program."""
    if not path.is_file() or not path.stat().st_size:
        return
    flags = apsw.SQLITE_OPEN_READONLY
    with closing(apsw.Connection(str(path), flags=flags, vfs=vfs)) as connection:
        connection.set_busy_timeout(_BUSY_MILLISECONDS)
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    if tables and "migration" not in tables:
        raise Invalid(f"{path} is a database of another program")


def drive(connection: apsw.Connection, operation: Operation[T]) -> T:
    """Run the steps of an operation on a connection, in this thread."""
    steps = operation()
    try:
        step = next(steps)
        while True:
            step = steps.send(_rows(connection, step))
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        steps.close()


def _rows(connection: apsw.Connection, step: Step) -> Rows:
    if isinstance(step, Run):
        rows: Rows = connection.execute(step.sql.sqlite, _bound(step.sql, step.params)).fetchall()
        return rows
    for start in range(0, len(step.params), _ROWS_AT_ONCE):
        some = step.params[start : start + _ROWS_AT_ONCE]
        connection.execute(step.sql.sqlite_rows(len(some)), in_rows(some))
    return []


def _bound(sql: Sql, params: Any) -> Any:  # Any: apsw's own types for bindings
    if not sql.lists:
        return params
    return {
        name: json.dumps(list(value)) if name in sql.lists else value
        for name, value in params.items()
    }


def _gather(queue: "SimpleQueue[_Job | None]", before: int) -> tuple[list[_Job], bool]:
    """Wait for one job and take those that wait beside it; True when it is time to stop.

    Of a busy server there were more jobs `before`, and the others are about to come.
    """
    first = queue.get()
    if first is None:
        return [], True
    if queue.qsize() + 1 < before:
        time.sleep(_GATHER_SECONDS)
    jobs = [first]
    return jobs, _add_waiting(queue, jobs)


def _add_waiting(queue: "SimpleQueue[_Job | None]", jobs: list[_Job]) -> bool:
    """Take what waits now, up to a batch; True when it is time to stop."""
    while len(jobs) < _BATCH and not queue.empty():
        job = queue.get()
        if job is None:
            return True
        jobs.append(job)
    return False


def _read(connection: apsw.Connection, jobs: list[_Job]) -> None:
    """Run operations on one state of the database, which is not older than any of them."""
    try:
        connection.execute("BEGIN")
        for job in jobs:
            try:
                job.result = drive(connection, job.operation)
            except Exception as error:
                job.error = translated(error)
    except Exception as error:
        for job in jobs:
            job.error = job.error or translated(error)
    finally:
        if not connection.get_autocommit():
            connection.execute("COMMIT")


def _commit(connection: apsw.Connection, jobs: list[_Job], *, is_guest: bool) -> None:
    """Run the operations and commit them together.

    Few fail, and a SAVEPOINT costs two more turns of the interpreter's lock for each operation,
    so they are only made when one did.
    """
    before = connection.total_changes()
    try:
        connection.execute("BEGIN IMMEDIATE")
        if not _run_all(connection, jobs):
            if len(jobs) == 1:
                return
            connection.execute("BEGIN IMMEDIATE")
            _run_each_alone(connection, jobs)
        if is_guest and connection.total_changes() != before:
            connection.execute(COUNT_GUEST)
        connection.execute("COMMIT")
    except Exception as error:
        if not connection.get_autocommit():
            connection.execute("ROLLBACK")
        for job in jobs:
            job.error = job.error or translated(error)


def _run_all(connection: apsw.Connection, jobs: list[_Job]) -> bool:
    """Whether the transaction stands; if not, it is undone, and the one that failed knows.

    One that failed before it changed a row has nothing to undo, and is no harm to the others.
    """
    for job in jobs:
        changed = connection.total_changes()
        try:
            job.result = drive(connection, job.operation)
        except Exception as error:
            job.error = translated(error)
            if connection.get_autocommit():  # the engine gave the whole transaction up
                return False
            if connection.total_changes() != changed:
                connection.execute("ROLLBACK")
                return False
    return True


def _run_each_alone(connection: apsw.Connection, jobs: list[_Job]) -> None:
    for job in jobs:
        job.error = None
        connection.execute("SAVEPOINT job")
        try:
            job.result = drive(connection, job.operation)
        except Exception as error:
            job.error = translated(error)
            if connection.get_autocommit():  # the engine gave the whole transaction up
                raise
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")


def _report(jobs: list[_Job]) -> None:
    """Give the results back, with one wake-up of the loop for all."""

    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, waiting in by_loop.items():
        # A closed loop refuses the call: nobody waits there any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_resolve, waiting)


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)


def translated(error: Exception) -> Exception:
    """The driver's errors in the words of the domain; others as they are."""
    kinds: list[tuple[type[Exception], Callable[[str], MailError]]] = [
        (apsw.FullError, LowSpace),
        (apsw.BusyError, TryLater),
        (apsw.LockedError, TryLater),
        (apsw.IOError, TryLater),
        (apsw.ReadOnlyError, TryLater),
        (apsw.NotADBError, Invalid),
        (apsw.CorruptError, TryLater),
        (apsw.CantOpenError, TryLater),
    ]
    if isinstance(error, apsw.ConstraintError) and MOVED in str(error):
        return TryLater(MOVED)
    for kind, made in kinds:
        if isinstance(error, kind):
            wrapped = made(f"the database: {error}")
            wrapped.__cause__ = error
            return wrapped
    return error
