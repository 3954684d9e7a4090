"""Promise 1: what was answered for survives the power cut (DESIGN.md section 1)."""

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from postroad.adapters.segments import SegmentBlobStore, SegmentSettings
from postroad.base.errors import MailError
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange
from support.losing_disk import LosingDisk, chances, keeping
from support.losing_files import LosingFiles
from support.losing_vfs import losing_vfs

FIRST = BlobId(b"")
SMALL = SegmentSettings(segment_octets=12_000, min_free_octets=0)

steps = st.one_of(
    st.tuples(st.just("put"), st.lists(st.integers(0, 4000), min_size=1, max_size=8)),
    st.tuples(st.just("delete"), st.floats(0, 1)),
    st.tuples(st.just("compact"), st.none()),
    st.tuples(st.just("settle"), st.none()),  # until the index is written
)


@dataclass
class Ledger:
    """What the store answered for, and what may be there or not."""

    kept: dict[BlobId, bytes] = field(default_factory=dict)
    deleted: set[BlobId] = field(default_factory=set)


async def live(store: SegmentBlobStore, plan: list[tuple[str, object]], ledger: Ledger) -> None:
    chance = chances(7)
    for kind, argument in plan:
        if kind == "put":
            assert isinstance(argument, list)
            octets = [chance.randbytes(size) for size in argument]
            results = await asyncio.gather(
                *(store.put([each]) for each in octets), return_exceptions=True
            )
            for result, each in zip(results, octets, strict=True):
                if isinstance(result, bytes):
                    ledger.kept[BlobId(result)] = each
                else:
                    assert isinstance(result, MailError)
        elif kind == "delete":
            assert isinstance(argument, float)
            gone = [blob for blob in ledger.kept if chance.random() < argument]
            ledger.deleted.update(gone)
            for blob in gone:
                del ledger.kept[blob]
            await store.delete(gone)
        elif kind == "compact":
            await store.compact()
        else:
            await asyncio.sleep(0.06)


async def run_until_the_cut(
    folder: Path, disk: LosingDisk, plan: list[tuple[str, object]], before: Ledger | None = None
) -> Ledger:
    ledger = before or Ledger()
    with losing_vfs(disk) as vfs:
        try:
            store = await SegmentBlobStore.open(folder, SMALL, files=LosingFiles(disk), vfs=vfs)
        except MailError:
            return ledger
        try:
            await live(store, plan, ledger)
        except MailError:
            assert disk.is_off
        disk.let_go()
        await store.close()
    return ledger


async def check_all(folder: Path, ledger: Ledger) -> list[BlobId]:
    store = await SegmentBlobStore.open(folder, SMALL)
    try:
        wanted = [BlobRange(blob, 0, 5000) for blob in ledger.kept]
        assert await store.read(wanted) == list(ledger.kept.values())
        hit = {fault.blob_id for fault in [fault async for fault in store.scrub()]}
        assert not hit & ledger.kept.keys()
        ids = await store.ids(FIRST, 10_000)
        assert set(ids) >= ledger.kept.keys()
        for blob in ids:
            await store.read([BlobRange(blob, 0, 5000)])
        await store.compact()
        assert await store.read(wanted) == list(ledger.kept.values())
        new = await store.put([b"life goes on"])
        assert await store.read([BlobRange(new, 0, 99)]) == [b"life goes on"]
        return ids
    finally:
        await store.close()


PLAN: list[tuple[str, object]] = [
    ("put", [3000, 10, 0, 4000, 700]),
    ("settle", None),
    ("put", [4000, 4000]),
    ("put", [500] * 8),
    ("delete", 0.8),
    ("compact", None),
    ("put", [900, 900]),
]


@settings(max_examples=60, deadline=None)
@given(
    plan=st.lists(steps, min_size=1, max_size=8),
    off_after=st.integers(15, 90),
    share=st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
    seed=st.integers(0, 2**32),
)
@example(plan=PLAN, off_after=10_000, share=0.0, seed=1)
@example(plan=PLAN, off_after=10_000, share=0.5, seed=1)
def test_every_answered_blob_survives_a_power_cut(
    plan: list[tuple[str, object]], off_after: int, share: float, seed: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, left = Path(name) / "blobs", Path(name) / "left"
        disk = LosingDisk(off_after)
        ledger = asyncio.run(run_until_the_cut(folder, disk, plan))
        disk.crash(folder, left, keeping(share, seed))
        with_index = asyncio.run(check_all(left, ledger))
        for path in left.glob("index.db*"):
            path.unlink()
        without = asyncio.run(check_all(left, ledger))
        assert set(without) >= set(with_index)


def test_every_answered_blob_survives_whenever_the_power_goes(tmp_path: Path) -> None:
    whole = LosingDisk()
    asyncio.run(run_until_the_cut(tmp_path / "whole", whole, PLAN))
    for off_after in range(1, whole.operations):
        disk = LosingDisk(off_after)
        folder, left = tmp_path / f"{off_after}", tmp_path / f"{off_after}-left"
        ledger = asyncio.run(run_until_the_cut(folder, disk, PLAN))
        disk.crash(folder, left, keeping(0.7, off_after))
        asyncio.run(check_all(left, ledger))


def test_a_power_cut_while_the_store_recovers_from_one(tmp_path: Path) -> None:
    for off_after in range(1, 60, 3):
        first, second = LosingDisk(40 + off_after), LosingDisk(off_after)
        folder, left, again = (tmp_path / f"{off_after}-{name}" for name in ("a", "b", "c"))
        ledger = asyncio.run(run_until_the_cut(folder, first, PLAN))
        first.crash(folder, left, keeping(0.5, off_after))
        for path in left.iterdir():
            second.opened(path)
        asyncio.run(run_until_the_cut(left, second, PLAN, ledger))
        second.crash(left, again, keeping(0.5, off_after))
        asyncio.run(check_all(again, ledger))
