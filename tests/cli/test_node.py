"""`postroad node`."""

import asyncio
from dataclasses import replace

from cli.conftest import Command
from postroad.app.program import open_program
from postroad.base.moments import Moment
from postroad.config.loader import load
from postroad.model.nodes import Node, NodeState


async def _report(*nodes: tuple[str, str, int]) -> None:
    """Their hosts and versions, and for how many seconds they have been silent."""
    async with open_program(load(None, {})) as program:
        now = program.clock.now()
        node = Node("n", "h", "1", 2, NodeState.SERVING, Moment(now - 10**9), now, 3)
        for host, version, silent in nodes:
            seen_at = Moment(now - silent * 1_000_000)
            await program.nodes.report(
                replace(node, node_id=host, hostname=host, version=version, seen_at=seen_at)
            )


def test_nobody_serves(command: Command) -> None:
    done = command("node", "list")
    assert done.code == 0
    assert "postroad serve" in done.out
    assert command("node", "list", "--json").json == []


def test_health(command: Command) -> None:
    asyncio.run(_report(("a.test", "1.0", 2), ("b.test", "1.1", 100)))
    done = command("node", "list")
    assert done.code == 1, "one is silent"
    assert "silent for 10" in done.out
    assert "different versions" in done.err
    found = command("node", "list", "--json").json
    assert [(one["hostname"], one["state"], one["connections"]) for one in found] == [
        ("a.test", "serving", 3),
        ("b.test", "silent", 3),
    ]
