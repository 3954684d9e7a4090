"""The connections of all workers, each counted by the one that has it."""

from postroad.adapters.shared.board import NOW, Board, Part
from postroad.adapters.shared.crowd import Crowd

CONNECTIONS = f"{NOW}connections"
_ARRIVING = f"{NOW}arriving"
_SERVES = f"{NOW}serves"
_SLACK = 2  # connections more than another worker that are no reason to hold back


class SharedCensus:
    """The `Census` of the listeners of worker `number`."""

    def __init__(self, board: Board, crowd: Crowd, number: int) -> None:
        self._board = board
        self._crowd = crowd
        self._number = number

    def came(self, service: str, peer: str) -> None:
        self._count(service, peer, 1)

    def went(self, service: str, peer: str) -> None:
        self._count(service, peer, -1)

    def total(self) -> int:
        return self._board.total(CONNECTIONS)

    def of_address(self, peer: str) -> int:
        return self._crowd.count(peer)

    def is_closed(self) -> bool:
        return self._board.is_closed

    # The `Fairness` of the same listeners

    def arriving(self, amount: int) -> None:
        self._board.parts[self._number].add(_ARRIVING, amount)

    def serve(self) -> None:
        """From now on we take connections, so the others may leave some to us."""
        self._board.parts[self._number].set(_SERVES, 1)

    def retire(self) -> None:
        self._board.parts[self._number].set(_SERVES, 0)

    def has_more_than_others(self) -> bool:
        mine = _load(self._board.parts[self._number])
        return any(
            _load(part) + _SLACK <= mine for part in self._board.parts if part.value(_SERVES)
        )

    def _count(self, service: str, peer: str, amount: int) -> None:
        part = self._board.parts[self._number]
        part.add(CONNECTIONS, amount)
        part.add(f"{CONNECTIONS}.{service}", amount)
        self._crowd.add(self._number, peer, amount)


def _load(part: Part) -> int:
    return part.value(CONNECTIONS) + part.value(_ARRIVING)
