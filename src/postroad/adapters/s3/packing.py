"""Small blobs that come at the same time share an object, so that requests do not grow with them.

An idle store gathers nothing: the first blob goes at once, alone. While it is under way others
gather, and go together when it is done. Beside it goes a full object, and one that has waited for
so long that the request before it seems to hang. There is no task: one of those that wait stores
for all of its object, and wakes the next one.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from postroad.adapters.s3.faults import Fault
from postroad.adapters.s3.naming import MAX_ENTRIES, Location
from postroad.model.ids import BlobId
from postroad.stores.blobs import Piece

PACK_OCTETS = 2 * 1024**2
_AT_ONCE = 4
PATIENCE_SECONDS = 1.0

Create = Callable[[Sequence[Sequence[Piece]]], Awaitable[Location]]


@dataclass(slots=True, eq=False)
class _One:
    """A blob that waits; `outcome` is there once it is stored, or was not.

    `is_taken` while it is in an object that is under way.
    """

    pieces: Sequence[Piece]
    octets: int
    outcome: BlobId | Fault | None = None
    is_taken: bool = False
    is_patient: bool = True
    turn: "asyncio.Future[None] | None" = field(default=None)

    def wake(self) -> None:
        if self.turn is not None and not self.turn.done():
            self.turn.set_result(None)

    def settle(self, outcome: BlobId | Fault) -> None:
        self.outcome = outcome
        self.wake()


class Packer:
    """`_waiting` has whoever is in no object yet, oldest first; `_waiting_octets` is their sum."""

    def __init__(self, create: Create) -> None:
        self._create = create
        self._waiting: deque[_One] = deque()
        self._waiting_octets = 0
        self._under_way = 0

    async def put(self, pieces: Sequence[Piece], octets: int) -> BlobId:
        """Durable when it returns. Raises `Fault`."""
        one = _One(pieces, octets)
        self._waiting.append(one)
        self._waiting_octets += octets
        try:
            while one.outcome is None:
                if self._may_begin(one):
                    await self._store_next()
                else:
                    await _turn(one)
        except asyncio.CancelledError:
            self._withdraw(one)
            raise
        if isinstance(one.outcome, Fault):
            raise one.outcome
        return one.outcome

    def _may_begin(self, one: _One) -> bool:
        if one.is_taken:
            return False
        if not self._under_way:
            return True
        return self._under_way < _AT_ONCE and (self._is_full() or not one.is_patient)

    def _is_full(self) -> bool:
        return self._waiting_octets >= PACK_OCTETS or len(self._waiting) >= MAX_ENTRIES

    async def _store_next(self) -> None:
        """Store those that have waited for longest; raises nothing of theirs."""
        batch = self._take()
        self._under_way += 1
        try:
            location = await self._create([one.pieces for one in batch])
        except Fault as fault:
            # Those behind them have waited as long for an answer that did not come.
            for one in [*batch, *self._take_all()]:
                one.settle(fault)
        except BaseException:
            # Whether it was stored is not known: they get another name, and this one is swept up.
            self._put_back(batch)
            raise
        else:
            for number, one in enumerate(batch):
                one.settle(location.blob_id(number))
        finally:
            self._under_way -= 1
            self._wake_next()

    def _take(self) -> list[_One]:
        batch: list[_One] = []
        octets = 0
        while self._waiting and len(batch) < MAX_ENTRIES:
            if batch and octets + self._waiting[0].octets > PACK_OCTETS:
                break
            one = self._waiting.popleft()
            one.is_taken = True
            batch.append(one)
            octets += one.octets
        self._waiting_octets -= octets
        return batch

    def _take_all(self) -> list[_One]:
        batch = list(self._waiting)
        self._waiting.clear()
        self._waiting_octets = 0
        return batch

    def _put_back(self, batch: list[_One]) -> None:
        for one in batch:
            one.is_taken = False
        self._waiting.extendleft(reversed(batch))
        self._waiting_octets += sum(one.octets for one in batch)

    def _withdraw(self, one: _One) -> None:
        if one in self._waiting:
            self._waiting.remove(one)
            self._waiting_octets -= one.octets
        self._wake_next()

    def _wake_next(self) -> None:
        if self._waiting and self._may_begin(self._waiting[0]):
            self._waiting[0].wake()


async def _turn(one: _One) -> None:
    """Until it is woken, or has lost its patience."""
    one.turn = asyncio.get_running_loop().create_future()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS if one.is_patient else None):
            await one.turn
    except TimeoutError:
        one.is_patient = False
