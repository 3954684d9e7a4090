import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postroad.adapters.segments import SegmentBlobStore, SegmentSettings
from postroad.base.errors import Invalid, NotFound, NotPermitted, TryLater
from postroad.base.identifiers import new_octets
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange
from stores.blob_contract import FIRST, BlobStoreContract, whole

SMALL = SegmentSettings(segment_octets=20_000, min_free_octets=0)
OCTETS = b"0123456789" * 100


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SegmentBlobStore]:
    opened = await SegmentBlobStore.open(tmp_path / "blobs", SMALL)
    yield opened
    await opened.close()


async def put_all(store: SegmentBlobStore, count: int) -> list[BlobId]:
    return [await store.put([b"%04d" % number, OCTETS]) for number in range(count)]


async def check(store: SegmentBlobStore, blobs: list[BlobId], numbers: range) -> None:
    octets = await store.read([BlobRange(blob, 0, 4000) for blob in blobs])
    assert octets == [b"%04d" % number + OCTETS for number in numbers]
    found = await store.whole(blobs)
    assert list(map(bytes, found)) == octets


def segment_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.seg"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class TestSegmentBlobStore(BlobStoreContract):
    async def test_full_segments_are_left_for_new_ones(
        self, store: SegmentBlobStore, tmp_path: Path
    ) -> None:
        blobs = await put_all(store, 50)
        assert segment_names(tmp_path / "blobs") == [
            "00000001.seg",
            "00000002.seg",
            "00000003.seg",
        ]
        await check(store, blobs, range(50))
        assert [fault async for fault in store.scrub()] == []

    async def test_compacting_frees_the_room_of_dead_segments(
        self, store: SegmentBlobStore, tmp_path: Path
    ) -> None:
        blobs = await put_all(store, 100)
        await store.delete(blobs[:70])
        before = sum(path.stat().st_size for path in (tmp_path / "blobs").glob("*.seg"))
        freed = await store.compact()
        after = sum(path.stat().st_size for path in (tmp_path / "blobs").glob("*.seg"))
        assert freed == before - after > 60_000
        await check(store, blobs[70:], range(70, 100))
        assert await store.compact() == 0
        assert [fault async for fault in store.scrub()] == []
        with pytest.raises(NotFound):
            await store.size(blobs[0])

    async def test_a_number_is_never_used_again(
        self, store: SegmentBlobStore, tmp_path: Path
    ) -> None:
        blobs = await put_all(store, 19)  # fills the first segment to its end
        await store.delete(blobs)
        await store.compact()
        assert segment_names(tmp_path / "blobs") == ["00000001.seg"]
        await put_all(store, 1)
        await store.compact()
        assert segment_names(tmp_path / "blobs") == ["00000002.seg"]

    async def test_puts_go_on_while_compacting(self, store: SegmentBlobStore) -> None:
        old = await put_all(store, 200)
        await store.delete([blob for number, blob in enumerate(old) if number % 3])
        freed, new = await asyncio.gather(store.compact(), put_all(store, 100))
        assert freed > 0
        await check(store, new, range(100))
        await check(store, old[::3], range(0, 200, 3))

    async def test_a_stream_lasts_through_a_compaction(self, store: SegmentBlobStore) -> None:
        blobs = await put_all(store, 60)
        stream = store.stream(whole(blobs[0], b"0000" + OCTETS), 400)
        first = await anext(stream)
        await store.delete(blobs[1:40])
        assert await store.compact() > 0
        assert first + b"".join([chunk async for chunk in stream]) == b"0000" + OCTETS

    async def test_too_much_waiting_is_told_to_try_later(self, tmp_path: Path) -> None:
        settings = SegmentSettings(waiting_octets=5000, min_free_octets=0)
        store = await SegmentBlobStore.open(tmp_path / "small", settings)
        results = await asyncio.gather(
            *(store.put([OCTETS]) for _ in range(20)), return_exceptions=True
        )
        refused = [result for result in results if isinstance(result, TryLater)]
        assert 0 < len(refused) < 20
        assert len(await store.put([OCTETS * 20])) == 16  # alone, even a larger one may
        await store.close()

    async def test_a_cancelled_put_lets_go_of_its_pieces_when_they_are_written(
        self, store: SegmentBlobStore
    ) -> None:
        piece = bytearray(OCTETS)
        waiting = asyncio.ensure_future(store.put([memoryview(piece)]))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        (blob,) = await store.ids(FIRST, 10)
        assert await store.read([whole(blob, OCTETS)]) == [OCTETS]

    async def test_a_piece_that_cannot_be_written_fails_and_the_store_lives_on(
        self, store: SegmentBlobStore
    ) -> None:
        strided = memoryview(b"0123456789")[::2]
        with pytest.raises(BufferError):
            await store.put([strided])
        await check(store, await put_all(store, 3), range(3))


async def test_blobs_are_there_after_a_restart(tmp_path: Path) -> None:
    blobs: list[BlobId] = []
    for start in range(3):
        store = await SegmentBlobStore.open(tmp_path, SMALL)
        blobs += [await store.put([b"%04d" % (start * 5 + n), OCTETS]) for n in range(5)]
        await check(store, blobs, range(len(blobs)))
        await store.close()
    assert segment_names(tmp_path) == ["00000001.seg", "00000002.seg", "00000003.seg"]


async def test_a_missing_index_is_rebuilt(tmp_path: Path) -> None:
    store = await SegmentBlobStore.open(tmp_path, SMALL)
    blobs = await put_all(store, 50)
    await store.close()
    (tmp_path / "index.db").unlink()
    store = await SegmentBlobStore.open(tmp_path, SMALL)
    assert await store.ids(FIRST, 100) == sorted(blobs)
    await check(store, blobs, range(50))
    await store.close()


@pytest.mark.parametrize("damage", [b"no database at all", bytes(8192), b""])
async def test_a_damaged_index_is_rebuilt(tmp_path: Path, damage: bytes) -> None:
    store = await SegmentBlobStore.open(tmp_path, SMALL)
    blobs = await put_all(store, 50)
    await store.close()
    (tmp_path / "index.db").write_bytes(damage)
    store = await SegmentBlobStore.open(tmp_path, SMALL)
    await check(store, blobs, range(50))
    await store.close()


async def test_an_index_damaged_inside_is_rebuilt(tmp_path: Path) -> None:
    store = await SegmentBlobStore.open(tmp_path, SMALL)
    blobs = await put_all(store, 50)
    await store.close()
    octets = bytearray((tmp_path / "index.db").read_bytes())
    octets[4096:] = bytes(len(octets) - 4096)
    (tmp_path / "index.db").write_bytes(octets)
    store = await SegmentBlobStore.open(tmp_path, SMALL)
    await check(store, blobs, range(50))
    await store.close()


async def test_two_stores_share_a_folder(tmp_path: Path) -> None:
    one = await SegmentBlobStore.open(tmp_path, SMALL)
    two = await SegmentBlobStore.open(tmp_path, SMALL)
    mine, yours = await put_all(one, 5), await put_all(two, 5)
    assert segment_names(tmp_path) == ["00000001.seg", "00000002.seg"]
    await check(one, yours, range(5))
    await check(two, mine, range(5))
    assert await one.ids(FIRST, 100) == await two.ids(FIRST, 100) == sorted(mine + yours)
    await two.delete(mine[:2])
    with pytest.raises(NotFound):
        await two.size(mine[0])
    more = await put_all(one, 5)
    await check(two, more, range(5))
    assert [fault async for fault in two.scrub()] == []
    await one.close()
    await check(two, more, range(5))
    await two.close()


async def test_one_store_finds_what_the_other_compacted(tmp_path: Path) -> None:
    one = await SegmentBlobStore.open(tmp_path, SMALL)
    two = await SegmentBlobStore.open(tmp_path, SMALL)
    blobs = await put_all(one, 60)
    await check(two, blobs, range(60))
    await one.delete(blobs[5:])
    assert await two.compact() > 0
    await check(one, blobs[:5], range(5))
    await check(two, blobs[:5], range(5))
    await one.close()
    await two.close()


async def test_reading_only_changes_nothing(tmp_path: Path) -> None:
    store = await SegmentBlobStore.open(tmp_path, SMALL)
    blobs = await put_all(store, 5)
    reader = await SegmentBlobStore.open(tmp_path, SMALL, read_only=True)
    blobs += [await store.put([b"%04d" % number, OCTETS]) for number in range(5, 8)]
    await check(reader, blobs, range(8))  # beside a store that writes
    assert [fault async for fault in reader.scrub()] == []
    for refused in (reader.put([b""]), reader.delete(blobs), reader.compact()):
        with pytest.raises(NotPermitted):
            await refused
    await reader.close()
    await store.close()
    for without in ("nothing", "index.db"):
        (tmp_path / without).unlink(missing_ok=True)
        before = contents(tmp_path)
        reader = await SegmentBlobStore.open(tmp_path, SMALL, read_only=True)
        await check(reader, blobs, range(8))
        assert await reader.ids(FIRST, 100) == sorted(blobs)
        assert [fault async for fault in reader.scrub()] == []
        await reader.close()
        assert before == contents(tmp_path)


async def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Invalid, match="file"):
        await SegmentBlobStore.open(tmp_path / "file" / "blobs")
    with pytest.raises(Invalid, match="nowhere"):
        await SegmentBlobStore.open(tmp_path / "nowhere", read_only=True)


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = await SegmentBlobStore.open(tmp_path, SMALL)
    await store.close()
    await store.close()
    for refused in (store.put([b""]), store.size(BlobId(new_octets())), store.compact()):
        with pytest.raises(TryLater):
            await refused
