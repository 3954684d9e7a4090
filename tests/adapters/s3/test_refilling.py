import os
from collections.abc import Iterator
from random import Random

import pytest

from postroad.adapters.s3 import S3BlobStore, S3Settings
from postroad.adapters.s3.bucket import Bucket
from postroad.adapters.s3.objects import create_object
from postroad.adapters.s3.refilling import Refill
from postroad.base.errors import TryLater
from postroad.base.identifiers import new_octets
from postroad.model.ids import BlobId
from stores.blob_contract import FIRST
from support.faultyproxy import Does, FaultyProxy, faulty_proxy
from support.s3 import S3Server, s3_server

__all__ = ["s3_server"]

pytestmark = pytest.mark.real


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3_server.port) as proxy:
        yield proxy


@pytest.fixture
def settings(s3_server: S3Server, proxy: FaultyProxy) -> S3Settings:
    return s3_server.settings(s3_server.new_bucket(), endpoint=proxy.endpoint)


@pytest.mark.parametrize("at_once", [1, 3, 1000])
async def test_blobs_of_every_kind_come_back(
    s3_server: S3Server, settings: S3Settings, at_once: int
) -> None:
    """Those that shared an object, those that were alone, and those from another store."""
    before = s3_server.settings(s3_server.new_bucket())
    octets = [os.urandom(n * 100) for n in range(30)]
    shared = await create_object(Bucket(before), None, [[one] for one in octets])
    blobs = dict(zip(shared.blob_ids(), octets, strict=True))
    store = S3BlobStore(before)
    for size in (0, 5, 3_000_000, 9_000_000):
        one = os.urandom(size)
        blobs[await store.put([one])] = one
        blobs[BlobId(new_octets())] = one
    lost = shared.blob_id(7)
    del blobs[lost]
    refill = Refill(settings)
    assert await refill.is_empty()
    mixed = list(blobs.items())
    Random(1).shuffle(mixed)  # noqa: S311  # an order like any other
    for start in range(0, len(mixed), at_once):
        await refill.put(mixed[start : start + at_once])
    await refill.put(mixed[:5])
    assert not await refill.is_empty()
    refill.close()
    store = S3BlobStore(settings)
    assert await store.whole(list(blobs)) == list(blobs.values())
    assert [fault async for fault in store.scrub()] == []
    await store.delete([lost])
    assert await store.ids(FIRST, 999) == sorted(blobs)


@pytest.mark.parametrize("does", [Does.CUT_REQUEST, Does.LOSE_ANSWER, Does.SLOW_DOWN])
async def test_faults_on_the_way(settings: S3Settings, proxy: FaultyProxy, does: Does) -> None:
    blobs = [(BlobId(new_octets()), b"%d" % n) for n in range(20)]
    refill = Refill(settings)
    random = Random(2)  # noqa: S311  # a schedule
    proxy.decide = lambda method, target: does if random.random() < 0.2 else Does.PASS
    await refill.put(blobs)
    assert await S3BlobStore(settings).whole([blob for blob, _ in blobs]) == [o for _, o in blobs]
    refill.close()


async def test_no_bucket_is_not_an_empty_one(s3_server: S3Server) -> None:
    with pytest.raises(TryLater, match="the bucket does not exist"):
        await Refill(s3_server.settings("nowhere")).is_empty()
