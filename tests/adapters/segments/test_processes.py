"""Several processes on one folder, and processes that are killed."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from postroad.adapters.segments import SegmentBlobStore, SegmentSettings
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange

SETTINGS = SegmentSettings(segment_octets=200_000, min_free_octets=0)
# Stores blobs without end, and says the id of each that was answered for.
PROGRAM = """
import asyncio, sys
from pathlib import Path
from postroad.adapters.segments import SegmentBlobStore, SegmentSettings

async def put(store):
    while True:
        blob = await store.put([b"kept " * 500])
        sys.stdout.write(blob.hex() + chr(10))
        sys.stdout.flush()

async def main():
    settings = SegmentSettings(segment_octets=200_000, min_free_octets=0)
    store = await SegmentBlobStore.open(Path(sys.argv[1]), settings)
    await asyncio.gather(*(put(store) for _ in range(5)))

asyncio.run(main())
"""


def started(folder: Path) -> subprocess.Popen[bytes]:
    source = str(Path(__file__).parents[3] / "src")
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": source},
    )


def told(process: subprocess.Popen[bytes], count: int) -> list[BlobId]:
    assert process.stdout
    return [BlobId(bytes.fromhex(process.stdout.readline().decode())) for _ in range(count)]


def rest(process: subprocess.Popen[bytes]) -> list[BlobId]:
    """What it said before it died; a last line that is cut off says nothing."""
    octets, _ = process.communicate()
    lines = octets.decode().split("\n")[:-1]
    return [BlobId(bytes.fromhex(line)) for line in lines]


async def check(store: SegmentBlobStore, blobs: list[BlobId]) -> None:
    for start in range(0, len(blobs), 100):
        wanted = [BlobRange(blob, 0, 2500) for blob in blobs[start : start + 100]]
        assert set(await store.read(wanted)) == {b"kept " * 500}


@pytest.mark.parametrize("count", [1, 100, 700])
def test_every_answered_blob_survives_kill_9(tmp_path: Path, count: int) -> None:
    processes = [started(tmp_path) for _ in range(2)]
    blobs = [blob for process in processes for blob in told(process, count)]
    for process in processes:
        process.send_signal(signal.SIGKILL)
    for process in processes:
        blobs += rest(process)

    async def look() -> None:
        store = await SegmentBlobStore.open(tmp_path, SETTINGS)
        await check(store, blobs)
        assert [fault async for fault in store.scrub()] == []
        await store.close()

    asyncio.run(look())


def test_a_process_reads_what_another_stored_a_moment_ago(tmp_path: Path) -> None:
    async def look() -> None:
        store = await SegmentBlobStore.open(tmp_path, SETTINGS)
        process = await asyncio.to_thread(started, tmp_path)
        try:
            for _ in range(20):
                await check(store, await asyncio.to_thread(told, process, 10))
            mine = [await store.put([b"kept " * 500]) for _ in range(10)]
            await store.delete(mine[:5])
            await store.compact()
        finally:
            process.kill()
        blobs = await asyncio.to_thread(rest, process)
        await check(store, blobs + mine[5:])
        await store.compact()  # takes over what the dead process left unindexed
        await check(store, blobs + mine[5:])
        assert {*blobs, *mine[5:]} <= set(await store.ids(BlobId(b""), 100_000))
        await store.close()

    asyncio.run(look())
