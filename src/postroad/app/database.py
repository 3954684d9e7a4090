"""The database that `storage.metadata` names: a file of SQLite's, or one of PostgreSQL's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.postgres.engine import PostgresEngine
from postroad.adapters.sql.postgres.settings import PostgresSettings
from postroad.adapters.sql.sqlite.engine import SqliteEngine, migrate
from postroad.adapters.sql.sqlite.turns import Turn
from postroad.adapters.sql.transfer import capture
from postroad.app.seat import Seat
from postroad.base.errors import Invalid
from postroad.config.settings import Settings

_SQLITE = "sqlite:"
_POSTGRES = ("postgres:", "postgresql:")


class Database(Protocol):
    async def prepare(self) -> bool:
        """Make or upgrade the schema; whether there was something to do. Raises `Invalid`."""
        ...

    def ended_suddenly(self) -> bool:
        """Whether it was left open: by a process that was killed, or one still running.

        To be asked before anything opens the database, which then takes its log up.
        """
        ...

    async def open(self, seat: Seat | None, *, is_guest: bool, even_moved: bool = False) -> Engine:
        """Up to date, for a worker or for a process that is alone.

        One that the installation moved away from is only opened with `even_moved`.

        Raises `Invalid`, saying what to do, when it is not there or cannot be used, `TryLater`.
        """
        ...


def database_of(settings: Settings) -> Database:
    url = settings.storage.metadata
    if is_postgres(url):
        given = settings.storage.postgres
        return _Postgres(
            url,
            PostgresSettings(
                connections=given.connections,
                prepared=given.prepared_statements,
                statement_seconds=given.statement_timeout.total_seconds(),
                patience_seconds=given.patience.total_seconds(),
            ),
        )
    return _Sqlite(sqlite_path(settings))


def is_postgres(url: str) -> bool:
    return url.startswith(_POSTGRES)


def sqlite_path(settings: Settings) -> Path:
    """Raises `Invalid` where the database is another one."""
    url = settings.storage.metadata
    if is_postgres(url):
        raise Invalid("the database is no file of SQLite's but in PostgreSQL")
    return settings.below_data(url.removeprefix(_SQLITE))


@dataclass(frozen=True, slots=True)
class _Sqlite(Database):
    path: Path

    async def prepare(self) -> bool:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return bool(migrate(self.path))

    def ended_suddenly(self) -> bool:
        log = self.path.with_name(f"{self.path.name}-wal")
        return log.exists() and log.stat().st_size > 0

    async def open(self, seat: Seat | None, *, is_guest: bool, even_moved: bool = False) -> Engine:
        if not self.path.exists():
            raise Invalid(f"there is no database at {self.path}. Run postroad init first.")
        migrate(self.path)
        turn = None if seat is None else Turn(seat.shared.turns, seat.number)
        engine = SqliteEngine(self.path, turn=turn, is_guest=is_guest)
        try:
            await _require_here(engine, even_moved=even_moved)
        except BaseException:
            await engine.close()
            raise
        return engine


@dataclass(frozen=True, slots=True)
class _Postgres(Database):
    url: str
    settings: PostgresSettings

    async def prepare(self) -> bool:
        engine = await PostgresEngine.connect(self.url, self.settings)
        try:
            return bool(await engine.migrate())
        finally:
            await engine.close()

    def ended_suddenly(self) -> bool:
        return False  # its server looks after its log

    async def open(self, seat: Seat | None, *, is_guest: bool, even_moved: bool = False) -> Engine:
        engine = await PostgresEngine.connect(self.url, self.settings, is_guest=is_guest)
        try:
            if not await engine.is_founded():
                raise Invalid("the PostgreSQL database is empty. Run postroad init first.")
            await engine.migrate()
            await _require_here(engine, even_moved=even_moved)
        except BaseException:
            await engine.close()
            raise
        return engine


async def _require_here(engine: Engine, *, even_moved: bool) -> None:
    if not even_moved and (target := await engine.look_up(capture.moved_to)) is not None:
        raise Invalid(
            f"everything in this database was moved to {target}. Set storage.metadata to that, or "
            "stay here with postroad migrate-store --stay, without what came there since."
        )
