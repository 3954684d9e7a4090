"""The engine behind a PgBouncer that pools transactions: a connection is another each time."""

import asyncio
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from interop.programs import need
from postroad.adapters.sql.directory.store import SqlDirectoryStore
from postroad.adapters.sql.leases import SqlLeaseStore
from postroad.adapters.sql.metadata import SqlMetadataStore
from postroad.adapters.sql.nodes import SqlNodeStore
from postroad.adapters.sql.postgres.engine import PostgresEngine
from postroad.adapters.sql.postgres.settings import PostgresSettings
from postroad.adapters.sql.queue.store import SqlQueueStore, SqlReferenceStore
from postroad.adapters.sql.sharing import SqlSharingStore
from postroad.adapters.sql.store import SqlMailStore
from postroad.adapters.sql.urlkeys import SqlUrlKeyStore
from postroad.adapters.sql.virtual import SqlVirtualStore
from stores.every_contract import TestDeliver, TestFlags  # collected here
from stores.making import Stores, delivery, email
from support.postgres import ADMIN, Server, unprivileged

__all__ = ["TestDeliver", "TestFlags"]

_PORT = 6432  # names the socket only
_CONFIG = """[databases]
* = host={server} user={admin}
[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
auth_type = any
pool_mode = transaction
default_pool_size = 3
ignore_startup_parameters = extra_float_digits
"""


@pytest.fixture
def bouncer(postgres_server: Server) -> Iterator[Path]:
    """The folder of its socket."""
    program = need("pgbouncer", "pgbouncer")
    with tempfile.TemporaryDirectory(prefix="bouncer-") as name:
        folder = Path(name)
        user = unprivileged(folder)
        config = folder / "pgbouncer.ini"
        config.write_text(
            _CONFIG.format(server=postgres_server.folder, admin=ADMIN, port=_PORT, folder=folder)
        )
        process = subprocess.Popen(
            [program, "-q", str(config)], user=user, cwd="/", stderr=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + 20
            while not (folder / f".s.PGSQL.{_PORT}").exists():
                assert process.poll() is None, "pgbouncer ended by itself"
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield folder
        finally:
            process.kill()
            process.wait()


@pytest.fixture
async def engine(
    bouncer: Path, postgres_server: Server, postgres_url: str
) -> AsyncIterator[PostgresEngine]:
    there = f"{quote(str(bouncer))}&port={_PORT}"
    url = postgres_url.replace(quote(str(postgres_server.folder)), there)
    made = await PostgresEngine.connect(url, PostgresSettings(prepared=False))
    yield made
    await made.close()


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


async def test_many_at_once(stores: Stores) -> None:
    account = await stores.account()
    await asyncio.gather(*(stores.mail.deliver([delivery(account, email())]) for _ in range(60)))
    assert (await stores.mailbox(account)).messages == 60
    assert await stores.references.check() == []
