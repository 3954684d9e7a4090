"""What the network and the service may do: nothing is lost, and who asks is told in time."""

import asyncio
import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postroad.adapters.s3 import S3BlobStore, S3Settings
from postroad.adapters.s3.bucket import Bucket
from postroad.adapters.s3.examining import examine
from postroad.base.errors import LowSpace, NotFound, TryLater
from postroad.base.identifiers import new_octets
from postroad.base.secret import Secret
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange
from stores.blob_contract import FIRST, LARGE
from support.faultyproxy import Does, FaultyProxy, faulty_proxy
from support.s3 import ACCESS_KEY, REGION, SECRET_KEY, S3Server, s3_server
from support.server import SOURCE

__all__ = ["s3_server"]

pytestmark = pytest.mark.real


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3_server.port) as proxy:
        yield proxy


@pytest.fixture
def settings(s3_server: S3Server, proxy: FaultyProxy) -> S3Settings:
    return s3_server.settings(s3_server.new_bucket(), endpoint=proxy.endpoint)


ONCE = [
    Does.REFUSE,
    Does.CUT_REQUEST,
    Does.CUT_ANSWER,
    Does.LOSE_ANSWER,
    Does.SLOW_DOWN,
    Does.FAIL,
]


@pytest.mark.parametrize("does", ONCE)
async def test_a_fault_that_passes_is_not_noticed(
    settings: S3Settings, proxy: FaultyProxy, does: Does
) -> None:
    store = S3BlobStore(settings)
    proxy.once(does, "PUT")
    blob = await store.put([b"kept"])
    proxy.once(does, "GET")
    assert await store.whole([blob]) == [b"kept"]
    assert await store.ids(FIRST, 9) == [blob], "stored once"
    proxy.once(does, "POST")
    await store.delete([blob])
    assert await store.ids(FIRST, 9) == []


async def test_a_large_one_whose_answer_is_lost(settings: S3Settings, proxy: FaultyProxy) -> None:
    """A second one is refused before it is read, which cannot be told from a fault."""
    store = S3BlobStore(settings)
    proxy.once(Does.LOSE_ANSWER, "PUT")
    blob = await store.put([LARGE * 7])
    assert await store.ids(FIRST, 9) == [blob]
    assert proxy.count("PUT") == 1
    assert (await store.whole([blob]))[0] == LARGE * 7


@pytest.mark.parametrize("does", [Does.CUT_REQUEST, Does.LOSE_ANSWER, Does.FAIL])
async def test_a_fault_within_an_upload(
    settings: S3Settings, proxy: FaultyProxy, does: Does
) -> None:
    store = S3BlobStore(settings)
    for method in ("POST", "PUT"):
        proxy.once(does, method)
        blob = await store.put([LARGE * 18])
        assert (await store.whole([blob]))[0] == LARGE * 18
    assert [fault async for fault in store.scrub()] == []


@pytest.mark.parametrize(
    "does", [Does.REFUSE, Does.CUT_REQUEST, Does.LOSE_ANSWER, Does.SLOW_DOWN, Does.FAIL, Does.HANG]
)
async def test_a_fault_that_lasts_is_told_in_time(
    s3_server: S3Server, proxy: FaultyProxy, does: Does, caplog: pytest.LogCaptureFixture
) -> None:
    bucket = s3_server.new_bucket()
    blob = await S3BlobStore(s3_server.settings(bucket)).put([b"kept"])
    store = S3BlobStore(s3_server.settings(bucket, endpoint=proxy.endpoint, seconds=1))
    proxy.always(does)
    caplog.set_level(logging.WARNING)
    began = time.monotonic()
    none = BlobId(new_octets())
    for asking in (store.put([b"x"]), store.whole([blob]), store.size(blob), store.delete([none])):
        with pytest.raises(TryLater):
            await asking
    with pytest.raises(TryLater):
        await store.ids(FIRST, 9)
    assert time.monotonic() - began < 5 * 3
    assert len(caplog.records) >= 5
    proxy.always(Does.PASS)
    assert await store.whole([blob]) == [b"kept"], "it goes on by itself"
    assert await store.put([b"y"])


async def test_a_connection_that_hangs_is_left_for_another(
    s3_server: S3Server, proxy: FaultyProxy
) -> None:
    settings = s3_server.settings(s3_server.new_bucket(), endpoint=proxy.endpoint, seconds=6)
    store = S3BlobStore(settings)
    proxy.once(Does.HANG, "PUT")
    blob = await store.put([b"kept"])
    proxy.once(Does.HANG, "GET")
    assert await store.whole([blob]) == [b"kept"]


async def test_many_that_wait_are_told_to_come_again(
    settings: S3Settings, proxy: FaultyProxy
) -> None:
    store = S3BlobStore(replace(settings, waiting_octets=10_000))
    proxy.latency_seconds = 0.3
    puts = [store.put([b"x" * 3000]) for _ in range(10)]
    done = await asyncio.gather(*puts, return_exceptions=True)
    assert sum(isinstance(one, bytes) for one in done) == 3
    assert sum(isinstance(one, TryLater) for one in done) == 7
    assert await store.put([b"x" * 20_000]), "one alone may be larger"


async def test_a_disk_that_is_nearly_full(settings: S3Settings, tmp_path: Path) -> None:
    store = S3BlobStore(replace(settings, disk=tmp_path, min_free_octets=2**60))
    with pytest.raises(LowSpace):
        await store.put([b"x"])
    assert await store.ids(FIRST, 9) == []
    store = S3BlobStore(replace(settings, disk=tmp_path, min_free_octets=1))
    assert await store.put([b"x"])


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"bucket": "nowhere"}, "the bucket does not exist"),
        ({"secret_access_key": Secret("wrong")}, "the secret access key is wrong"),
        ({"region": "elsewhere-1"}, "the bucket is in another region"),
    ],
)
async def test_wrong_settings_are_told(
    settings: S3Settings,
    wrong: dict[str, object],
    why: str,
    caplog: pytest.LogCaptureFixture,
    s3_server: S3Server,
) -> None:
    good = S3BlobStore(settings)
    blob = await good.put([b"kept"])
    store = S3BlobStore(replace(settings, **wrong))  # type: ignore[arg-type]  # one of them
    began = time.monotonic()
    found = await store.check()
    assert found is not None
    assert why in found
    for asking in (store.put([b"x"]), store.whole([blob]), store.whole([BlobId(new_octets())])):
        with pytest.raises(TryLater):  # and never `NotFound`: that would count as lost
            await asking
    assert time.monotonic() - began < 5, "it is not tried again and again"
    assert why in str([record.__dict__ for record in caplog.records])
    assert SECRET_KEY not in str([record.__dict__ for record in caplog.records])


class _Forgetful(Bucket):
    """A service that does not know some of the conditions."""

    knows: tuple[str, ...] = ()

    async def create(self, name: str, octets: bytes) -> str:
        if "If-None-Match" in self.knows:
            return await super().create(name, octets)
        await self.upload(name, lambda: iter([octets]), len(octets))
        return (await self.fetch(name, 0, 1)).version

    async def replace(self, name: str, octets: bytes, version: str) -> None:
        await self.upload(name, lambda: iter([octets]), len(octets))


async def test_a_service_that_does_not_know_conditions(settings: S3Settings) -> None:
    bucket = _Forgetful(settings)
    assert await examine(bucket) == "the service overwrites in spite of If-None-Match"
    bucket.knows = ("If-None-Match",)
    assert await examine(bucket) == "the service overwrites in spite of If-Match"
    assert await bucket.page("check", "") == []


async def test_nobody_listens(settings: S3Settings) -> None:
    store = S3BlobStore(
        replace(settings, endpoint="http://127.0.0.1:1", timeout=timedelta(seconds=1))
    )
    with pytest.raises(TryLater):
        await asyncio.wait_for(store.put([b"x"]), 5)


async def test_a_caller_that_gives_up(settings: S3Settings, proxy: FaultyProxy) -> None:
    """Its memory may be used for something else at once, and others go on."""
    store = S3BlobStore(settings)
    proxy.latency_seconds = 0.2
    for octets in (bytearray(1000), bytearray(20 * 2**20)):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await store.put([view := memoryview(octets)])
        view.release()
        octets.clear()  # raises `BufferError` while anybody else looks at it
    proxy.latency_seconds = 0
    blob = await store.put([b"next"])
    assert await store.whole([blob]) == [b"next"]


async def test_a_store_that_is_closed(settings: S3Settings, tmp_path: Path) -> None:
    store = S3BlobStore(replace(settings, cache=tmp_path))
    blob = await store.put([b"x"])
    await store.close()
    for asking in (store.put([b"x"]), store.whole([blob]), store.delete([blob])):
        with pytest.raises(TryLater):
            await asking
    await store.close()


_SHORT = """
import asyncio, sys
from postroad.adapters.s3 import S3BlobStore, S3Settings
from postroad.base.secret import Secret

async def main(bucket, endpoint, region, key, secret):
    settings = S3Settings(
        bucket=bucket,
        endpoint=endpoint,
        region=region,
        access_key_id=key,
        secret_access_key=Secret(secret),
    )
    stores = [S3BlobStore(settings) for _ in range(5)]
    for _ in range(5):
        await asyncio.gather(*(store.put([b"x"]) for store in stores))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.slow
async def test_a_process_that_ends_at_once(s3_server: S3Server) -> None:
    """Nothing of the library's is at work in Python any more: one in seven aborted by that."""
    words = [s3_server.new_bucket(), s3_server.endpoint, REGION, ACCESS_KEY, SECRET_KEY]
    for _ in range(25):
        done = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _SHORT, *words, env={"PYTHONPATH": str(SOURCE)}
        )
        assert await done.wait() == 0


async def test_what_is_missing_is_not_found(settings: S3Settings) -> None:
    store = S3BlobStore(settings)
    missing = BlobId(new_octets())
    for start in (0, 10**6):
        with pytest.raises(NotFound):
            await store.read([BlobRange(missing, start, start + 10)])
