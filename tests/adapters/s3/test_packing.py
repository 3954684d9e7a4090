"""Who waits for whom, on a store that the test holds."""

import asyncio
from collections.abc import Sequence

import pytest

from postroad.adapters.s3 import packing
from postroad.adapters.s3.faults import Fault, Kind
from postroad.adapters.s3.naming import MAX_ENTRIES, Location, locate, new_location
from postroad.adapters.s3.packing import PACK_OCTETS, Packer
from postroad.model.ids import BlobId
from postroad.stores.blobs import Piece


class Store:
    """`gate` lets objects be created; `fault` refuses them."""

    def __init__(self) -> None:
        self.objects: dict[str, list[bytes]] = {}
        self.gate = asyncio.Event()
        self.closes_again = False
        self.under_way = 0
        self.most = 0
        self.fault: Fault | None = None

    async def create(self, blobs: Sequence[Sequence[Piece]]) -> Location:
        octets = [b"".join(pieces) for pieces in blobs]
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.gate.wait()
            if self.closes_again:
                self.gate.clear()
        finally:
            self.under_way -= 1
        if self.fault is not None:
            raise self.fault
        location = new_location(len(blobs))
        self.objects[location.key] = octets
        return location

    def octets(self, blob: BlobId) -> bytes:
        location = locate(blob)
        return self.objects[location.key][location.number]

    def sizes(self) -> list[int]:
        return [len(blobs) for blobs in self.objects.values()]


@pytest.fixture
def store() -> Store:
    return Store()


def put(packer: Packer, octets: bytes) -> "asyncio.Future[BlobId]":
    return asyncio.ensure_future(packer.put([octets[:3], octets[3:]], len(octets)))


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_alone_does_not_wait(store: Store) -> None:
    store.gate.set()
    packer = Packer(store.create)
    blobs = [await packer.put([b"%d" % n], 1) for n in range(3)]
    assert store.sizes() == [1, 1, 1]
    assert [store.octets(blob) for blob in blobs] == [b"0", b"1", b"2"]


async def test_those_that_come_meanwhile_go_together(store: Store) -> None:
    packer = Packer(store.create)
    octets = [b"octets %d" % n for n in range(100)]
    puts = [put(packer, one) for one in octets]
    await turn()
    assert store.under_way == 1
    store.gate.set()
    blobs = await asyncio.gather(*puts)
    assert [store.octets(blob) for blob in blobs] == octets
    assert store.sizes() == [1, 99]
    assert sorted(blobs[1:]) == blobs[1:], "in the order in which they came"


async def test_an_object_is_bounded(store: Store) -> None:
    packer = Packer(store.create)
    puts = [put(packer, bytes(PACK_OCTETS // 4)) for _ in range(30)]
    await turn()
    assert store.under_way == 4, "full ones go beside each other, but not all at once"
    store.gate.set()
    await asyncio.gather(*puts)
    assert max(store.sizes()) == 4
    assert store.most == 4
    store.gate.clear()
    puts = [put(packer, b"x") for _ in range(3 * MAX_ENTRIES)]
    await turn()
    store.gate.set()
    await asyncio.gather(*puts)
    assert max(store.sizes()) == MAX_ENTRIES
    assert await packer.put([bytes(2 * PACK_OCTETS)], 2 * PACK_OCTETS)


async def test_all_that_wait_are_told_of_a_fault(store: Store) -> None:
    packer = Packer(store.create)
    puts = [put(packer, b"%d" % n) for n in range(10)]
    await turn()
    store.fault = Fault(Kind.FAILED, "no answer in time")
    store.gate.set()
    found = await asyncio.gather(*puts, return_exceptions=True)
    assert all(isinstance(one, Fault) for one in found)
    store.fault = None
    assert store.octets(await packer.put([b"next"], 4)) == b"next"


@pytest.mark.parametrize("gone", [[0], [1], [5], [0, 1], [1, 2, 3], [0, 9], list(range(9))])
async def test_whoever_gives_up_the_others_are_stored(store: Store, gone: list[int]) -> None:
    packer = Packer(store.create)
    octets = [b"octets %d" % n for n in range(10)]
    puts = [put(packer, one) for one in octets]
    await turn()
    for number in gone:
        puts[number].cancel()
    await turn()
    store.gate.set()
    found = await asyncio.wait_for(asyncio.gather(*puts, return_exceptions=True), 5)
    for number, one in enumerate(found):
        if number in gone:
            assert isinstance(one, asyncio.CancelledError)
        else:
            assert isinstance(one, bytes)
            assert store.octets(BlobId(one)) == octets[number]
    assert await packer.put([b"next"], 4)


async def test_the_one_that_stores_for_others_gives_up(store: Store) -> None:
    packer = Packer(store.create)
    first = put(packer, b"first")
    await turn()
    others = [put(packer, b"other %d" % n) for n in range(3)]
    store.closes_again = True
    store.gate.set()
    await first
    await turn()
    assert store.under_way == 1, "one of the others stores for all of them"
    others[0].cancel()
    await turn()
    store.closes_again = False
    store.gate.set()
    blobs = await asyncio.wait_for(asyncio.gather(*others[1:]), 5)
    assert [store.octets(blob) for blob in blobs] == [b"other 1", b"other 2"]


async def test_many_that_come_and_go(store: Store) -> None:
    """Nobody waits for ever, and nobody gets another's blob."""
    store.gate.set()
    packer = Packer(store.create)
    puts = [put(packer, b"octets %d" % n) for n in range(500)]
    for n in range(0, 500, 7):
        await asyncio.sleep(0)
        puts[n].cancel()
    found = await asyncio.wait_for(asyncio.gather(*puts, return_exceptions=True), 10)
    for number, one in enumerate(found):
        if isinstance(one, bytes):
            assert store.octets(BlobId(one)) == b"octets %d" % number
        else:
            assert isinstance(one, asyncio.CancelledError)
            assert number % 7 == 0


async def test_one_that_hangs_does_not_hold_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "PATIENCE_SECONDS", 0.05)
    packer = Packer(store.create)
    first = put(packer, b"first")
    await turn()
    others = [put(packer, b"other %d" % n) for n in range(50)]
    await asyncio.sleep(0.2)
    assert store.under_way == 2, "they did not wait for the first, but for each other"
    store.closes_again = True
    store.gate.set()
    found = await asyncio.wait({first, *others}, return_when=asyncio.FIRST_COMPLETED)
    assert found[0]
    store.closes_again = False
    store.gate.set()
    blobs = await asyncio.wait_for(asyncio.gather(*others), 5)
    assert [store.octets(blob) for blob in blobs] == [b"other %d" % n for n in range(50)]
    assert store.octets(await first) == b"first"
    assert store.sizes() == [1, 50]


async def test_no_more_than_some_are_under_way_however_long_they_hang(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "PATIENCE_SECONDS", 0.01)
    packer = Packer(store.create)
    puts = []
    for n in range(40):
        puts.append(put(packer, b"octets %d" % n))
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.1)
    assert store.under_way == 4
    store.gate.set()
    blobs = await asyncio.wait_for(asyncio.gather(*puts), 5)
    assert [store.octets(blob) for blob in blobs] == [b"octets %d" % n for n in range(40)]
