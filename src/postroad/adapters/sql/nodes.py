"""Nodes as rows."""

from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.statement import Params, Run, Sql, Steps, integer, text
from postroad.base.moments import Moment
from postroad.model.nodes import Node, NodeState
from postroad.stores.nodes import NodeStore

_REPORT = Sql("""
    INSERT INTO node (
        node_id, hostname, version, workers, state, started_at, seen_at, connections
    ) VALUES (
        :node_id, :hostname, :version, :workers, :state, :started_at, :seen_at, :connections
    ) ON CONFLICT (node_id) DO UPDATE SET
        state = excluded.state, seen_at = excluded.seen_at, connections = excluded.connections
""")
_LEAVE = Sql("DELETE FROM node WHERE node_id = :node_id")
_NODES = Sql("""
    SELECT node_id, hostname, version, workers, state, started_at, seen_at, connections FROM node
    ORDER BY started_at, node_id
""")
_FORGET = Sql("DELETE FROM node WHERE seen_at < :before RETURNING 1")


class SqlNodeStore(NodeStore):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def report(self, node: Node) -> None:
        params: Params = {
            "node_id": node.node_id,
            "hostname": node.hostname,
            "version": node.version,
            "workers": node.workers,
            "state": node.state.value,
            "started_at": node.started_at,
            "seen_at": node.seen_at,
            "connections": node.connections,
        }

        def operation() -> Steps[None]:
            yield Run(_REPORT, params)

        await self._engine.write(operation)

    async def leave(self, node_id: str) -> None:
        def operation() -> Steps[None]:
            yield Run(_LEAVE, {"node_id": node_id})

        await self._engine.write(operation)

    async def nodes(self) -> list[Node]:
        def operation() -> Steps[list[Node]]:
            return [
                Node(
                    node_id=text(row[0]),
                    hostname=text(row[1]),
                    version=text(row[2]),
                    workers=integer(row[3]),
                    state=NodeState(text(row[4])),
                    started_at=Moment(integer(row[5])),
                    seen_at=Moment(integer(row[6])),
                    connections=integer(row[7]),
                )
                for row in (yield Run(_NODES, {}))
            ]

        return await self._engine.read(operation)

    async def forget_silent(self, before: Moment) -> int:
        def operation() -> Steps[int]:
            return len((yield Run(_FORGET, {"before": before})))

        return await self._engine.write(operation)
