"""Three nodes serve while faults strike them and what they stand on; a ledger knows the rest.

`TEST_FAULTS` says how many faults (4 if it is not set; `make torture` takes more), and
`TEST_TORTURE_SEED`
repeats an earlier schedule.
"""

import os
import secrets
import threading
import time
from collections.abc import Iterator

import pytest

from crash.aftermath import (
    ACCOUNTS,
    DELIVERED,
    check_bodies,
    check_delivered,
    check_store,
    found_at_last,
)
from crash.keepers import Keeper, Mover
from crash.ledger import Ledger, schedule
from crash.mirror import Mirror
from crash.senders import MailExchanger, Program, Submitter
from crash.sink import Sink, running_sink
from crash.workers import CAROL, Desk, Worker
from interop.programs import missing
from support.dnsserver import dns_server
from support.faultyproxy import faulty_proxy
from support.pgcluster import primary_and_standby
from support.postgres import programs
from support.s3 import S3Server, s3_server
from support.server import ALICE
from support.services import Service, redis_server
from torture.installation import FAULTS, Installation, installation

__all__ = ["redis_server", "s3_server"]

COUNT = int(os.environ.get("TEST_FAULTS", "4"))
SEED = int(os.environ.get("TEST_TORTURE_SEED") or secrets.randbelow(10**6))
_REST_SECONDS = 120.0

pytestmark = [pytest.mark.slow, pytest.mark.real, pytest.mark.timeout(400 + 40 * COUNT)]


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink(schedule(SEED, "sink")) as sink:
        yield sink


@pytest.fixture
def place(sink: Sink, s3_server: S3Server, redis_server: Service) -> Iterator[Installation]:
    binaries = programs()
    if binaries is None:
        missing("PostgreSQL is not installed: nodes under faults are NOT tested")
    with (
        dns_server() as dns,
        primary_and_standby(binaries) as postgres,
        faulty_proxy(s3_server.port) as bucket,
    ):
        dns.add("sink.elsewhere.test", "A", "127.0.0.1")
        for domain in ("elsewhere.test", "other.test"):
            dns.add(domain, "MX", "10 sink.elsewhere.test.")
        settings = {
            "delivery.mode": "live",
            "delivery.port": sink.port,
            "delivery.private_networks": True,
            "delivery.queue.first_retry": "1s",
            "delivery.queue.longest_retry": "2s",
            "dns.servers": [dns.address],
        }
        chance = schedule(SEED, "installation")
        with installation(postgres, s3_server, bucket, redis_server, settings, chance) as made:
            yield made


def employ(place: Installation, ledger: Ledger) -> list[Worker]:
    def desk(name: str) -> Desk:
        return Desk(name, place, ledger, schedule(SEED, name), may_fail=True)

    keepers = [Keeper(desk(f"keep{number}")) for number in range(2)]
    boxes = tuple(box for keeper in keepers for box in keeper.boxes)
    return [
        *keepers,
        Mirror(desk("mirror0"), CAROL, boxes, mail_arrives=False),
        Mirror(desk("mirror1"), ALICE, ACCOUNTS[ALICE], mail_arrives=True),
        Mover(desk("mover")),
        *(MailExchanger(desk(f"mx{number}")) for number in range(2)),
        Submitter(desk("sub0")),
        Program(desk("rest0")),
    ]


def test_nothing_acknowledged_is_lost(place: Installation, sink: Sink) -> None:
    print(f"TEST_TORTURE_SEED={SEED} TEST_FAULTS={COUNT}")
    ledger, stop = Ledger(), threading.Event()
    place.start()
    workers = employ(place, ledger)
    for worker in workers:
        worker.recover()
    threads = [threading.Thread(target=one.run, args=(stop,)) for one in workers]
    for thread in threads:
        thread.start()
    try:
        _strike(place, ledger)
    finally:
        stop.set()
        for thread in threads:
            thread.join(90)
    assert not any(thread.is_alive() for thread in threads), f"a client hangs (seed {SEED})"
    _check(ledger)
    for worker in workers:
        worker.recover()
    _rest(place)
    for worker in workers:
        if isinstance(worker, Mirror):
            worker.compare()
    check_store(place)
    ledger.check_final(found_at_last(place, sink))
    _check(ledger)
    assert not sink.damaged
    check_delivered(place.rows(DELIVERED), sink.receipts)
    check_bodies(place)
    print(f"sent, acknowledged {ledger.counts()}, to the sink {len(sink.receipts)}")


def _strike(place: Installation, ledger: Ledger) -> None:
    chance = schedule(SEED, "faults")
    waiting = list(FAULTS)
    chance.shuffle(waiting)
    for number in range(COUNT):
        fault = waiting[number % len(waiting)]
        time.sleep(chance.uniform(0.5, 2))
        before = ledger.counts()[1]
        fault(place)
        deadline = time.monotonic() + 60
        while ledger.counts()[1] < before + 10:
            assert not ledger.violations, "\n".join(ledger.violations)
            assert time.monotonic() < deadline, f"nothing works after {fault.__name__}"
            time.sleep(0.1)
        print(f"{fault.__name__}: sent, acknowledged {ledger.counts()}")


def _rest(place: Installation) -> None:
    """Until the queue is empty; what a dead node had in its hands has to lapse first."""
    deadline = time.monotonic() + _REST_SECONDS
    query = "SELECT count(*) FROM recipient WHERE state NOT IN ('delivered', 'bounced')"
    while (left := place.rows(query)) != [("0",)]:
        assert time.monotonic() < deadline, f"{left} recipients still wait"
        time.sleep(0.5)


def _check(ledger: Ledger) -> None:
    assert not ledger.violations, "\n".join(ledger.violations)
