"""Connections to PostgreSQL: how they are opened, and what their errors mean."""

import asyncio
import time
from typing import Any

import asyncpg

from postroad.adapters.sql.engine import MOVED
from postroad.adapters.sql.postgres.settings import PostgresSettings
from postroad.base.errors import Invalid, LowSpace, MailError, TryLater

Connection = Any  # asyncpg carries no types

# Two that make the same thing at once: the one that comes second runs again, and finds it there.
LOST_RACES = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UniqueViolationError,
)
# The server is away, or is one that takes no writes: what was not committed never happened.
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down, or starting
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby, or a primary that was demoted
)
_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ClientConfigurationError,
    asyncpg.InsufficientPrivilegeError,
)
_CONNECT_SECONDS = 5
_STATEMENTS = 400
_OLDEST_SECONDS = 24 * 3600
_GRACE_SECONDS = 5  # for what the server should have ended by itself


class _Pooled(asyncpg.Connection):  # type: ignore[misc]  # asyncpg carries no types
    """One that needs no clean-up between its users, which saves a turn: all is set per use."""

    __slots__ = ("session",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.session: Session | None = None  # since it first wrote

    def keep(self, session: "Session") -> None:
        """Asyncpg lends a proxy, which takes no attributes."""
        self.session = session

    def get_reset_query(self) -> str:
        return ""


class Session:
    """What we know of one connection beside what asyncpg knows."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.commits = 0
        self.opened_at = time.monotonic()
        self.warned = ""
        """A warning of the server since this was last cleared."""

    @property
    def is_old(self) -> bool:
        """Whether its row is about to be forgotten, see `outcome`."""
        return time.monotonic() - self.opened_at > _OLDEST_SECONDS

    def hear(self, _: Connection, message: Any) -> None:
        if message.severity_en == "WARNING":
            self.warned = str(message.message)


async def open_pool(url: str, settings: PostgresSettings) -> Any:
    """Raises `TryLater` when no server answers, `Invalid` when it refuses us."""
    try:
        pool = await asyncpg.create_pool(
            url,
            min_size=0,  # for more it would log each try to restore them
            max_size=settings.connections,
            connection_class=_Pooled,
            timeout=_CONNECT_SECONDS,
            command_timeout=settings.statement_seconds + _GRACE_SECONDS,
            statement_cache_size=_STATEMENTS if settings.prepared else 0,
            max_cached_statement_lifetime=0,
        )
        async with pool.acquire():
            return pool
    except (*_REFUSED, ValueError) as error:
        raise Invalid(f"PostgreSQL refuses the connection: {error}") from error
    except AWAY as error:
        raise TryLater(f"PostgreSQL does not answer: {_said(error)}") from error


def translated(error: BaseException) -> MailError | None:
    """The driver's errors in the words of the domain; None for what is none of its troubles."""
    said = f"the database: {_said(error)}"
    if isinstance(error, asyncpg.RaiseError) and MOVED in str(error):
        return TryLater(MOVED)
    if isinstance(error, asyncpg.DiskFullError):
        return LowSpace(said)
    if isinstance(error, (*AWAY, *LOST_RACES, asyncpg.InsufficientResourcesError)):
        return TryLater(said)
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return TryLater(said)  # the password was changed: an operator mends it, mail waits
    return None


def _said(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    return str(error) or type(error).__name__


async def undo(connection: Connection) -> None:
    """Roll back, or else drop the connection, which does the same."""
    if connection.is_closed():
        return
    try:
        async with asyncio.timeout(_GRACE_SECONDS):
            await connection.execute("ROLLBACK")
    except (*AWAY, asyncpg.PostgresError):
        connection.terminate()
