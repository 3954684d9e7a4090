"""Who serves this installation, as they say themselves."""

from abc import abstractmethod
from typing import Protocol

from postroad.base.moments import Moment
from postroad.model.nodes import Node


class NodeStore(Protocol):
    @abstractmethod
    async def report(self, node: Node) -> None:
        """Said again and again: whoever is silent for long is not there any more."""
        ...

    @abstractmethod
    async def leave(self, node_id: str) -> None:
        """The end in good order."""
        ...

    @abstractmethod
    async def nodes(self) -> list[Node]:
        """All that reported and did not leave, oldest first, the silent ones too."""
        ...

    @abstractmethod
    async def forget_silent(self, before: Moment) -> int:
        """Forget those that were last seen before; how many."""
        ...
