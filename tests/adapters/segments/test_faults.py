"""Full disks, broken disks, and writes that are shorter than asked."""

import asyncio
import errno
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from postroad.adapters.segments import SegmentBlobStore, SegmentSettings, writer
from postroad.adapters.segments.files import Buffer, Files
from postroad.adapters.segments.index import Index
from postroad.base.errors import Invalid, LowSpace, TryLater
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange

SETTINGS = SegmentSettings(min_free_octets=1000)


class FaultyFiles(Files):
    """Fails the operations named in `faults` with an errno, until they are taken out."""

    def __init__(self) -> None:
        self.faults: dict[str, int] = {}
        self.at_most: int | None = None  # octets of one writev
        self.free = 10**9

    def create(self, path: Path) -> int:
        self._fail("create")
        return super().create(path)

    def open_for_lock(self, path: Path) -> int:
        self._fail("open_for_lock")
        return super().open_for_lock(path)

    def writev(self, fd: int, buffers: Sequence[Buffer]) -> int:
        if self.at_most is None and "writev" in self.faults:
            super().writev(fd, [b"".join(buffers)[:100]])  # some of it goes in before it fails
        self._fail("writev")
        octets = b"".join(buffers)[: self.at_most]
        return super().writev(fd, [octets])

    def pread(self, fd: int, octets: int, offset: int) -> bytes:
        self._fail("pread")
        return super().pread(fd, octets, offset)

    def fdatasync(self, fd: int) -> None:
        self._fail("fdatasync")
        super().fdatasync(fd)

    def fsync_folder(self, folder: Path) -> None:
        self._fail("fsync_folder")
        super().fsync_folder(folder)

    def truncate(self, fd: int, octets: int) -> None:
        self._fail("truncate")
        super().truncate(fd, octets)

    def free_octets(self, folder: Path) -> int:
        self._fail("free_octets")
        return self.free

    def _fail(self, operation: str) -> None:
        if number := self.faults.get(operation):
            raise OSError(number, f"{operation} fails")


@pytest.fixture
def files() -> FaultyFiles:
    return FaultyFiles()


@pytest.fixture
async def store(tmp_path: Path, files: FaultyFiles) -> AsyncIterator[SegmentBlobStore]:
    opened = await SegmentBlobStore.open(tmp_path, SETTINGS, files=files)
    yield opened
    await opened.close()


async def check(store: SegmentBlobStore, blobs: dict[BlobId, bytes]) -> None:
    octets = await store.read([BlobRange(blob, 0, 10_000) for blob in blobs])
    assert octets == list(blobs.values())
    assert [fault async for fault in store.scrub()] == []


def segments(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.seg"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_a_full_disk_is_low_space_and_the_segment_serves_on(
    store: SegmentBlobStore, files: FaultyFiles, tmp_path: Path, number: int
) -> None:
    first = await store.put([b"first"])
    files.faults["writev"] = number
    with pytest.raises(LowSpace):
        await store.put([b"x" * 5000])
    del files.faults["writev"]
    second = await store.put([b"second"])
    await check(store, {first: b"first", second: b"second"})
    assert segments(tmp_path) == ["00000001.seg"]


async def test_all_of_a_failed_batch_are_told(store: SegmentBlobStore, files: FaultyFiles) -> None:
    files.faults["writev"] = errno.ENOSPC
    results = await asyncio.gather(
        *(store.put([b"%d" % number]) for number in range(20)), return_exceptions=True
    )
    assert all(isinstance(result, LowSpace) for result in results)
    assert await store.ids(BlobId(b""), 10) == []


@pytest.mark.parametrize("operation", ["fdatasync", "fsync_folder"])
async def test_a_file_whose_sync_failed_is_never_used_again(
    store: SegmentBlobStore, files: FaultyFiles, tmp_path: Path, operation: str
) -> None:
    files.faults[operation] = errno.EIO
    for _ in range(3):
        with pytest.raises(TryLater):
            await store.put([b"lost"])
    del files.faults[operation]
    first = await store.put([b"first"])
    files.faults["fdatasync"] = errno.EIO
    with pytest.raises(TryLater):
        await store.put([b"lost too"])
    del files.faults["fdatasync"]
    left = segments(tmp_path)[-1]
    second = await store.put([b"second"])
    assert segments(tmp_path)[-1] > left
    await check(store, {first: b"first", second: b"second"})
    assert await store.ids(BlobId(b""), 10) == sorted([first, second])


async def test_a_segment_that_cannot_be_cut_is_left(
    store: SegmentBlobStore, files: FaultyFiles, tmp_path: Path
) -> None:
    first = await store.put([b"first"])
    files.faults |= {"writev": errno.ENOSPC, "truncate": errno.EIO}
    with pytest.raises(LowSpace):
        await store.put([b"x" * 5000])
    files.faults.clear()
    second = await store.put([b"second"])
    assert segments(tmp_path) == ["00000001.seg", "00000002.seg"]
    await check(store, {first: b"first", second: b"second"})


@pytest.mark.parametrize("at_most", [1, 7, 64, 65, 1000])
async def test_short_writes_are_continued(
    store: SegmentBlobStore, files: FaultyFiles, at_most: int
) -> None:
    files.at_most = at_most
    octets = [b"%d " % number * 40 for number in range(8)]
    blobs = await asyncio.gather(*(store.put([each[:9], each[9:]]) for each in octets))
    await check(store, dict(zip(blobs, octets, strict=True)))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EMFILE])
async def test_no_new_segment_means_try_later(
    store: SegmentBlobStore, files: FaultyFiles, number: int
) -> None:
    files.faults["create"] = number
    with pytest.raises(TryLater):
        await store.put([b"x"])
    files.faults.clear()
    await check(store, {await store.put([b"x"]): b"x"})


async def test_a_disk_that_cannot_be_read_means_try_later(
    store: SegmentBlobStore, files: FaultyFiles
) -> None:
    blob = await store.put([b"x"])
    files.faults["pread"] = errno.EIO
    for end in (1, 0):
        with pytest.raises(TryLater):
            await store.read([BlobRange(blob, 0, end or 2**17)])
    faults = [fault async for fault in store.scrub()]
    assert [fault.what for fault in faults] == ["cannot be read: [Errno 5] pread fails"]
    files.faults.clear()
    await check(store, {blob: b"x"})


async def test_puts_are_refused_long_before_the_disk_is_full(
    store: SegmentBlobStore, files: FaultyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_LOOK_AT_DISK_SECONDS", 0.0)
    blob = await store.put([b"x"])
    files.free = 900
    with pytest.raises(LowSpace):
        await store.put([b"y"])
    await store.delete([blob])  # room can always be made
    await store.compact()
    files.free = 10**9
    await check(store, {await store.put([b"z"]): b"z"})
    files.faults["free_octets"] = errno.EIO  # then the write itself tells
    await store.put([b"z"])


async def test_the_disk_is_asked_once_a_second(
    store: SegmentBlobStore, files: FaultyFiles
) -> None:
    await store.put([b"x"])
    files.free = 0
    await store.put([b"y"])


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
async def test_a_folder_that_is_read_only_is_named(
    tmp_path: Path, files: FaultyFiles, number: int
) -> None:
    files.faults["open_for_lock"] = number
    with pytest.raises(Invalid, match="the folder of blobs cannot be written"):
        await SegmentBlobStore.open(tmp_path, SETTINGS, files=files)


async def test_a_compaction_on_a_full_disk_leaves_everything_as_it_was(
    tmp_path: Path, files: FaultyFiles
) -> None:
    settings = SegmentSettings(segment_octets=10_000, min_free_octets=0)
    store = await SegmentBlobStore.open(tmp_path, settings, files=files)
    blobs = {await store.put([b"%d" % n * 1000]): b"%d" % n * 1000 for n in range(10)}
    await store.put([b"next segment" * 1000])
    gone = list(blobs)[:7]
    await store.delete(gone)
    for blob in gone:
        del blobs[blob]
    for operation, number in (("writev", errno.ENOSPC), ("fdatasync", errno.EIO)):
        files.faults = {operation: number}
        assert await store.compact() == 0
        files.faults = {}
        await check(store, blobs)
    assert await store.compact() > 0
    await check(store, blobs)
    await store.close()


async def test_an_index_that_cannot_be_written_costs_nothing_but_time(
    tmp_path: Path, files: FaultyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise LowSpace("no room")

    with monkeypatch.context() as patched:
        patched.setattr(Index, "add", failing)
        store = await SegmentBlobStore.open(tmp_path, SETTINGS, files=files)
        blobs = {await store.put([b"%d" % number]): b"%d" % number for number in range(5)}
        await asyncio.sleep(0.12)
        await check(store, blobs)
        with pytest.raises(LowSpace):
            await store.delete(list(blobs)[:1])
        await store.close()
        store = await SegmentBlobStore.open(tmp_path, SETTINGS, files=files)
        await check(store, blobs)
    await store.compact()
    await store.delete(sorted(blobs)[:1])
    assert await store.ids(BlobId(b""), 10) == sorted(blobs)[1:]
    await store.close()
