"""A worker's place among the others, and all that they share."""

import secrets
from dataclasses import dataclass

from postroad.adapters.bus.channels import Channels
from postroad.adapters.shared.board import Board, Part
from postroad.adapters.shared.census import SharedCensus
from postroad.adapters.shared.crowd import Crowd
from postroad.adapters.sql.sqlite.turns import Turns
from postroad.base.identifiers import new_uuid


@dataclass(frozen=True, slots=True)
class Shared:
    """Made by the supervisor, inherited by every worker."""

    count: int
    board: Board
    crowd: Crowd
    channels: Channels
    turns: Turns
    node: str
    """Of all of them, at this start."""
    secret: bytes
    """For what workers tell each other and nobody else may guess."""

    def clear(self, number: int) -> None:
        """A worker has died: nothing may wait for it, or count what it had."""
        self.board.parts[number].forget_now()
        self.crowd.clear(number)
        self.turns.leave(number)

    def close(self) -> None:
        """When no worker is left."""
        self.channels.close()
        self.turns.close()


@dataclass(frozen=True, slots=True)
class Seat:
    """Worker `number` of `shared.count`, from 0."""

    number: int
    shared: Shared

    @property
    def part(self) -> Part:
        return self.shared.board.parts[self.number]

    def census(self) -> SharedCensus:
        return SharedCensus(self.shared.board, self.shared.crowd, self.number)


def share(count: int) -> Shared:
    """Before the workers are started."""
    return Shared(
        count,
        Board(count),
        Crowd(count),
        Channels(count),
        Turns(count),
        new_uuid(),
        secrets.token_bytes(32),
    )
