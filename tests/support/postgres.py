"""A private PostgreSQL server for the tests, from Debian's programs, without network.

It listens on a socket in a temporary folder and syncs nothing. Each test gets a database of its
own, copied from a template that has the schema.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from interop.programs import missing
from postroad.adapters.sql.postgres.engine import PostgresEngine

_DEBIAN = Path("/usr/lib/postgresql")
ADMIN = "tests"
_TEMPLATE = "with_schema"
_OPTIONS = "-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off"


@dataclass(frozen=True, slots=True)
class Server:
    folder: Path  # the socket is here
    binaries: Path

    def url(self, database: str) -> str:
        return f"postgresql://{ADMIN}@/{database}?host={quote(str(self.folder))}"

    def administer(self, statement: str) -> None:
        """Outside of a loop; raises `RuntimeError` with what the server says."""
        done = subprocess.run(
            [self.binaries / "psql", "-X", "-q", "-h", self.folder, "-U", ADMIN, "-d", "postgres",
             "-v", "ON_ERROR_STOP=1", "-c", statement],
            stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{statement}: {done.stderr.decode()}")

    async def run(self, statement: str, *values: object) -> None:
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(statement, *values)
        finally:
            await connection.close()


def programs() -> Path | None:
    """The folder of the newest PostgreSQL that is installed."""
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return Path(path).parent if path else None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A running server. Without its programs the tests are skipped, but fail in CI."""
    binaries = programs()
    if binaries is None:
        missing("PostgreSQL is not installed: its store is NOT tested (apt install postgresql)")
    with run_postgres(binaries) as server:
        yield server


@contextmanager
def run_postgres(binaries: Path) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        folder = Path(name)
        user = unprivileged(folder)
        place = folder / "cluster"
        made = ["-U", ADMIN, "-A", "trust", "-E", "UTF8", "-N", "--locale=C"]
        run_program([binaries / "initdb", "-D", place, *made], user)
        control = [binaries / "pg_ctl", "-D", place, "-w", "-s"]
        log, options = folder / "log", f"{_OPTIONS} -k {folder}"
        run_program([*control, "-l", log, "-o", options, "start"], user)
        try:
            yield Server(folder, binaries)
        finally:
            run_program([*control, "-m", "immediate", "stop"], user)


def unprivileged(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root: another user, and the folder is theirs."""
    if os.geteuid() != 0:
        return None
    users = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in users else "nobody"
    shutil.chown(folder, user)
    return user


def run_program(command: Sequence[object], user: str | None) -> None:
    done = subprocess.run(
        [str(word) for word in command],
        user=user,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # not a pipe: the server would keep it open
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=120,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed with {done.returncode}")


_numbers = iter(range(1, 1_000_000))
_prepared: set[Path] = set()


@pytest.fixture
async def postgres_url(postgres_server: Server) -> AsyncIterator[str]:
    """The address of a database with the schema, for one test."""
    await prepare(postgres_server)
    name = f"test_{next(_numbers)}"
    await postgres_server.run(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    yield postgres_server.url(name)
    await postgres_server.run(f"DROP DATABASE {name} WITH (FORCE)")


async def prepare(server: Server) -> None:
    """Make the template once."""
    if server.folder in _prepared:
        return
    await server.run(f"CREATE DATABASE {_TEMPLATE}")
    engine = await PostgresEngine.connect(server.url(_TEMPLATE))
    await engine.migrate()
    await engine.close()
    _prepared.add(server.folder)
