"""A primary and a standby of PostgreSQL, that fail over when a test says so."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from support.postgres import ADMIN, run_program, unprivileged

_OPTIONS = "-c listen_addresses= -c fsync=off -c full_page_writes=off -c wal_level=replica"


class Node:
    """`folder` holds the socket, the log and the cluster."""

    def __init__(self, folder: Path, binaries: Path, user: str | None) -> None:
        self.folder = folder
        self._binaries = binaries
        self._user = user
        self._place = folder / "cluster"

    def make(self) -> None:
        self._run("initdb", "-D", self._place, "-U", ADMIN, "-A", "trust", "-E", "UTF8", "-N",
                  "--locale=C")  # fmt: skip

    def copy(self, primary: "Node") -> None:
        """Become its standby."""
        there = f"host={primary.folder} user={ADMIN} application_name=standby"
        self._run("pg_basebackup", "-D", self._place, "-R", "-X", "stream", "-c", "fast",
                  "-d", there)  # fmt: skip

    def start(self) -> None:
        self._control("-w", "-l", self.folder / "log", "-o", f"{_OPTIONS} -k {self.folder}",
                      "start")  # fmt: skip

    def forget(self) -> None:
        """Its files, to become a copy of another."""
        shutil.rmtree(self._place)

    def kill(self) -> None:
        """Without a word to anybody."""
        self._control("-w", "-m", "immediate", "stop")

    def promote(self) -> None:
        self._control("-w", "promote")

    def say(self, statement: str, database: str = "postgres") -> str:
        done = subprocess.run(
            [self._binaries / "psql", "-X", "-q", "-t", "-A", "-h", self.folder, "-U", ADMIN,
             "-d", database, "-v", "ON_ERROR_STOP=1", "-c", statement],
            stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60,
        )  # fmt: skip
        return done.stdout.decode().strip()

    def _control(self, *words: object) -> None:
        self._run("pg_ctl", "-s", "-D", self._place, *words)

    def _run(self, program: str, *words: object) -> None:
        run_program([self._binaries / program, *words], self._user)


@contextmanager
def primary_and_standby(binaries: Path) -> Iterator[Sequence[Node]]:
    """The standby confirms each COMMIT of the primary."""
    with (
        tempfile.TemporaryDirectory(prefix="pg-a-") as a,
        tempfile.TemporaryDirectory(prefix="pg-b-") as b,
    ):
        nodes = [Node(Path(one), binaries, unprivileged(Path(one))) for one in (a, b)]
        primary, standby = nodes
        primary.make()
        primary.start()
        try:
            standby.copy(primary)
            standby.start()
            try:
                primary.say("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'")
                primary.say("SELECT pg_reload_conf()")
                yield nodes
            finally:
                standby.kill()
        finally:
            if (primary.folder / "cluster" / "postmaster.pid").exists():
                primary.kill()


def url(nodes: Sequence[Node], database: str) -> str:
    """Of whichever is the primary."""
    hosts = ",".join(str(node.folder) for node in nodes)
    return f"postgresql://{ADMIN}@/{database}?host={quote(hosts)}&target_session_attrs=read-write"
