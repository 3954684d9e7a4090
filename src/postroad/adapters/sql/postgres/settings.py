"""How PostgreSQL is used."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSettings:
    connections: int = 8
    """At most so many of one process."""
    prepared: bool = True
    """Off behind a PgBouncer that pools transactions, where prepared statements go astray."""
    statement_seconds: float = 60
    """Longer statements are cancelled by the server."""
    patience_seconds: float = 10
    """How long a transaction is tried again while the server is away or fails over."""
