"""Blobs that nothing needs go, each of the others is looked at once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.house import House
from postroad.adapters.memory.leases import MemoryLeaseStore
from postroad.adapters.memory.references import MemoryReferenceStore
from postroad.base.moments import after, from_datetime
from postroad.core.upkeep.service import Retention, Upkeep
from postroad.model.ids import BlobId
from stores.making import blob, submission

_DAY = 86_400_000


class Asked(MemoryReferenceStore):
    """Remembers which blobs were asked for."""

    def __init__(self, house: House) -> None:
        super().__init__(house.state)
        self.asked: list[BlobId] = []

    async def unreferenced(self, blobs: Sequence[BlobId]) -> list[BlobId]:
        self.asked += blobs
        return await super().unreferenced(blobs)


async def test_what_never_got_a_reference_is_swept(tmp_path: Path) -> None:
    house = House(tmp_path)
    alice = await house.stores.account()
    kept = submission("a@one.test")
    await house.queue.submit(alice, [kept], [])
    orphan, fresh = blob(3 * _DAY), blob()
    for each in (orphan, fresh, kept.blob_id):
        house.blobs.blobs[each] = b"x"
    day = timedelta(days=1)
    references = Asked(house)
    leases = MemoryLeaseStore(house.state)
    upkeep = Upkeep(references, house.blobs, leases, house.clock, Retention(day, day, day, day))
    house.clock.at = from_datetime(datetime.now(UTC))
    assert await upkeep.sweep() == 1
    assert set(house.blobs.blobs) == {fresh, kept.blob_id}
    house.clock.at = after(house.clock.at, timedelta(days=3))
    assert await upkeep.sweep() == 1
    assert await upkeep.sweep() == 0
    assert set(house.blobs.blobs) == {kept.blob_id}
    assert sorted(references.asked) == sorted([orphan, fresh, kept.blob_id])


async def test_nothing_goes_while_a_backup_reads(tmp_path: Path) -> None:
    house = House(tmp_path)
    day = timedelta(days=1)
    leases, references = MemoryLeaseStore(house.state), MemoryReferenceStore(house.state)
    upkeep = Upkeep(references, house.blobs, leases, house.clock, Retention(day, day, day, day))
    house.clock.at = from_datetime(datetime.now(UTC))
    swept, collected = blob(3 * _DAY), blob(4 * _DAY)
    house.blobs.blobs |= {swept: b"x", collected: b"y"}
    house.state.garbage.add(collected)
    until = after(house.clock.at, timedelta(minutes=1))
    await leases.take("backup /mnt", "mine", house.clock.at, until)
    assert await upkeep.collect() == 0
    assert await upkeep.sweep() == 0
    assert set(house.blobs.blobs) == {swept, collected}
    house.clock.at = until
    assert await upkeep.collect() == 1
    assert await upkeep.sweep() == 1
    assert not house.blobs.blobs
