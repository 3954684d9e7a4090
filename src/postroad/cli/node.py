"""`postroad node`: the servers of this installation."""

from datetime import timedelta
from typing import TYPE_CHECKING

from cyclopts import App

from postroad.base.moments import Moment, to_iso
from postroad.cli.invocation import EVERYTHING_DEFAULT, Invocation

if TYPE_CHECKING:
    from postroad.model.nodes import Node

app = App(name="node", help="The servers of this installation.")

_SILENT = timedelta(seconds=45)
_MICROSECONDS = 1_000_000


@app.command(name="list")
async def list_(*, invocation: Invocation = EVERYTHING_DEFAULT) -> int:
    """List the servers with their version and health; 1 when one of them is silent.

    Servers with the same `storage` and the same master key are one installation. Each says every
    ten seconds that it lives, and leaves the list when it ends in good order.

    **Examples**

        postroad node list

        postroad node list --json
    """
    async with invocation.program() as program:
        found, now = await program.nodes.nodes(), program.clock.now()
    invocation.output.table(
        [_json(one, now) for one in found],
        ("Host", "Version", "Workers", "Health", "Connections", "Since"),
        [
            (
                one.hostname,
                one.version,
                str(one.workers),
                _health(one, now),
                str(one.connections),
                to_iso(one.started_at),
            )
            for one in found
        ],
        empty="No server runs. Start one: postroad serve",
    )
    if len({one.version for one in found}) > 1:
        invocation.output.note("They have different versions: bring all of them to the newest.")
    return 1 if any(_is_silent(one, now) for one in found) else 0


def _is_silent(node: "Node", now: Moment) -> bool:
    return now - node.seen_at > _SILENT.total_seconds() * _MICROSECONDS


def _health(node: "Node", now: Moment) -> str:
    if _is_silent(node, now):
        return f"silent for {(now - node.seen_at) // _MICROSECONDS}s"
    return node.state.value


def _json(node: "Node", now: Moment) -> dict[str, object]:
    return {
        "id": node.node_id,
        "hostname": node.hostname,
        "version": node.version,
        "workers": node.workers,
        "state": "silent" if _is_silent(node, now) else node.state.value,
        "connections": node.connections,
        "started_at": to_iso(node.started_at),
        "seen_at": to_iso(node.seen_at),
    }
