"""Two servers of one installation, over one PostgreSQL database."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from server.talking import count, deliver, imap
from support.server import ALICE, RunningServer, another_node, postgres_node

__all__ = ["postgres_node"]

pytestmark = pytest.mark.slow


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
                while not client.line().endswith(b" EXISTS\r\n"):
                    pass
    for node in nodes:
        with imap(node, ALICE) as client:
            assert count(client) == 2
