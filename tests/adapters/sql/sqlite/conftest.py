"""The stores over a fresh SQLite file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postroad.adapters.sql.directory.store import SqlDirectoryStore
from postroad.adapters.sql.leases import SqlLeaseStore
from postroad.adapters.sql.metadata import SqlMetadataStore
from postroad.adapters.sql.nodes import SqlNodeStore
from postroad.adapters.sql.queue.store import SqlQueueStore, SqlReferenceStore
from postroad.adapters.sql.sharing import SqlSharingStore
from postroad.adapters.sql.sqlite.engine import SqliteEngine, migrate
from postroad.adapters.sql.store import SqlMailStore
from postroad.adapters.sql.urlkeys import SqlUrlKeyStore
from postroad.adapters.sql.virtual import SqlVirtualStore
from stores.making import Stores


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with the present schema."""
    made = tmp_path / "mail.db"
    migrate(made)
    return made


@pytest.fixture
async def engine(path: Path) -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(path)
    yield engine
    await engine.close()


@pytest.fixture
def stores(engine: SqliteEngine) -> Stores:
    return Stores(
        SqlMailStore(engine),
        SqlDirectoryStore(engine),
        SqlQueueStore(engine),
        SqlReferenceStore(engine),
        SqlSharingStore(engine),
        SqlLeaseStore(engine),
        SqlMetadataStore(engine),
        SqlUrlKeyStore(engine),
        SqlVirtualStore(engine),
        SqlNodeStore(engine),
    )
