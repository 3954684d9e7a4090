"""Three nodes over PostgreSQL with a standby, a bucket and Redis, and the faults that strike."""

import os
import secrets
import shutil
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import psutil

from crash.workers import CAROL, DAVE
from support.faultyproxy import Does, FaultyProxy
from support.pgcluster import Node as Postgres
from support.pgcluster import url
from support.s3 import ACCESS_KEY, REGION, SECRET_KEY, S3Server
from support.server import Finished, RunningServer
from support.services import Service

DATABASE = "mail"
_LEASE_SECONDS = 5


@dataclass(slots=True)
class Installation:
    """Clients come to any of the nodes, as a load balancer would have it."""

    nodes: list[RunningServer]
    postgres: list[Postgres]
    """The primary first."""
    bucket: FaultyProxy
    redis: Service
    chance: Random
    standing: set[int] = field(default_factory=set)
    """Nodes that clients are sent to."""

    @property
    def ports(self) -> Mapping[str, int]:
        return self.nodes[self.chance.choice(sorted(self.standing) or [0])].ports

    @property
    def passwords(self) -> Mapping[str, str]:
        return self.nodes[0].passwords

    @property
    def api_key(self) -> str:
        return self.nodes[0].api_key

    def command(self, *words: str, stdin: str = "") -> Finished:
        return self.nodes[0].command(*words, stdin=stdin)

    def start(self) -> None:
        for number, node in enumerate(self.nodes):
            node.start()
            self.standing.add(number)

    def rows(self, query: str) -> list[tuple[str, ...]]:
        said = self.postgres[0].say(query, DATABASE)
        return [tuple(line.split("|")) for line in said.splitlines()]

    # Faults: each lasts for seconds, and leaves everything at work again

    def kill_node(self) -> None:
        number = self._another()
        self.nodes[number].kill()
        time.sleep(self.chance.uniform(0, 2))
        self.nodes[number].start()
        self.standing.add(number)

    def drain_node(self) -> None:
        number = self._another()
        self.nodes[number].stop()
        self.nodes[number].start()
        self.standing.add(number)

    def pause_node(self) -> None:
        """For longer than its leases last: it comes back and believes that it holds them."""
        node = self.nodes[self.chance.randrange(len(self.nodes))]
        processes = [psutil.Process(node.pid), *node.workers()]
        for process in processes:
            os.kill(process.pid, signal.SIGSTOP)
        time.sleep(_LEASE_SECONDS + self.chance.uniform(1, 3))
        for process in processes:
            os.kill(process.pid, signal.SIGCONT)

    def restart_database(self) -> None:
        self.postgres[0].kill()
        time.sleep(self.chance.uniform(0, 2))
        self.postgres[0].start()

    def fail_over(self) -> None:
        """The standby takes over, and the old primary comes back as its standby."""
        old, new = self.postgres
        old.kill()
        new.promote()
        self.postgres.reverse()
        new.say("ALTER SYSTEM SET synchronous_standby_names = ''")
        new.say("SELECT pg_reload_conf()")
        old.forget()
        old.copy(new)
        old.start()
        confirm_by_standby(new)

    def lose_bus(self) -> None:
        self.redis.kill()
        time.sleep(self.chance.uniform(1, 3))
        self.redis.start()

    def spoil_bucket(self) -> None:
        kinds = [Does.REFUSE, Does.CUT_ANSWER, Does.LOSE_ANSWER, Does.SLOW_DOWN, Does.FAIL]

        def decide(method: str, target: str) -> Does:
            return self.chance.choice(kinds) if self.chance.random() < 0.4 else Does.PASS

        self.bucket.decide = decide
        time.sleep(self.chance.uniform(1, 3))
        self.bucket.always(Does.PASS)

    def slow_bucket(self) -> None:
        self.bucket.latency_seconds = self.chance.uniform(0.1, 0.5)
        time.sleep(self.chance.uniform(1, 3))
        self.bucket.latency_seconds = 0.0

    def _another(self) -> int:
        number = self.chance.choice(sorted(self.standing))
        self.standing.discard(number)
        return number


FAULTS = (
    Installation.kill_node,
    Installation.drain_node,
    Installation.pause_node,
    Installation.restart_database,
    Installation.fail_over,
    Installation.lose_bus,
    Installation.spoil_bucket,
    Installation.slow_bucket,
)


def confirm_by_standby(primary: Postgres) -> None:
    primary.say("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'")
    primary.say("SELECT pg_reload_conf()")


@contextmanager
def installation(
    postgres: Sequence[Postgres],
    s3: S3Server,
    bucket: FaultyProxy,
    redis: Service,
    settings: Mapping[str, object],
    chance: Random,
) -> Iterator[Installation]:
    """Founded, and not started yet."""
    postgres[0].say(f"CREATE DATABASE {DATABASE}")
    place = f"{s3.new_bucket()}/mail?endpoint={bucket.endpoint}&region={REGION}"
    common = {
        "auth.cleartext": "loopback",
        "delivery.queue.lease": f"{_LEASE_SECONDS}s",
        "storage.metadata": url(postgres, DATABASE),
        "storage.blobs": f"s3://{place}",
        "storage.s3.access_key_id": ACCESS_KEY,
        "storage.s3.secret_access_key": SECRET_KEY,
        "storage.s3.timeout": "5s",
        "bus": f"redis://127.0.0.1:{redis.port}",
        **settings,
    }
    with ExitStack() as stack:
        nodes = []
        for _ in range(3):
            folder = stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True))
            nodes.append(RunningServer(Path(folder), common))
        first, *others = nodes
        first.found()
        for address in (CAROL, DAVE):
            first.passwords[address] = secrets.token_hex(8)
            first.json("account", "add", address, "--password-stdin",
                       stdin=first.passwords[address] + "\n")  # fmt: skip
        for node in others:
            node.data_dir.mkdir(mode=0o700)
            shutil.copy(first.data_dir / "master.key", node.data_dir)
        for node in nodes:
            stack.callback(node.kill)
        yield Installation(nodes, list(postgres), bucket, redis, chance)
