import asyncio
import errno
import gc
import os
from collections.abc import Sequence
from mmap import mmap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.adapters.spool import SpoolFolder, SpoolSettings, accounts
from postroad.adapters.spool.accounts import Accounts
from postroad.base.errors import Invalid, LowSpace, TryLater
from postroad.ports.spool import Spool

SMALL = SpoolSettings(
    message_memory_octets=1000,
    max_memory_octets=5000,
    max_file_octets=100_000,
    min_free_octets=0,
)


@pytest.fixture
def spools(tmp_path: Path) -> SpoolFolder:
    return SpoolFolder(tmp_path / "spool", SMALL)


def held(spools: SpoolFolder) -> tuple[int, int]:
    return spools.accounts.memory_octets, spools.accounts.file_octets


def open_files(folder: Path) -> int:
    """Descriptors of this process that lie in the folder, named or not."""
    count = 0
    for entry in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{entry}").startswith(str(folder))
        except OSError:
            continue
    return count


async def written(spool: Spool, chunks: Sequence[bytes]) -> bytes:
    for chunk in chunks:
        await spool.write(chunk)
    return bytes(await spool.octets())


async def test_a_small_message_stays_in_memory(spools: SpoolFolder, tmp_path: Path) -> None:
    spool = spools.open()
    assert await written(spool, [b"a" * 400, b"b" * 600]) == b"a" * 400 + b"b" * 600
    octets = await spool.octets()
    assert isinstance(octets, bytes)
    assert await spool.octets() is octets
    assert (spool.size, held(spools), open_files(tmp_path)) == (1000, (1000, 0), 0)
    spool.close()
    assert held(spools) == (0, 0)


async def test_a_larger_one_goes_to_a_file_without_a_name(
    spools: SpoolFolder, tmp_path: Path
) -> None:
    spool = spools.open()
    assert await written(spool, [b"a" * 400, b"b" * 700]) == b"a" * 400 + b"b" * 700
    octets = await spool.octets()
    assert isinstance(octets, mmap)
    assert await spool.octets() is octets
    with pytest.raises(TypeError):
        octets[0] = 1
    assert os.listdir(tmp_path / "spool") == []
    assert (spool.size, held(spools), open_files(tmp_path)) == (1100, (0, 1100), 1)
    spool.close()
    spool.close()
    assert (held(spools), open_files(tmp_path)) == ((0, 0), 0)


async def test_nothing_at_all_is_no_octets(spools: SpoolFolder) -> None:
    spool = spools.open()
    assert await spool.octets() == b""
    spool.close()


@given(sizes=st.lists(st.integers(0, 1500), max_size=30))
def test_what_was_written_comes_back_and_the_sums_are_right(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    async def run() -> None:
        spools = SpoolFolder(tmp_path_factory.getbasetemp() / "sums", SMALL)
        spool = spools.open()
        chunks = [bytes([number]) * size for number, size in enumerate(sizes)]
        for chunk in chunks:
            await spool.write(chunk)
            assert sum(held(spools)) == spool.size
        assert bytes(await spool.octets()) == b"".join(chunks)
        spool.close()
        assert held(spools) == (0, 0)

    asyncio.run(run())


async def test_large_messages_are_written_in_large_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[int] = []
    real = os.writev

    def counting(fd: int, buffers: Sequence[bytes]) -> int:
        writes.append(sum(map(len, buffers)))
        return real(fd, buffers)

    monkeypatch.setattr(os, "writev", counting)
    spools = SpoolFolder(tmp_path, SpoolSettings(min_free_octets=0))
    spool = spools.open()
    chunks = [bytes([number % 251]) * 16_000 for number in range(300)]
    assert await written(spool, chunks) == b"".join(chunks)
    assert len(writes) <= 8
    spool.close()


async def test_many_tiny_chunks(tmp_path: Path) -> None:
    spools = SpoolFolder(tmp_path, SpoolSettings(message_memory_octets=3000, min_free_octets=0))
    spool = spools.open()
    chunks = [b"%d " % number for number in range(5000)]
    assert await written(spool, chunks) == b"".join(chunks)
    spool.close()


async def test_all_spools_together_hold_no_more_memory_than_allowed(spools: SpoolFolder) -> None:
    opened = [spools.open() for _ in range(12)]
    nothing = spools.open()
    for spool in opened:
        await spool.write(b"x" * 900)
        assert spools.accounts.memory_octets <= SMALL.max_memory_octets
    assert held(spools) == (4500, 7 * 900)
    await nothing.write(b"")
    assert await nothing.octets() == b""
    for spool in opened:
        assert bytes(await spool.octets()) == b"x" * 900
        spool.close()
    assert held(spools) == (0, 0)


async def test_too_much_in_files_is_told_to_try_later(spools: SpoolFolder) -> None:
    first, second = spools.open(), spools.open()
    await first.write(b"x" * 90_000)
    await first.octets()
    with pytest.raises(TryLater):
        await second.write(b"y" * 20_000)
    with pytest.raises(TryLater):  # half a message is none
        await second.octets()
    with pytest.raises(TryLater):
        await second.write(b"y")
    second.close()
    first.close()
    assert held(spools) == (0, 0)
    third = spools.open()
    await third.write(b"x" * 20_000)
    third.close()


async def test_a_disk_that_is_nearly_full_takes_nothing(tmp_path: Path) -> None:
    free = [10**9]
    settings = SpoolSettings(min_free_octets=10**6)
    spools = SpoolFolder(tmp_path, settings, free_octets=lambda: free[0])
    spool = spools.open()
    await spool.write(b"x")
    free[0] = 10**5
    await spool.write(b"asked once a second only")
    spools.accounts._looked_at = 0.0
    with pytest.raises(LowSpace):
        await spool.write(b"x")
    with pytest.raises(LowSpace):
        spools.open()
    spool.close()


def test_the_disk_is_asked_once_a_second() -> None:
    asked: list[float] = []
    now = [100.0]

    def free_octets() -> int:
        asked.append(now[0])
        return 0 if now[0] < 102 else 10**12

    looked = Accounts(SpoolSettings(), free_octets, lambda: now[0])
    for moment in (100.0, 100.5, 100.9, 101.1, 101.9):
        now[0] = moment
        with pytest.raises(LowSpace):
            looked.check_room()
    now[0] = 102.2
    looked.check_room()
    assert asked == [100.0, 101.1, 102.2]
    assert accounts._LOOK_AT_DISK_SECONDS == 1.0


async def test_a_folder_that_went_away_means_try_later(tmp_path: Path) -> None:
    spools = SpoolFolder(tmp_path / "spool", SMALL)
    (tmp_path / "spool").rmdir()
    with pytest.raises(TryLater):
        spools.open()


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, LowSpace), (errno.EDQUOT, LowSpace), (errno.EIO, TryLater)]
)
async def test_a_write_that_fails(
    spools: SpoolFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    kind: type[TryLater],
) -> None:
    def failing(_fd: int, _buffers: object) -> int:
        raise OSError(number, "it fails")

    monkeypatch.setattr(os, "writev", failing)
    spool = spools.open()
    with pytest.raises(kind):
        await spool.write(b"x" * 2000)
    with pytest.raises(TryLater):
        await spool.octets()
    spool.close()
    assert (held(spools), open_files(tmp_path)) == ((0, 0), 0)


async def test_short_writes_are_continued(
    spools: SpoolFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.writev
    monkeypatch.setattr(os, "writev", lambda fd, buffers: real(fd, [b"".join(buffers)[:7]]))
    spool = spools.open()
    assert await written(spool, [b"0123456789" * 300]) == b"0123456789" * 300
    spool.close()


async def test_a_forgotten_spool_gives_everything_back(
    spools: SpoolFolder, tmp_path: Path
) -> None:
    for octets in (b"x" * 500, b"x" * 5000):
        spool = spools.open()
        await spool.write(octets)
        del spool
    gc.collect()
    assert (held(spools), open_files(tmp_path)) == ((0, 0), 0)


async def test_closing_while_a_part_is_looked_at(spools: SpoolFolder, tmp_path: Path) -> None:
    spool = spools.open()
    await spool.write(b"0123456789" * 500)
    view = memoryview(await spool.octets())[10:20]
    spool.close()
    assert bytes(view) == b"0123456789"
    assert held(spools) == (0, 0)
    del view
    gc.collect()
    assert open_files(tmp_path) == 0


async def test_a_cancelled_write_closes_its_file_when_the_thread_is_back(
    spools: SpoolFolder, tmp_path: Path
) -> None:
    spool = spools.open()
    writing = asyncio.ensure_future(spool.write(b"x" * 50_000))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    spool.close()
    assert held(spools) == (0, 0)
    await asyncio.get_running_loop().shutdown_default_executor()
    await asyncio.sleep(0.01)
    assert open_files(tmp_path) == 0


async def test_a_closed_spool_is_not_used(spools: SpoolFolder) -> None:
    spool = spools.open()
    spool.close()
    with pytest.raises(RuntimeError):
        await spool.write(b"x")
    with pytest.raises(RuntimeError):
        await spool.octets()


async def test_a_file_system_without_unnamed_files(
    spools: SpoolFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "O_TMPFILE")
    spool = spools.open()
    assert await written(spool, [b"x" * 3000]) == b"x" * 3000
    assert os.listdir(tmp_path / "spool") == []
    spool.close()


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Invalid, match="file"):
        SpoolFolder(tmp_path / "file")
