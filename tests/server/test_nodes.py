"""Two servers of one installation, over one PostgreSQL database."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from server.talking import Talk, count, deliver, imap, wait_for_log
from support.ports import HOST
from support.server import (
    ALICE,
    RunningServer,
    another_node,
    postgres_node,
    running_server,
)
from support.services import Service, redis_server

__all__ = ["postgres_node", "redis_server"]

pytestmark = pytest.mark.slow


def _until_exists(client: Talk) -> None:
    while not (line := client.line()).endswith(b" EXISTS\r\n"):
        assert line, "the connection ended"


@pytest.fixture
def nodes(postgres_node: RunningServer) -> Iterator[list[RunningServer]]:
    with another_node(postgres_node) as second:
        yield [postgres_node, second]


def test_mail_taken_by_one_is_served_by_the_other(nodes: list[RunningServer]) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(imap(node, ALICE)) for node in nodes]
        for client in idle:
            client.send(b"t IDLE\r\n")
            client.until(b"+")
        for taking in nodes:
            assert deliver(taking, ALICE, b"Subject: x\r\n\r\nhello\r\n").startswith(b"250")
            for client in idle:
                _until_exists(client)
    for node in nodes:
        with imap(node, ALICE) as client:
            assert count(client) == 2


def test_the_bus_is_away_and_comes_back(redis_server: Service) -> None:
    bus = f"redis://{HOST}:{redis_server.port}"
    with (
        running_server({"bus": bus}, storage="postgres") as first,
        another_node(first) as second,
        imap(second, ALICE) as client,
    ):
        client.send(b"t IDLE\r\n")
        client.until(b"+")
        redis_server.kill()
        assert deliver(first, ALICE, b"Subject: polled\r\n\r\n").startswith(b"250")
        _until_exists(client)
        redis_server.start()
        wait_for_log(second, "the bus is up", times=2)
        assert deliver(first, ALICE, b"Subject: told\r\n\r\n").startswith(b"250")
        _until_exists(client)


def test_who_serves_is_listed(nodes: list[RunningServer]) -> None:
    listed = nodes[0].json("node", "list")
    assert isinstance(listed, list)
    assert [one["state"] for one in listed] == ["serving", "serving"]
    nodes[1].stop()
    assert len(nodes[0].json("node", "list")) == 1  # type: ignore[arg-type]  # a list
    nodes[1].start()
    nodes[1].kill()
    done = nodes[0].command("node", "list")
    assert done.code == 0, "it may be back at once"
    assert done.out.count(" serving ") == 2
    nodes[1].start()


def test_each_keeps_an_index_and_one_does_the_upkeep(nodes: list[RunningServer]) -> None:
    for node in nodes:
        wait_for_log(node, 'lease="search index ')
    assert sum("lease=upkeep" in node.log() for node in nodes) == 1
    holder, other = sorted(nodes, key=lambda node: "lease=upkeep" not in node.log())
    holder.stop()
    wait_for_log(other, "lease=upkeep")
    holder.start()
