"""The stores over a database of a real PostgreSQL server."""

from collections.abc import AsyncIterator

import pytest

from postroad.adapters.sql.directory.store import SqlDirectoryStore
from postroad.adapters.sql.leases import SqlLeaseStore
from postroad.adapters.sql.metadata import SqlMetadataStore
from postroad.adapters.sql.nodes import SqlNodeStore
from postroad.adapters.sql.postgres.engine import PostgresEngine
from postroad.adapters.sql.queue.store import SqlQueueStore, SqlReferenceStore
from postroad.adapters.sql.sharing import SqlSharingStore
from postroad.adapters.sql.store import SqlMailStore
from postroad.adapters.sql.urlkeys import SqlUrlKeyStore
from postroad.adapters.sql.virtual import SqlVirtualStore
from stores.making import Stores
from support.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[PostgresEngine]:
    engine = await PostgresEngine.connect(postgres_url)
    yield engine
    await engine.close()


@pytest.fixture
def stores(engine: PostgresEngine) -> Stores:
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
