"""Nodes in memory."""

from postroad.adapters.memory.state import MemoryState
from postroad.base.moments import Moment
from postroad.model.nodes import Node
from postroad.stores.nodes import NodeStore


class MemoryNodeStore(NodeStore):
    def __init__(self, state: MemoryState) -> None:
        self._nodes = state.nodes

    async def report(self, node: Node) -> None:
        self._nodes[node.node_id] = node

    async def leave(self, node_id: str) -> None:
        self._nodes.pop(node_id, None)

    async def nodes(self) -> list[Node]:
        return sorted(self._nodes.values(), key=lambda node: (node.started_at, node.node_id))

    async def forget_silent(self, before: Moment) -> int:
        silent = [one for one in self._nodes.values() if one.seen_at < before]
        for one in silent:
            del self._nodes[one.node_id]
        return len(silent)
