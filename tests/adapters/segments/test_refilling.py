"""Blobs come back under their ids, in segments as any others."""

from pathlib import Path

from postroad.adapters.segments.refilling import Refill
from postroad.adapters.segments.settings import SegmentSettings
from postroad.adapters.segments.store import SegmentBlobStore
from postroad.model.ids import BlobId
from stores.making import blob


async def test_what_was_put_is_there(tmp_path: Path) -> None:
    octets: dict[BlobId, bytes | memoryview] = {blob(): b"%d" % n * 500 for n in range(40)}
    octets[blob()] = b""
    octets[blob()] = memoryview(b"another")[2:]
    refill = Refill(tmp_path / "blobs", SegmentSettings(segment_octets=4000))
    entries = list(octets.items())
    for start in range(0, len(entries), 7):
        refill.put(entries[start : start + 7])
    refill.close()
    segments = list((tmp_path / "blobs").glob("*.seg"))
    assert len(segments) > 2
    assert {file.stat().st_mode & 0o777 for file in segments} == {0o600}
    store = await SegmentBlobStore.open(tmp_path / "blobs", SegmentSettings(min_free_octets=0))
    assert await store.whole(list(octets)) == list(octets.values())
    assert await store.ids(BlobId(b""), 100) == sorted(octets)
    assert [fault async for fault in store.scrub()] == []
    more = await store.put([b"more"])
    assert await store.whole([more]) == [b"more"]
    await store.close()


def test_nothing_makes_no_file(tmp_path: Path) -> None:
    refill = Refill(tmp_path / "blobs")
    refill.close()
    assert not list((tmp_path / "blobs").iterdir())
