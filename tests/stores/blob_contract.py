"""What every `BlobStore` must do. Each adapter runs these same tests."""

import asyncio

import pytest

from postroad.base.errors import NotFound
from postroad.base.identifiers import minted_at_milliseconds, new_octets
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange
from postroad.stores.blobs import BlobStore

FIRST = BlobId(b"")
LARGE = bytes(range(256)) * 4096


def whole(blob: BlobId, octets: bytes) -> BlobRange:
    return BlobRange(blob, 0, len(octets))


class BlobStoreContract:
    """A subclass has a fixture `store`."""

    async def test_pieces_are_joined(self, store: BlobStore) -> None:
        blob = await store.put([b"one ", bytearray(b"two "), memoryview(b"three"), b""])
        assert await store.read([BlobRange(blob, 0, 13)]) == [b"one two three"]
        assert await store.size(blob) == 13

    async def test_an_empty_blob(self, store: BlobStore) -> None:
        blob = await store.put([])
        assert await store.read([BlobRange(blob, 0, 0)]) == [b""]
        assert await store.size(blob) == 0

    async def test_many_pieces(self, store: BlobStore) -> None:
        pieces = [b"%d " % number for number in range(5000)]
        blob = await store.put(pieces)
        assert await store.read([whole(blob, b"".join(pieces))]) == [b"".join(pieces)]

    async def test_a_large_blob(self, store: BlobStore) -> None:
        blob = await store.put([LARGE])
        assert await store.read([whole(blob, LARGE)]) == [LARGE]

    async def test_ids_are_minted_once_and_carry_the_time(self, store: BlobStore) -> None:
        before = minted_at_milliseconds(new_octets())
        blobs = [await store.put([b"the same"]) for _ in range(20)]
        after = minted_at_milliseconds(new_octets())
        assert len(set(blobs)) == 20
        assert all(before <= minted_at_milliseconds(blob) <= after for blob in blobs)

    async def test_ranges_come_back_in_their_order(self, store: BlobStore) -> None:
        first, second = await store.put([b"0123456789"]), await store.put([b"abcdef"])
        wanted = [BlobRange(second, 1, 3), BlobRange(first, 8, 10), BlobRange(second, 0, 6)]
        assert await store.read(wanted) == [b"bc", b"89", b"abcdef"]
        assert await store.read([]) == []

    @pytest.mark.parametrize(
        ("start", "end", "octets"),
        [(0, 99, b"0123456789"), (8, 99, b"89"), (10, 99, b""), (50, 60, b""), (5, 5, b"")],
    )
    async def test_a_range_is_cut_at_the_end(
        self, store: BlobStore, start: int, end: int, octets: bytes
    ) -> None:
        blob = await store.put([b"0123456789"])
        assert await store.read([BlobRange(blob, start, end)]) == [octets]

    async def test_whole_blobs_come_back_in_the_order_asked_for(self, store: BlobStore) -> None:
        octets = [b"%d" % n * (n * 37 % 9000) for n in range(40)] + [LARGE * 2, b"x", LARGE]
        blobs = [await store.put([each]) for each in octets]
        pairs = list(zip(blobs, octets, strict=True))
        for asked in (pairs, pairs[::-1], pairs[3::5], pairs[:1] * 3 + pairs[2:3], pairs[-1:]):
            found = await store.whole([blob for blob, _ in asked])
            assert list(map(bytes, found)) == [each for _, each in asked]
        assert await store.whole([]) == []
        await store.delete(blobs[1::2])
        found = await store.whole(blobs[::2])
        assert list(map(bytes, found)) == octets[::2]

    @pytest.mark.parametrize(("start", "end"), [(0, len(LARGE)), (1, 999_999), (5, 5), (0, 2**40)])
    async def test_a_stream_is_the_range_in_chunks(
        self, store: BlobStore, start: int, end: int
    ) -> None:
        blob = await store.put([LARGE])
        chunks = [chunk async for chunk in store.stream(BlobRange(blob, start, end), 100_000)]
        assert b"".join(chunks) == LARGE[start:end]
        assert all(0 < len(chunk) <= 100_000 for chunk in chunks)

    async def test_unknown_blobs_are_not_found(self, store: BlobStore) -> None:
        known, unknown = await store.put([b"x"]), BlobId(new_octets())
        with pytest.raises(NotFound):
            await store.read([BlobRange(known, 0, 1), BlobRange(unknown, 0, 1)])
        with pytest.raises(NotFound):
            await store.whole([known, unknown])
        with pytest.raises(NotFound):
            await store.size(unknown)
        with pytest.raises(NotFound):
            [chunk async for chunk in store.stream(BlobRange(unknown, 0, 1))]

    async def test_deleted_blobs_are_not_found_and_the_others_stay(self, store: BlobStore) -> None:
        blobs = [await store.put([b"%d" % number]) for number in range(10)]
        await store.delete(blobs[::2])
        for blob in blobs[::2]:
            with pytest.raises(NotFound):
                await store.size(blob)
        kept = await store.read([BlobRange(blob, 0, 1) for blob in blobs[1::2]])
        assert kept == [b"1", b"3", b"5", b"7", b"9"]

    async def test_deleting_again_or_nothing_does_nothing(self, store: BlobStore) -> None:
        blob = await store.put([b"x"])
        await store.delete([blob])
        await store.delete([blob, BlobId(new_octets())])
        await store.delete([])
        assert await store.ids(FIRST, 10) == []

    async def test_ids_come_in_order_and_in_pages(self, store: BlobStore) -> None:
        blobs = sorted([await store.put([b"%d" % number]) for number in range(25)])
        await store.delete([blobs[3]])
        del blobs[3]
        found: list[BlobId] = []
        while page := await store.ids(found[-1] if found else FIRST, 7):
            assert len(page) <= 7
            found += page
        assert found == blobs

    async def test_compacting_keeps_what_lives(self, store: BlobStore) -> None:
        blobs = [await store.put([b"%d" % number, LARGE]) for number in range(10)]
        await store.delete(blobs[1:])
        assert await store.compact() >= 0
        assert await store.read([BlobRange(blobs[0], 0, 5)]) == [b"0" + LARGE[:4]]
        assert await store.ids(FIRST, 100) == blobs[:1]

    async def test_a_healthy_store_has_no_faults(self, store: BlobStore) -> None:
        blobs = [await store.put([b"%d" % number]) for number in range(10)]
        await store.delete(blobs[:3])
        assert [fault async for fault in store.scrub()] == []

    async def test_many_at_once(self, store: BlobStore) -> None:
        octets = [b"%d " % number * 500 for number in range(200)]
        blobs = await asyncio.gather(*(store.put([each]) for each in octets))
        assert await store.read([BlobRange(blob, 0, 10_000) for blob in blobs]) == octets
        assert await store.ids(FIRST, 1000) == sorted(blobs)
