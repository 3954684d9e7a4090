"""Objects with several blobs: how they are found, how they die, and how room comes back."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from postroad.adapters.s3 import S3BlobStore, S3Settings
from postroad.adapters.s3.bucket import Bucket
from postroad.adapters.s3.faults import Fault
from postroad.adapters.s3.forgetting import Graveyard
from postroad.adapters.s3.naming import locate
from postroad.adapters.s3.objects import create_object
from postroad.base.errors import NotFound, TryLater
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange
from postroad.stores.blobs import Piece
from stores.blob_contract import FIRST, BlobStoreContract
from support.faultyproxy import Does, FaultyProxy, faulty_proxy
from support.s3 import S3Server, s3_server

__all__ = ["s3_server"]

pytestmark = pytest.mark.real

OCTETS = [os.urandom(1000 + n) for n in range(10)]


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3_server.port) as proxy:
        yield proxy


@pytest.fixture
def settings(s3_server: S3Server, proxy: FaultyProxy) -> S3Settings:
    return s3_server.settings(s3_server.new_bucket(), endpoint=proxy.endpoint)


def objects(server: S3Server, settings: S3Settings, folder: str = "blobs") -> list[Path]:
    place = server.folder / settings.bucket / settings.prefix / folder
    return sorted(path for path in place.iterdir() if path.is_file()) if place.exists() else []


async def put_together(settings: S3Settings, octets: Sequence[bytes] = OCTETS) -> list[BlobId]:
    location = await create_object(Bucket(settings), None, [[one] for one in octets])
    return location.blob_ids()


class Neighbour(S3BlobStore):
    """Each blob shares its object with one that is dead, and one of nothing."""

    def __init__(self, settings: S3Settings) -> None:
        super().__init__(settings)
        self._plain = Bucket(settings)

    async def put(self, pieces: Sequence[Piece]) -> BlobId:
        blobs = [[b"dead"], pieces, []]
        first, blob, last = (await create_object(self._plain, None, blobs)).blob_ids()
        await self.delete([first, last])
        return blob


class TestSharedObjects(BlobStoreContract):
    @pytest.fixture(params=[False, True], ids=["plain", "cached"])
    async def store(
        self, s3_server: S3Server, tmp_path: Path, request: pytest.FixtureRequest
    ) -> AsyncIterator[S3BlobStore]:
        settings = s3_server.settings(s3_server.new_bucket())
        if request.param:
            settings = replace(settings, cache=tmp_path / "cache")
        opened = Neighbour(settings)
        yield opened
        await opened.close()


async def test_what_comes_together_is_one_request(
    settings: S3Settings, proxy: FaultyProxy, tmp_path: Path
) -> None:
    store = S3BlobStore(settings)
    proxy.latency_seconds = 0.05
    octets = [os.urandom(3000) for _ in range(300)]
    blobs = await asyncio.gather(*(store.put([one]) for one in octets))
    assert proxy.count("PUT") == 2
    other = S3BlobStore(replace(settings, cache=tmp_path))
    proxy.requests.clear()
    assert await other.whole(blobs) == octets
    assert proxy.count("GET") == 2, "and read together"
    await other.close()
    await store.close()


async def test_the_room_of_the_dead_comes_back(settings: S3Settings, s3_server: S3Server) -> None:
    blobs = await put_together(settings)
    store = S3BlobStore(settings)
    (file,) = objects(s3_server, settings)
    before = file.stat().st_size
    await store.delete(blobs[:3])
    assert await store.compact() == 0, "less than half is dead"
    await store.delete(blobs[3:7])
    freed = await store.compact()
    assert freed == before - file.stat().st_size
    assert freed > sum(map(len, OCTETS[:7]))
    assert await store.compact() == 0
    for one in (store, S3BlobStore(settings)):
        assert await one.whole(blobs[7:]) == OCTETS[7:]
        assert await one.ids(FIRST, 99) == blobs[7:]
        with pytest.raises(NotFound):
            await one.size(blobs[2])
        assert [fault async for fault in one.scrub()] == []
    await store.delete([blobs[8]])
    await store.delete([blobs[7], blobs[9]])
    assert objects(s3_server, settings) == objects(s3_server, settings, "dead") == []
    assert await store.ids(FIRST, 99) == []


async def test_a_new_process_finds_what_was_not_given_back(settings: S3Settings) -> None:
    first, second = await put_together(settings), await put_together(settings)
    await S3BlobStore(settings).delete([*first[:8], *second[:2]])
    store = S3BlobStore(settings)
    assert await store.compact() > sum(map(len, OCTETS[:8]))
    assert await store.whole([*first[8:], *second[2:]]) == [*OCTETS[8:], *OCTETS[2:]]
    assert await store.ids(FIRST, 99) == sorted([*first[8:], *second[2:]])


async def test_pages_begin_within_an_object(settings: S3Settings) -> None:
    blobs = sorted([*await put_together(settings), *await put_together(settings)])
    store = S3BlobStore(settings)
    await store.delete([blobs[4], blobs[13]])
    left = [blob for blob in blobs if blob not in (blobs[4], blobs[13])]
    for limit in (1, 3, 7, 100):
        found: list[BlobId] = []
        while page := await store.ids(found[-1] if found else FIRST, limit):
            assert len(page) <= limit
            found += page
        assert found == left


async def test_several_processes_mark_and_rewrite_the_same_object(
    settings: S3Settings, proxy: FaultyProxy
) -> None:
    proxy.turn = threading.Lock()
    blobs = await put_together(settings)
    stores = [S3BlobStore(settings) for _ in range(5)]
    await asyncio.gather(*(one.delete([blobs[n], blobs[n + 4]]) for n, one in enumerate(stores)))
    assert await stores[0].ids(FIRST, 99) == blobs[9:]
    freed = await asyncio.gather(*(one.compact() for one in stores))
    assert max(freed) > 0
    assert await stores[1].whole(blobs[9:]) == OCTETS[9:]
    assert [fault async for fault in stores[2].scrub()] == []


async def test_a_service_that_does_not_keep_its_conditions(settings: S3Settings) -> None:
    """As the one of the tests, when requests meet: marks may be lost, the living never."""
    for _ in range(5):
        blobs = await put_together(settings)
        stores = [S3BlobStore(settings) for _ in range(4)]
        await asyncio.gather(
            *(one.delete([blobs[n], blobs[n + 4]]) for n, one in enumerate(stores))
        )
        await asyncio.gather(*(one.compact() for one in stores))
        reader = S3BlobStore(settings)
        assert await reader.whole(blobs[8:]) == OCTETS[8:]
        await reader.delete(await reader.ids(FIRST, 99))
        assert await reader.ids(FIRST, 99) == [], "and what was lost is swept later"


async def test_readers_see_the_old_or_the_new_object(settings: S3Settings) -> None:
    blobs = await put_together(settings)
    store = S3BlobStore(settings)
    reader = S3BlobStore(settings)
    ended = asyncio.Event()

    async def read() -> int:
        count = 0
        while not ended.is_set():
            assert await reader.read([BlobRange(blobs[9], 1, 9)]) == [OCTETS[9][1:9]]
            assert await reader.whole([blobs[9]]) == [OCTETS[9]]
            count += 1
        return count

    async with asyncio.TaskGroup() as group:
        reading = [group.create_task(read()) for _ in range(3)]
        for dead in (blobs[:6], blobs[6:8], blobs[8:9]):
            await store.delete(dead)
            await store.compact()
            await asyncio.sleep(0.05)
        ended.set()
    assert all(task.result() > 3 for task in reading)


@pytest.mark.parametrize(
    "does", [Does.REFUSE, Does.CUT_REQUEST, Does.CUT_ANSWER, Does.LOSE_ANSWER, Does.SLOW_DOWN]
)
async def test_faults_while_room_is_given_back(
    settings: S3Settings, proxy: FaultyProxy, does: Does
) -> None:
    """Each request fails once, and the living stay."""
    blobs = await put_together(settings)
    asked: set[tuple[str, str]] = set()

    def decide(method: str, target: str) -> Does:
        is_first = (method, target) not in asked
        asked.add((method, target))
        return does if is_first else Does.PASS

    proxy.decide = decide
    store = S3BlobStore(settings)
    await store.delete(blobs[:9])
    await store.compact()
    assert await store.whole(blobs[9:]) == OCTETS[9:]
    assert await S3BlobStore(settings).ids(FIRST, 99) == blobs[9:]
    await store.delete(blobs[9:])
    assert await S3BlobStore(settings).ids(FIRST, 99) == []


async def test_an_end_between_two_steps(settings: S3Settings, proxy: FaultyProxy) -> None:
    """Whatever was the last request that came through, the next process goes on from there."""
    for passing in range(18):
        blobs = await put_together(settings)
        left = [passing]

        def decide(method: str, target: str, left: list[int] = left) -> Does:
            left[0] -= 1
            return Does.PASS if left[0] >= 0 else Does.REFUSE

        dying = S3BlobStore(replace(settings, timeout=settings.timeout / 200))
        proxy.decide = decide
        try:
            await dying.delete(blobs[:6])
            await dying.compact()
            await dying.delete(blobs[6:9])
            await dying.compact()
        except TryLater:
            pass
        proxy.always(Does.PASS)
        store = S3BlobStore(settings)
        await store.delete(blobs[:9])
        await store.compact()
        assert await store.whole(blobs[9:]) == OCTETS[9:]
        assert await store.ids(FIRST, 99) == blobs[9:]
        assert [fault async for fault in store.scrub()] == []
        await store.delete(blobs[9:])
        assert await store.ids(FIRST, 99) == []
    assert left[0] >= 0, "all steps were tried"


async def test_damage_in_a_shared_object(settings: S3Settings, s3_server: S3Server) -> None:
    blobs = await put_together(settings)
    (file,) = objects(s3_server, settings)
    octets = bytearray(file.read_bytes())
    octets[octets.index(OCTETS[4][:20])] ^= 1
    file.write_bytes(octets)
    store = S3BlobStore(settings)
    with pytest.raises(TryLater):
        await store.whole([blobs[4]])
    assert await store.whole(blobs[:4]) == OCTETS[:4]
    assert [fault.blob_id async for fault in store.scrub()] == [blobs[4]]
    await store.delete([blob for n, blob in enumerate(blobs) if n not in (4, 5)])
    assert await store.compact() == 0, "what is damaged is not written anew"
    assert await store.whole([blobs[5]]) == [OCTETS[5]]
    await store.delete([blobs[4]])
    assert [fault.blob_id async for fault in store.scrub()] == []
    assert await store.compact() > 0


@pytest.mark.parametrize("position", [0, 5, 30, 415])
async def test_a_damaged_head(settings: S3Settings, s3_server: S3Server, position: int) -> None:
    blobs = await put_together(settings)
    (file,) = objects(s3_server, settings)
    octets = bytearray(file.read_bytes())
    octets[position] ^= 1
    file.write_bytes(octets)
    store = S3BlobStore(settings)
    assert [fault.blob_id async for fault in store.scrub()] == blobs
    with pytest.raises(TryLater):
        await store.whole(blobs[:1])


async def test_a_damaged_mark_is_made_anew(settings: S3Settings, s3_server: S3Server) -> None:
    blobs = await put_together(settings)
    store = S3BlobStore(settings)
    await store.delete(blobs[:2])
    (mark,) = objects(s3_server, settings, "dead")
    mark.write_bytes(b"?" + mark.read_bytes()[1:])
    assert await S3BlobStore(settings).ids(FIRST, 99) == blobs, "at worst they are swept again"
    await store.delete(blobs[:3])
    assert await S3BlobStore(settings).ids(FIRST, 99) == blobs[3:]


async def test_what_is_written_anew_by_another_meanwhile(settings: S3Settings) -> None:
    blobs = await put_together(settings)
    bucket = Bucket(settings)
    name = f"blobs/{locate(blobs[0]).key}"
    version = (await bucket.fetch(name, 0, 9)).version
    store = S3BlobStore(settings)
    await store.delete(blobs[:8])
    assert await store.compact() > 0
    with pytest.raises(Fault, match="changed meanwhile"):
        await bucket.replace(name, b"an old view", version)
    assert await store.whole(blobs[8:]) == OCTETS[8:]


async def test_marks_of_an_object_that_is_gone(settings: S3Settings, s3_server: S3Server) -> None:
    blobs = await put_together(settings)
    graveyard = Graveyard(Bucket(settings), None)
    await graveyard.bury(blobs)
    await graveyard.bury(blobs[:1])
    assert len(objects(s3_server, settings, "dead")) == 1
    assert await graveyard.rewrite() == 0
    assert objects(s3_server, settings, "dead") == []
