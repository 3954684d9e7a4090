"""What rots on the disk is found, named exactly, and hides nothing else."""

from pathlib import Path

import pytest

from postroad.adapters.segments import SegmentBlobStore, SegmentSettings
from postroad.adapters.segments.record import HEADER_OCTETS, Header, checksum_of
from postroad.base.errors import NotFound, TryLater
from postroad.base.identifiers import new_octets
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange
from postroad.stores.blobs import BlobFault

SETTINGS = SegmentSettings(min_free_octets=0)
OCTETS = b"0123456789" * 100
RECORD = HEADER_OCTETS + len(OCTETS)


async def filled(folder: Path, count: int = 5) -> list[BlobId]:
    store = await SegmentBlobStore.open(folder, SETTINGS)
    blobs = [await store.put([OCTETS]) for _ in range(count)]
    await store.close()
    return blobs


def spoil(folder: Path, offset: int) -> None:
    path = folder / "00000001.seg"
    octets = bytearray(path.read_bytes())
    octets[offset] ^= 1
    path.write_bytes(octets)


async def faults(store: SegmentBlobStore) -> list[BlobFault]:
    return [fault async for fault in store.scrub()]


async def readable(store: SegmentBlobStore, blobs: list[BlobId]) -> list[BlobId]:
    found = []
    for blob in blobs:
        try:
            assert await store.read([BlobRange(blob, 0, 9999)]) == [OCTETS]
            assert await store.whole([blob]) == [OCTETS]
            found.append(blob)
        except (TryLater, NotFound):
            continue
    return found


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("offset", "what"),
    [(HEADER_OCTETS + 500, "the blob is damaged"), (20, "the header is damaged")],
)
async def test_a_damaged_record_in_the_middle(
    tmp_path: Path, offset: int, what: str, read_only: bool, caplog: pytest.LogCaptureFixture
) -> None:
    blobs = await filled(tmp_path)
    spoil(tmp_path, 2 * RECORD + offset)
    store = await SegmentBlobStore.open(tmp_path, SETTINGS, read_only=read_only)
    place = f"{tmp_path / '00000001.seg'} at {2 * RECORD}"
    assert await faults(store) == [BlobFault(blobs[2], place, what)]
    with pytest.raises(TryLater) as refused:
        await store.read([BlobRange(blobs[2], 0, len(OCTETS))])
    assert str(tmp_path) not in str(refused.value), "a client reads it"
    told = vars(caplog.records[-1])
    assert f"{told['path']} at {told['offset']}" == place
    with pytest.raises(TryLater):
        await store.whole(blobs)
    told = vars(caplog.records[-1])
    assert f"{told['path']} at {told['offset']}" == place
    assert await store.whole(blobs[1::2]) == [OCTETS] * 2  # read beside it, in one call
    assert await readable(store, blobs) == blobs[:2] + blobs[3:]
    await store.close()


@pytest.mark.parametrize("offset", [HEADER_OCTETS + 500, 20, 0, HEADER_OCTETS - 1])
@pytest.mark.parametrize("number", [0, 2])
async def test_a_damaged_record_hides_nothing_from_a_rebuilt_index(
    tmp_path: Path, offset: int, number: int
) -> None:
    blobs = await filled(tmp_path)
    spoil(tmp_path, number * RECORD + offset)
    (tmp_path / "index.db").unlink()
    store = await SegmentBlobStore.open(tmp_path, SETTINGS)
    assert await readable(store, blobs) == blobs[:number] + blobs[number + 1 :]
    (fault,) = await faults(store)
    assert fault.place == f"{tmp_path / '00000001.seg'} at {number * RECORD}"
    assert fault.what.endswith("no indexed blob is hit")
    await store.close()


async def test_a_file_that_was_cut(tmp_path: Path) -> None:
    blobs = await filled(tmp_path)
    path = tmp_path / "00000001.seg"
    path.write_bytes(path.read_bytes()[: 3 * RECORD + 100])
    store = await SegmentBlobStore.open(tmp_path, SETTINGS)
    found = await faults(store)
    assert [(fault.blob_id, fault.what) for fault in found] == [
        (blobs[3], "torn"),
        (blobs[4], "missing"),
    ]
    assert [fault.place for fault in found] == [
        f"{path} at {number * RECORD}" for number in (3, 4)
    ]
    assert await readable(store, blobs) == blobs[:3]
    with pytest.raises(TryLater):
        await store.whole(blobs)
    await store.close()


async def test_a_file_that_is_gone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blobs = await filled(tmp_path)
    (tmp_path / "00000001.seg").unlink()
    store = await SegmentBlobStore.open(tmp_path, SETTINGS)
    found = await faults(store)
    assert [(fault.blob_id, fault.what) for fault in found] == [(b, "missing") for b in blobs]
    with pytest.raises(TryLater, match="cannot be read"):
        await store.read([BlobRange(blobs[0], 0, 10)])
    with pytest.raises(TryLater, match="cannot be read"):
        await store.whole(blobs)
    assert vars(caplog.records[-1])["why"] == "the file is missing"
    assert vars(caplog.records[-1])["path"] == str(tmp_path / "00000001.seg")
    await store.delete(blobs)
    assert await faults(store) == []
    await store.close()


async def test_a_segment_with_damage_is_not_compacted(tmp_path: Path) -> None:
    blobs = await filled(tmp_path, 10)
    spoil(tmp_path, 2 * RECORD + HEADER_OCTETS)
    store = await SegmentBlobStore.open(tmp_path, SETTINGS)
    await store.delete(blobs[4:])
    assert await store.compact() <= 0
    assert (tmp_path / "00000001.seg").exists()
    assert await readable(store, blobs) == [blobs[0], blobs[1], blobs[3]]
    assert [fault.blob_id for fault in await faults(store)] == [blobs[2]]
    await store.close()


async def test_a_made_up_record_in_a_message_is_not_found(tmp_path: Path) -> None:
    made_up = BlobId(new_octets())
    payload = b"From the attacker"
    fake = Header(b"saltsalt", made_up, len(payload), checksum_of([payload])).encode() + payload
    store = await SegmentBlobStore.open(tmp_path, SETTINGS)
    blobs = [await store.put([OCTETS]), await store.put([fake]), await store.put([OCTETS])]
    await store.close()
    spoil(tmp_path, RECORD + 10)  # the header of the message
    (tmp_path / "index.db").unlink()
    store = await SegmentBlobStore.open(tmp_path, SETTINGS)
    assert await store.ids(BlobId(b""), 10) == sorted([blobs[0], blobs[2]])
    with pytest.raises(NotFound):
        await store.size(made_up)
    await store.close()
