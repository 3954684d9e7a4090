"""Several workers behind the same sockets, on the same data: what one does holds for all."""

import os
import re
import signal
import threading
import time
import urllib.request
from contextlib import ExitStack

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.talking import (
    Talk,
    count,
    deliver,
    imap,
    talk,
    wait_for_log,
    wait_until_closed,
)
from support.server import ALICE, BOB, MakeServer, RunningServer, Settings

pytestmark = pytest.mark.slow

_PATIENCE_SECONDS = 20.0


def metrics(server: RunningServer) -> dict[tuple[str, str], float]:
    """Every value by its name and the value of its label."""
    with urllib.request.urlopen(f"{server.http}/metrics", timeout=5) as answer:  # noqa: S310  # our own server
        text = answer.read().decode()
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def connections(server: RunningServer) -> list[int]:
    """How many each worker has."""
    found = metrics(server)
    assert 0 <= found["postroad_worker_silent_seconds", "0"] < 10
    return [int(found["postroad_worker_connections", str(n)]) for n in range(2)]


def worker_pids(server: RunningServer) -> list[int]:
    """Of the workers that live."""
    with open(f"/proc/{server.pid}/task/{server.pid}/children") as file:
        return [int(pid) for pid in file.read().split()]


def one_of_each(server: RunningServer, stack: ExitStack, who: str) -> list[Talk]:
    """IMAP clients, of whom each is with another worker."""
    found: list[Talk] = []
    while len(found) < 2:
        before = connections(server)
        client = stack.enter_context(imap(server, who))
        number = [after - one for after, one in zip(connections(server), before, strict=True)]
        if number.index(1) == len(found):
            found.append(client)
    return found


def two_workers(make_server: MakeServer, settings: Settings | None = None) -> RunningServer:
    """A server of which both workers are ready."""
    server = make_server({"workers": 2} | dict(settings or {}))
    wait_for_log(server, "ready  workers=2")
    return server


def test_connections_are_shared_out(make_server: MakeServer) -> None:
    server = two_workers(make_server)
    with ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(talk(server, "smtp"))
        assert sum(connections(server)) == 60
        assert min(connections(server)) >= 25


def test_delivery_in_one_worker_wakes_idle_in_another(make_server: MakeServer) -> None:
    server = two_workers(make_server)
    with ExitStack() as stack:
        clients = one_of_each(server, stack, ALICE)
        for client in clients:
            client.send(b"t IDLE\r\n")
            client.until(b"+")
        for _ in range(4):
            assert deliver(server, ALICE, b"Subject: x\r\n\r\n").startswith(b"250")
            for client in clients:
                line = client.line()
                while line.endswith(b" RECENT\r\n"):  # to one of them
                    line = client.line()
                assert line.endswith(b" EXISTS\r\n")


def test_a_worker_that_is_killed_is_replaced(make_server: MakeServer) -> None:
    server = two_workers(make_server)
    assert deliver(server, ALICE, b"Subject: before\r\n\r\n").startswith(b"250")
    before = worker_pids(server)
    # Both are stopped, so that the clients wait in the queue of the socket.
    for pid in before:
        os.kill(pid, signal.SIGSTOP)
    waiting = [Talk(server.connect("smtp")) for _ in range(10)]
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    for client in waiting:
        assert client.line().startswith(b"220 ")
        client.socket.close()
    assert not set(before) & set(worker_pids(server))
    assert deliver(server, ALICE, b"Subject: after\r\n\r\n").startswith(b"250")
    with imap(server, ALICE) as reader:
        assert count(reader) == 2
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (found := metrics(server))["postroad_worker_starts_total", "0"] == 1:
        assert time.monotonic() < deadline
    assert found["postroad_worker_starts_total", "0"] == 2
    assert found["postroad_messages_received_total", "mx"] == 2
    assert sum(connections(server)) == 0


def test_all_workers_end_with_the_supervisor(make_server: MakeServer) -> None:
    server = two_workers(make_server)
    pids = worker_pids(server)
    assert len(pids) == 2
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while any(os.path.exists(f"/proc/{pid}") for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    server.start()


def test_drain_waits_for_what_is_under_way(make_server: MakeServer) -> None:
    server = two_workers(make_server, {"shutdown.grace": "15s"})
    with ExitStack() as stack:
        idle = one_of_each(server, stack, ALICE)
        client = stack.enter_context(talk(server, "smtp"))
        client.ask(b"EHLO elsewhere.test")
        client.ask(b"MAIL FROM:<eve@elsewhere.test>")
        client.ask(f"RCPT TO:<{ALICE}>".encode())
        assert client.ask(b"DATA").startswith(b"354")
        server.terminate()
        for one in idle:
            assert b"* BYE" in wait_until_closed(one)
        with pytest.raises(ConnectionError):
            server.connect("smtp").recv(100)
        client.send(b"Subject: last\r\n\r\n.\r\n")
        assert client.reply().startswith(b"250")
        assert client.reply().startswith(b"421")
    assert server.wait() == 0
    server.start()
    with imap(server, ALICE) as reader:
        assert count(reader) == 1


def test_what_no_worker_can_start_with_is_told(make_server: MakeServer) -> None:
    server = two_workers(make_server)
    server.stop()
    key = (server.data_dir / "master.key").read_text()
    (server.data_dir / "master.key").write_text("00" * 32 + "\n")
    server.launch()
    assert server.wait() == 1
    assert "a worker cannot start: this is another master key" in server.log()
    (server.data_dir / "master.key").write_text(key)
    server.start()


def test_limits_of_connections_count_all_workers(make_server: MakeServer) -> None:
    server = two_workers(make_server, {"limits.connections": 10})
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(talk(server, "smtp"))
        refused = Talk(server.connect("smtp"))
        assert refused.line().startswith(b"421")
        refused.socket.close()


def test_load_over_both_workers_is_all_there(make_server: MakeServer) -> None:
    server = two_workers(make_server)

    def send(name: str) -> None:
        for number in range(20):
            message = f"Subject: {name}.{number}\r\n\r\n".encode()
            assert deliver(server, (ALICE, BOB)[number % 2], message).startswith(b"250")

    senders = [threading.Thread(target=send, args=(f"s{n}",)) for n in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    for who in (ALICE, BOB):
        with imap(server, who) as reader:
            assert count(reader) == 40
    assert metrics(server)["postroad_messages_received_total", "mx"] == 80


def test_what_a_command_changes_holds_in_all_workers(make_server: MakeServer) -> None:
    server = two_workers(make_server)
    with ExitStack() as stack:
        clients = one_of_each(server, stack, BOB)
        others = one_of_each(server, stack, ALICE)
        server.json("account", "passwd", BOB, "--password-stdin", stdin="another-password-1\n")
        for client in clients:
            assert b"* BYE" in wait_until_closed(client)
        for client in others:
            assert client.do(b"NOOP").startswith(b"t OK")


def test_a_guesser_gains_nothing_by_the_number_of_workers(make_server: MakeServer) -> None:
    server = two_workers(make_server, {"auth.throttle.account": 6, "auth.throttle.address": 1000})
    answers = []
    for number in range(10):
        with talk(server, "imaps", tls=True) as client:
            answers.append(client.do(f'LOGIN {BOB} "wrong-{number}"'.encode()))
            time.sleep(0.1)
    refused = [b"AUTHENTICATIONFAILED" in answer for answer in answers]
    assert refused == [True] * 6 + [False] * 4
    assert metrics(server)["postroad_logins_refused_total", "imap"] == 6


def test_changed_settings_reach_all_workers(make_server: MakeServer) -> None:
    server = two_workers(make_server)
    server.write_config({"limits.connections": 1})
    os.kill(server.pid, signal.SIGHUP)
    for number in range(2):
        wait_for_log(server, f"settings reloaded  changed=limits.connections worker={number}")
    os.kill(worker_pids(server)[0], signal.SIGKILL)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while server.log().count("settings reloaded  changed=limits.connections") < 3:
        assert time.monotonic() < deadline, "a new worker takes them up as well"
        time.sleep(0.05)
    with talk(server, "smtp"):
        second = Talk(server.connect("smtp"))
        assert second.line().startswith(b"421")
        second.socket.close()
    server.write_config({"limits.connections": 1000})


def test_a_worker_that_is_stuck_holds_nobody_up(make_server: MakeServer) -> None:
    server = two_workers(make_server)
    stuck = worker_pids(server)[0]
    os.kill(stuck, signal.SIGSTOP)
    try:
        with ExitStack() as stack:
            for _ in range(10):
                stack.enter_context(talk(server, "smtp"))
            assert stuck in worker_pids(server), "they were served beside it"
    finally:
        os.kill(stuck, signal.SIGCONT)


def test_duties_are_taken_over(make_server: MakeServer) -> None:
    server = two_workers(make_server)
    wait_for_log(server, "lease taken  lease=upkeep")
    (holder,) = [n for n in range(2) if f"lease=upkeep worker={n}" in server.log()]
    os.kill(_pid_of(server, holder), signal.SIGTERM)  # it ends in good order, and is replaced
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while server.log().count("lease taken  lease=upkeep") < 2:
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.05)


def _pid_of(server: RunningServer, worker: int) -> int:
    started = [line for line in server.log().splitlines() if "worker started" in line]
    found = re.findall(rf"pid=(\d+) worker={worker}$", "\n".join(started), re.MULTILINE)
    return int(found[-1])
