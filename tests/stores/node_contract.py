"""Who serves, as they say themselves."""

from dataclasses import replace

from postroad.base.moments import Moment
from postroad.model.nodes import Node, NodeState
from stores.making import NOW, Stores

ANN = Node("n1", "ann.example.test", "0.2.0", 2, NodeState.SERVING, NOW, NOW, 0)
BEN = replace(ANN, node_id="n2", hostname="ben.example.test", started_at=Moment(NOW - 5))


class NodeContract:
    async def test_the_last_word_counts(self, stores: Stores) -> None:
        await stores.nodes.report(ANN)
        await stores.nodes.report(BEN)
        said = replace(ANN, state=NodeState.DRAINING, seen_at=Moment(NOW + 9), connections=7)
        await stores.nodes.report(said)
        assert await stores.nodes.nodes() == [BEN, said], "oldest first"

    async def test_who_leaves_is_gone(self, stores: Stores) -> None:
        await stores.nodes.report(ANN)
        await stores.nodes.report(BEN)
        await stores.nodes.leave("n2")
        await stores.nodes.leave("nobody")
        assert await stores.nodes.nodes() == [ANN]

    async def test_who_is_silent_is_forgotten(self, stores: Stores) -> None:
        await stores.nodes.report(ANN)
        await stores.nodes.report(replace(BEN, seen_at=Moment(NOW - 1)))
        assert await stores.nodes.forget_silent(NOW) == 1
        assert await stores.nodes.nodes() == [ANN]
        assert await stores.nodes.forget_silent(NOW) == 0
