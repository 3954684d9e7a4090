import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from postroad.adapters.s3 import S3BlobStore, S3Settings
from postroad.adapters.s3.cache import Cache
from postroad.adapters.s3.layout import checksum_of, encode_head
from postroad.adapters.s3.naming import Location, new_location
from postroad.model.mailbox import BlobRange
from support.faultyproxy import FaultyProxy, faulty_proxy
from support.s3 import S3Server, s3_server

__all__ = ["s3_server"]


def an_object(octets: bytes) -> bytes:
    return encode_head([(0, len(octets), checksum_of([octets]))]) + octets


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def keep(folder: Path, octets: bytes, max_octets: int = 10**6) -> Location:
    location = new_location(1)
    cache = Cache(folder, max_octets, 0)
    cache.store(location.key, an_object(octets))
    cache.close()
    return location


@pytest.mark.parametrize("size", [0, 10, 70_000, 3_000_000])
def test_what_was_kept_is_found_by_another_process(tmp_path: Path, size: int) -> None:
    octets = os.urandom(size)
    location = keep(tmp_path / "deep" / "cache", octets, 10**7)
    found = Cache(tmp_path / "deep" / "cache", 10**7, 0).find([location, new_location(1)])
    assert found == [octets, None]
    kept = [tmp_path / "deep" / "cache", *(tmp_path / "deep" / "cache").rglob("*")]
    assert len(kept) == 3
    assert all(path.stat().st_mode & 0o77 == 0 for path in kept)


@pytest.mark.parametrize("position", [3, 50, 71, 72, 60_000, -1])
def test_damage_is_found_and_thrown_away(tmp_path: Path, position: int) -> None:
    location = keep(tmp_path, os.urandom(100_000))
    (file,) = files(tmp_path)
    octets = bytearray(file.read_bytes())
    octets[position] ^= 1
    file.write_bytes(octets)
    assert Cache(tmp_path, 10**6, 0).find([location]) == [None]
    assert files(tmp_path) == []


@pytest.mark.parametrize("size", [0, 10, 71, 72, 5_000, 99_999])
def test_a_file_that_is_half_written(tmp_path: Path, size: int) -> None:
    location = keep(tmp_path, os.urandom(100_000))
    os.truncate(files(tmp_path)[0], size)
    assert Cache(tmp_path, 10**6, 0).find([location]) == [None]


def test_it_is_bounded_and_the_oldest_go_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1_000_000, 0)
    kept: list[Location] = []
    for number in range(200):
        kept.append(new_location(1))
        cache._store(kept[-1].key, an_object(bytes(20_000)))
        os.utime(cache._path(kept[-1].key), (number, number))  # the order is told by the clock
        assert sum(path.stat().st_size for path in files(tmp_path)) < 1_100_000
    there = [one is not None for one in cache.find(kept)]
    assert there == sorted(there), "the newest stay"
    assert 40 < sum(there) < 55
    cache.close()


def test_what_is_used_stays(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 100_000, 0)
    first = new_location(1)
    cache._store(first.key, an_object(bytes(10_000)))
    for number in range(40):
        old = time.time() - 7000 + number
        os.utime(cache._path(first.key), (old, old))
        assert cache.find([first]) != [None]
        other = new_location(1)
        cache._store(other.key, an_object(bytes(10_000)))
        os.utime(cache._path(other.key), (old, old))
    assert cache.find([first]) != [None]
    cache.close()


def test_room_is_left_to_others(tmp_path: Path) -> None:
    state = os.statvfs(tmp_path)
    cache = Cache(tmp_path, 10**9, state.f_bavail * state.f_frsize + 10**9)
    for _ in range(100):
        cache._written_octets = 10**9
        cache._store(new_location(1).key, an_object(bytes(10_000)))
    assert len(files(tmp_path)) == 1
    cache.close()


def test_what_a_process_left_half_written_goes(tmp_path: Path) -> None:
    keep(tmp_path, b"x")
    (file,) = files(tmp_path)
    left = file.with_name("left.coming")
    left.write_bytes(b"x")
    keep(tmp_path, b"y")
    assert left.exists(), "it may be at it still"
    os.utime(left, (1, 1))
    keep(tmp_path, b"z")
    assert not left.exists()
    assert len(files(tmp_path)) == 3


def test_a_folder_that_cannot_be_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cache").write_bytes(b"a file")
    location = keep(tmp_path / "cache", b"x")
    assert [record.message for record in caplog.records] == [
        "the cache of messages cannot be written"
    ]
    assert Cache(tmp_path / "cache", 10**6, 0).find([location]) == [None]


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3_server.port) as proxy:
        yield proxy


@pytest.fixture
def settings(s3_server: S3Server, proxy: FaultyProxy, tmp_path: Path) -> S3Settings:
    plain = s3_server.settings(s3_server.new_bucket(), endpoint=proxy.endpoint)
    return replace(plain, cache=tmp_path / "cache", cache_octets=10**7)


@pytest.mark.real
async def test_what_was_stored_or_read_is_not_asked_for_again(
    settings: S3Settings, proxy: FaultyProxy, tmp_path: Path
) -> None:
    octets = [os.urandom(size) for size in (10, 70_000, 300_000, 2_000_000)]
    store = S3BlobStore(settings)
    blobs = [await store.put([one]) for one in octets]
    await store.close()
    for _ in range(2):
        store = S3BlobStore(settings)
        proxy.requests.clear()
        assert await store.whole(blobs) == octets
        middle = [BlobRange(blob, 3, 9) for blob in blobs]
        assert await store.read(middle) == [one[3:9] for one in octets]
        assert [await store.size(blob) for blob in blobs] == [len(one) for one in octets]
        assert (
            b"".join([c async for c in store.stream(BlobRange(blobs[3], 0, 10**9))]) == octets[3]
        )
        await store.close()
        assert proxy.requests == []
    for file in files(tmp_path / "cache"):
        file.unlink()
    store = S3BlobStore(settings)
    assert await store.whole(blobs) == octets
    assert proxy.count("GET") == 4
    await store.close()
    store = S3BlobStore(settings)
    assert await store.whole(blobs) == octets
    assert proxy.count("GET") == 4
    await store.close()


@pytest.mark.real
async def test_a_damaged_file_is_fetched_again(
    settings: S3Settings, proxy: FaultyProxy, tmp_path: Path
) -> None:
    store = S3BlobStore(settings)
    blob = await store.put([b"whole"])
    await store.close()
    (file,) = files(tmp_path / "cache")
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    store = S3BlobStore(settings)
    assert await store.whole([blob]) == [b"whole"]
    await store.close()
    store = S3BlobStore(settings)
    assert await store.read([BlobRange(blob, 0, 5)]) == [b"whole"]
    assert proxy.count("GET") == 1
    await store.delete([blob])
    await store.close()
    assert files(tmp_path / "cache") == []


@pytest.mark.real
async def test_a_small_range_makes_the_whole_be_kept(
    settings: S3Settings, proxy: FaultyProxy, tmp_path: Path
) -> None:
    plain = S3BlobStore(replace(settings, cache=None))
    blob = await plain.put([bytes(100_000)])
    store = S3BlobStore(settings)
    assert await store.read([BlobRange(blob, 0, 100)]) == [bytes(100)]
    await store.close()
    store = S3BlobStore(settings)
    assert await store.read([BlobRange(blob, 90_000, 90_100)]) == [bytes(100)]
    assert proxy.count("GET") == 1
    await store.close()
