"""Who serves an installation."""

from dataclasses import dataclass
from enum import StrEnum

from postroad.base.moments import Moment


class NodeState(StrEnum):
    SERVING = "serving"
    DRAINING = "draining"  # takes no new connections, finishes what is under way


@dataclass(frozen=True, slots=True)
class Node:
    """A server of one data folder, with all of its workers, since its last start."""

    node_id: str
    hostname: str
    version: str
    workers: int
    state: NodeState
    started_at: Moment
    seen_at: Moment
    """When it last said that it lives, by its own clock."""
    connections: int
    """Of the mail protocols, at that moment."""
