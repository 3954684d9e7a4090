"""Upkeep on a bucket: what nothing refers to goes, and its room with it."""

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.house import House
from postroad.adapters.memory.leases import MemoryLeaseStore
from postroad.adapters.memory.references import MemoryReferenceStore
from postroad.adapters.s3 import S3BlobStore, S3Settings
from postroad.base.moments import after, from_datetime
from postroad.core.upkeep.service import Retention, Upkeep
from stores.blob_contract import FIRST
from stores.making import submission
from support.s3 import S3Server, s3_server

__all__ = ["s3_server"]

pytestmark = pytest.mark.real

DAY = timedelta(days=1)


def octets_of(server: S3Server, settings: S3Settings) -> int:
    folder = server.folder / settings.bucket
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def test_what_nothing_refers_to_goes(s3_server: S3Server, tmp_path: Path) -> None:
    house = House(tmp_path)
    alice = await house.stores.account()
    settings = replace(s3_server.settings(s3_server.new_bucket()), cache=tmp_path / "cache")
    octets = [os.urandom(20_000) for _ in range(100)] + [os.urandom(600_000) for _ in range(4)]
    store = S3BlobStore(settings)
    blobs = await asyncio.gather(*(store.put([one]) for one in octets))
    kept = dict(zip(blobs[::5], octets[::5], strict=True))
    for blob in kept:
        await house.queue.submit(alice, [replace(submission("a@one.test"), blob_id=blob)], [])
    await store.close()

    async def keep_up(days: int) -> dict[str, int]:
        """In a process of its own, so many days later."""
        store = S3BlobStore(settings)
        references, leases = MemoryReferenceStore(house.state), MemoryLeaseStore(house.state)
        long = Retention(9 * DAY, 9 * DAY, 9 * DAY, 9 * DAY)
        upkeep = Upkeep(references, store, leases, house.clock, long)
        house.clock.at = after(from_datetime(datetime.now(UTC)), timedelta(days=days))
        done = await upkeep.run()
        await store.close()
        return done

    before = octets_of(s3_server, settings)
    assert (await keep_up(1))["swept"] == 0, "they may still get a reference"
    assert octets_of(s3_server, settings) == before
    done = await keep_up(3)
    assert done["swept"] == len(blobs) - len(kept)
    assert done["freed_octets"] > 1_500_000
    assert octets_of(s3_server, settings) < sum(map(len, kept.values())) + 20_000
    assert await keep_up(4) == {"forgotten": 0, "collected": 0, "swept": 0, "freed_octets": 0}
    store = S3BlobStore(settings)
    assert await store.ids(FIRST, 999) == sorted(kept)
    assert await store.whole(list(kept)) == list(kept.values())
    assert [fault async for fault in store.scrub()] == []
    await store.close()
    assert (await keep_up(30))["collected"] == 0
