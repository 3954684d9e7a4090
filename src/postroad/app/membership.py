"""This server says that it lives, for `postroad node list`."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version

from postroad.app.program import Program
from postroad.base.errors import MailError
from postroad.base.moments import after
from postroad.model.nodes import Node, NodeState

REPORTED_EVERY = timedelta(seconds=10)
_SECONDS = 2
_FORGOTTEN_AFTER = timedelta(days=1)


class Membership:
    """Of one server, told by one of its processes."""

    def __init__(
        self, program: Program, node_id: str, workers: int, connections: Callable[[], int]
    ) -> None:
        now = program.clock.now()
        self._program = program
        self._connections = connections
        self._node = Node(
            node_id=node_id,
            hostname=program.hostname,
            version=version("postroad"),
            workers=workers,
            state=NodeState.SERVING,
            started_at=now,
            seen_at=now,
            connections=0,
        )

    async def begin(self) -> None:
        await self.report()
        before = after(self._program.clock.now(), -_FORGOTTEN_AFTER)
        await self._program.nodes.forget_silent(before)

    async def report(self) -> None:
        await self._program.nodes.report(
            replace(self._node, seen_at=self._program.clock.now(), connections=self._connections())
        )

    async def drain(self) -> None:
        """From now on it takes no new connections."""
        self._node = replace(self._node, state=NodeState.DRAINING)
        await _in_time(self.report())

    async def leave(self) -> None:
        await _in_time(self._program.nodes.leave(self._node.node_id))


async def _in_time(saying: Awaitable[None]) -> None:
    """The end does not wait for a database that is away: then it is the silence that tells."""
    with suppress(MailError, TimeoutError):
        async with asyncio.timeout(_SECONDS):
            await saying
