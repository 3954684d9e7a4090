"""Promise 1 of the design: 250 means kept (docs/design). The server is killed, again and again.

`TEST_CRASH_KILLS` says how often (5 if it is not set; 20 and more for a thorough run), and
`TEST_CRASH_SEED` repeats the schedule of an earlier run: it is printed with every failure.
"""

import os
import re
import secrets
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from crash.aftermath import (
    ACCOUNTS,
    Recorded,
    check_bodies,
    check_events,
    check_search,
    check_store,
    counted,
    found_at_last,
    waiting,
)
from crash.keepers import Keeper, Mover
from crash.ledger import Ledger, schedule
from crash.mirror import Mirror
from crash.senders import MailExchanger, Program, Submitter
from crash.sink import Sink, running_sink
from crash.tearing import tear
from crash.workers import CAROL, DAVE, Desk, Worker
from support.dnsserver import dns_server
from support.server import ALICE, RunningServer

KILLS = int(os.environ.get("TEST_CRASH_KILLS", "5"))
SEED = int(os.environ.get("TEST_CRASH_SEED") or secrets.randbelow(10**6))

_LONGEST_LOAD_SECONDS = 3.0
_START_SECONDS = 15.0  # far more than it takes: the machine may be busy
_DRAIN_SECONDS = 90.0
_UPKEEP_SECONDS = 2.0  # that a step is waited for
STEPS = ("collect", "compact", "purge", "compact", "sweep")
_DONE = re.compile(r"(forgotten|collected|swept|freed_octets)\W+(\d+)")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + 25 * KILLS)]


@contextmanager
def crashing_server(sink: Sink, dns_address: str, workers: int) -> Iterator[RunningServer]:
    """A founded server, not started yet; whatever happens, its process does not stay."""
    settings = {
        "auth.cleartext": "loopback",
        "delivery.mode": "live",
        "delivery.port": sink.port,
        "delivery.private_networks": True,
        "delivery.queue.first_retry": "1s",
        "delivery.queue.longest_retry": "2s",
        "delivery.queue.lease": "10s",
        "dns.servers": [dns_address],
        "workers": workers,
    }
    with tempfile.TemporaryDirectory(prefix="postroad-", ignore_cleanup_errors=True) as name:
        server = RunningServer(Path(name), settings)
        server.found()
        for address in (CAROL, DAVE):
            server.passwords[address] = secrets.token_hex(8)
            server.json("account", "add", address, "--password-stdin",
                        stdin=server.passwords[address] + "\n")  # fmt: skip
        try:
            yield server
        finally:
            server.kill()


@dataclass(slots=True)
class Run:
    """One test: the server, its clients, and what they know."""

    server: RunningServer
    sink: Sink
    ledger: Ledger = field(default_factory=Ledger)
    recorded: Recorded = field(default_factory=Recorded)
    workers: list[Worker] = field(default_factory=list)
    start_seconds: list[float] = field(default_factory=list)
    upkeep_step: Path | None = None  # where the server tells what its upkeep does, if it hurries
    interrupted: Counter[str] = field(default_factory=Counter)  # steps of upkeep

    def employ(self) -> None:
        keepers = [Keeper(self._desk(f"keep{number}")) for number in range(3)]
        boxes = tuple(box for keeper in keepers for box in keeper.boxes)
        self.workers = [
            *keepers,
            Mirror(self._desk("mirror0"), CAROL, boxes, mail_arrives=False),
            Mirror(self._desk("mirror1"), ALICE, ACCOUNTS[ALICE], mail_arrives=True),
            Mover(self._desk("mover")),
            *(MailExchanger(self._desk(f"mx{number}")) for number in range(2)),
            *(Submitter(self._desk(f"sub{number}")) for number in range(2)),
            *(Program(self._desk(f"rest{number}")) for number in range(2)),
        ]

    def _desk(self, name: str) -> Desk:
        return Desk(name, self.server, self.ledger, schedule(SEED, name))

    def start(self) -> None:
        """Start, and compare what is there with what must be."""
        began = time.monotonic()
        self.server.start()
        self.start_seconds.append(time.monotonic() - began)
        for worker in self.workers:
            worker.recover()
        self.ledger.check_present(counted(self.server))
        self.check()

    def load_and_kill(self, seconds: float) -> None:
        stop = threading.Event()
        threads = [threading.Thread(target=one.run, args=(stop,)) for one in self.workers]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self._await_upkeep()
        self.server.kill()
        died_at = time.time()
        self._note_upkeep()
        stop.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), f"a client hangs (seed {SEED})"
        self.recorded.look(self.server.data_dir, died_at)
        self.check()

    def _await_upkeep(self) -> None:
        """Until a step has just begun, each in its turn."""
        wanted = STEPS[sum(self.interrupted.values()) % len(STEPS)]
        deadline = time.monotonic() + _UPKEEP_SECONDS
        while self.upkeep_step is not None and self.upkeep_step.read_text() != wanted:
            if time.monotonic() > deadline:
                break

    def _note_upkeep(self) -> None:
        if self.upkeep_step is not None and (step := self.upkeep_step.read_text()):
            self.interrupted[step] += 1

    def check(self) -> None:
        assert not self.ledger.violations, "\n".join(self.ledger.violations)

    def drain(self) -> None:
        """Until the queue has come to rest; the leases of the dead have to lapse first."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        while left := waiting(self.server):
            assert time.monotonic() < deadline, f"{left} recipients still wait"
            time.sleep(0.3)


@contextmanager
def crashing(workers: int) -> Iterator[Run]:
    with (
        running_sink(schedule(SEED, "sink")) as sink,
        dns_server() as dns,
        crashing_server(sink, dns.address, workers) as server,
    ):
        dns.add("sink.elsewhere.test", "A", "127.0.0.1")
        for domain in ("elsewhere.test", "other.test"):
            dns.add(domain, "MX", "10 sink.elsewhere.test.")
        yield Run(server, sink)


@pytest.fixture
def hurried_run(tmp_path: Path) -> Iterator[Run]:
    """Its upkeep runs all the time, and forgets after seconds what else is kept for days."""
    with crashing(1) as run:
        run.upkeep_step = tmp_path / "step"
        run.upkeep_step.write_text("")
        run.server.program = [str(Path(__file__).with_name("hurried.py"))]
        run.server.environ["TEST_UPKEEP_STEP"] = str(run.upkeep_step)
        run.server.write_config({"mail.undelete_days": 0})
        yield run


@pytest.fixture(params=[1, 2], ids=["alone", "two workers"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    with crashing(request.param) as run:
        yield run


def test_250_means_kept(run: Run) -> None:
    _kill_again_and_again(run)
    _settle(run)


def test_250_means_kept_when_upkeep_is_cut_off(hurried_run: Run) -> None:
    """Collection, compaction, checkpoints: what is deleted is what nobody needs."""
    run = hurried_run
    _kill_again_and_again(run)
    _settle(run)
    print(f"steps that were cut off: {dict(run.interrupted)}")
    assert sum(run.interrupted.values()) > KILLS // 2
    done = Counter[str]()
    for line in run.server.log().splitlines():
        if "upkeep done" in line:
            done.update({name: int(count) for name, count in _DONE.findall(line)})
    print(f"upkeep did {dict(done)}")
    assert min(done[name] for name in ("forgotten", "collected", "freed_octets")) > 0


def _kill_again_and_again(run: Run) -> None:
    print(f"TEST_CRASH_SEED={SEED} TEST_CRASH_KILLS={KILLS}")
    chance = schedule(SEED, "kills")
    run.employ()
    for number in range(KILLS):
        run.start()
        if chance.random() < 0.4:
            check_store(run.server)
        run.load_and_kill(chance.uniform(0.3, _LONGEST_LOAD_SECONDS))
        if chance.random() < 0.7:
            tear(run.server.data_dir, chance)
        if chance.random() < 0.3:  # it dies again while it starts
            run.server.launch()
            time.sleep(chance.uniform(0.1, 1.0))
            run.server.kill()
        print(f"killed {number + 1}: sent, acknowledged {run.ledger.counts()}")


def test_250_means_kept_when_a_worker_is_killed() -> None:
    """The others serve on, and who waits for a connection gets one."""
    print(f"TEST_CRASH_SEED={SEED} TEST_CRASH_KILLS={KILLS}")
    chance = schedule(SEED, "kills of workers")
    with crashing(2) as run:
        run.employ()
        run.start()
        stop = threading.Event()
        threads = [threading.Thread(target=one.run, args=(stop,)) for one in run.workers]
        for thread in threads:
            thread.start()
        try:
            _kill_workers(run, chance)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        assert not any(thread.is_alive() for thread in threads), f"a client hangs (seed {SEED})"
        run.check()
        run.server.kill()
        run.recorded.look(run.server.data_dir, time.time())
        _settle(run)


def _kill_workers(run: Run, chance: Random) -> None:
    for _ in range(3 * KILLS):
        time.sleep(chance.uniform(0.3, 1.5))
        os.kill(chance.choice(run.server.workers()).pid, signal.SIGKILL)
        with socket.create_connection(("127.0.0.1", run.server.ports["smtp"]), 20) as client:
            assert client.recv(4) == b"220 "
    time.sleep(1.0)


def _settle(run: Run) -> None:
    """After the last start: nothing is on its way any more, and all of it is accounted for."""
    run.start()
    run.drain()
    for worker in run.workers:
        if isinstance(worker, Mirror):
            worker.compare()
    check_store(run.server)
    run.ledger.check_final(found_at_last(run.server, run.sink))
    run.check()
    assert not run.sink.damaged
    run.recorded.check(run.sink.receipts)
    check_events(run.server, run.sink.receipts)
    check_bodies(run.server)
    keys = run.ledger.received(ALICE)
    check_search(run.server, ALICE, schedule(SEED, "search").sample(keys, min(len(keys), 20)))
    assert not list((run.server.data_dir / "spool").iterdir())
    sent, acknowledged = run.ledger.counts()
    assert acknowledged > 10 * KILLS, f"too little load to prove anything: {sent} sent"
    slowest = max(run.start_seconds)
    print(f"sent {sent}, acknowledged {acknowledged}, to the sink {len(run.sink.receipts)}")
    print(f"slowest start {slowest:.1f} s")
    assert slowest < _START_SECONDS
    run.server.stop()
