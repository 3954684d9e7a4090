"""What is measured, one function each: a server and a round in, figures out.

A figure's key says its unit. `cpu_us` is the server's CPU time for one operation, in microseconds.
"""

import os
import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench import corpus, rest, smtp
from bench.imap import Imap
from bench.servers import USERS, Server

Figures = dict[str, float]

_CONNECTIONS = 20
_VISIBLE_SECONDS = 170.0
_LOGIN_THREADS = 8
_SETTLE_SECONDS = 2.0
_MAILBOX = "Bench"
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done."""

    messages: int  # sent over SMTP in a round
    mailbox: int  # messages of the large mailbox
    logins: int
    idle: tuple[int, int]  # connections: the slope is taken between them
    deliveries: int  # watched from IDLE
    sends: int  # over the REST API
    folder: Path


def smtp_in(server: Server, plan: Plan, number: int) -> Figures:
    """Messages per second until all of them are seen over IMAP."""
    first = number * plan.messages
    messages = [
        (USERS[n % len(USERS)], corpus.dot_stuffed(corpus.message(first + n)))
        for n in range(plan.messages)
    ]
    watchers = [Imap(server, user) for user in USERS]
    before = sum(watcher.messages("INBOX") for watcher in watchers)
    cpu, began = server.cpu_seconds(), time.perf_counter()
    load = smtp.send(server, messages, _CONNECTIONS)
    while (seen := sum(watcher.messages("INBOX") for watcher in watchers) - before) < len(
        messages
    ):
        if time.perf_counter() - began > _VISIBLE_SECONDS:
            raise RuntimeError(f"{server.name}: {seen} of {len(messages)} messages can be seen")
        time.sleep(0.02)
    seconds = time.perf_counter() - began
    cpu = server.cpu_seconds() - cpu
    for watcher in watchers:
        watcher.close()
    return {
        "per_second": len(messages) / seconds,
        "cpu_us": cpu * 1e6 / len(messages),
        "p50_ms": statistics.median(load.waits) * 1e3,
    }


def fill(server: Server, plan: Plan) -> None:
    """Make the large mailbox, which both servers then have with the same messages."""
    with closing(Imap(server, USERS[0])) as imap:
        imap.run(f"CREATE {_MAILBOX}")
        for start in range(0, plan.mailbox, 500):
            numbers = range(start, min(start + 500, plan.mailbox))
            imap.append(_MAILBOX, [corpus.message(n, median_octets=3_000) for n in numbers])


def fetch(items: str) -> Callable[[Server, Plan, int], Figures]:
    """One FETCH of all messages, in a new session; the first round warms the caches."""

    def measure(server: Server, plan: Plan, number: int) -> Figures:
        return _timed(server, plan, f"UID FETCH 1:* ({items})", b" FETCH (", plan.mailbox)

    return measure


def store(server: Server, plan: Plan, number: int) -> Figures:
    sign = "-" if number % 2 else "+"
    return _timed(server, plan, f"UID STORE 1:* {sign}FLAGS.SILENT (\\Flagged)", b" FETCH (", 0)


def _timed(server: Server, plan: Plan, command: str, counted: bytes, expected: int) -> Figures:
    with closing(Imap(server, USERS[0])) as imap:
        imap.select(_MAILBOX)
        cpu, began = server.cpu_seconds(), time.perf_counter()
        hits = imap.count(command, counted)
        seconds, cpu = time.perf_counter() - began, server.cpu_seconds() - cpu
    if hits < expected:
        raise RuntimeError(f"{server.name}: {hits} answers for {expected} messages")
    return {
        "per_second": plan.mailbox / seconds,
        "cpu_us": cpu * 1e6 / plan.mailbox,
        "seconds": seconds,
    }


def logins(server: Server, plan: Plan, number: int) -> Figures:
    """Connect and log in; each password was right once before."""
    for user in USERS:
        Imap(server, user).close()

    def one(n: int) -> None:
        Imap(server, USERS[n % len(USERS)]).close()

    cpu, began = server.cpu_seconds(), time.perf_counter()
    with ThreadPoolExecutor(_LOGIN_THREADS) as threads:
        list(threads.map(one, range(plan.logins)))
    seconds = time.perf_counter() - began
    time.sleep(0.2)  # processes that end with their session
    cpu = server.cpu_seconds() - cpu
    return {"per_second": plan.logins / seconds, "cpu_us": cpu * 1e6 / plan.logins}


def idle(server: Server, plan: Plan, number: int) -> Figures:
    """Memory of one more connection over TLS that idles in its INBOX."""
    fewer, more = plan.idle
    allow_open_files(2 * more + 200)
    connections: list[Imap] = []
    octets = []
    for count in (fewer, more):
        while len(connections) < count:
            imap = Imap(server, USERS[len(connections) % len(USERS)], tls=True)
            imap.select("INBOX")
            imap.idle()
            connections.append(imap)
        time.sleep(_SETTLE_SECONDS)
        octets.append(server.pss_octets())
    for imap in connections:
        imap.close()
    time.sleep(_SETTLE_SECONDS)
    return {"kib_per_connection": (octets[1] - octets[0]) / (more - fewer) / _KIB}


def notified(server: Server, plan: Plan, number: int) -> Figures:
    """From the 250 of a delivery to the EXISTS of a connection in IDLE."""
    waits = []
    with closing(Imap(server, USERS[1])) as imap:
        imap.select("INBOX")
        imap.idle()
        for n in range(plan.deliveries):
            octets = corpus.dot_stuffed(corpus.message(n, median_octets=3_000))
            load = smtp.send(server, [(USERS[1], octets)], 1)
            accepted = time.perf_counter()
            assert len(load.waits) == 1
            waits.append(max(0.0, imap.wait_for_exists(30.0) - accepted))
            time.sleep(0.05)
    return {"p50_ms": statistics.median(waits) * 1e3, "p99_ms": _p99(waits) * 1e3}


def rest_send(server: Server, plan: Plan, number: int) -> Figures:
    """Accepted and durable at 200 a second, beside what the disk needs for a sync."""
    syncs = _sync_seconds(plan.folder)
    cpu = server.cpu_seconds()
    waits = rest.send(server, plan.sends, per_second=200)
    cpu = server.cpu_seconds() - cpu
    syncs += _sync_seconds(plan.folder)
    return {
        "p99_syncs": _p99(waits) / _p99(syncs),
        "p50_ms": statistics.median(waits) * 1e3,
        "p99_ms": _p99(waits) * 1e3,
        "sync_p99_ms": _p99(syncs) * 1e3,
        "cpu_us": cpu * 1e6 / plan.sends,
    }


def at_rest(server: Server, plan: Plan, number: int) -> Figures:
    return {"mib": server.pss_octets() / _KIB**2}


def _sync_seconds(folder: Path, count: int = 200) -> list[float]:
    path = folder / "sync"
    octets = os.urandom(4096)
    waits = []
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        for _ in range(count):
            began = time.perf_counter()
            os.write(fd, octets)
            os.fdatasync(fd)
            waits.append(time.perf_counter() - began)
    finally:
        os.close(fd)
        path.unlink()
    return waits


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def allow_open_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, count), hard), hard))
