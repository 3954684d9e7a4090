from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postroad.adapters.s3 import S3BlobStore
from postroad.base.errors import TryLater
from postroad.base.identifiers import new_octets
from postroad.model.ids import BlobId
from postroad.model.mailbox import BlobRange
from stores.blob_contract import FIRST, LARGE, BlobStoreContract, whole
from support.s3 import S3Server, s3_server

__all__ = ["s3_server"]

pytestmark = pytest.mark.real


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    return s3_server.new_bucket()


@pytest.fixture
async def store(s3_server: S3Server, bucket: str) -> AsyncIterator[S3BlobStore]:
    opened = S3BlobStore(s3_server.settings(bucket))  # without a cache, so that all is read there
    yield opened
    await opened.close()


def files(server: S3Server, bucket: str) -> list[Path]:
    folder = server.folder / bucket / "some" / "prefix" / "blobs"
    return sorted(path for path in folder.iterdir() if path.is_file())


class TestS3BlobStore(BlobStoreContract):
    async def test_what_is_larger_than_a_part(self, store: S3BlobStore) -> None:
        octets = LARGE * 20 + b"end"
        blob = await store.put([octets[:7], memoryview(octets)[7:]])
        assert await store.size(blob) == len(octets)
        assert (await store.whole([blob]))[0] == octets
        middle = BlobRange(blob, 9_000_001, 9_000_011)
        assert await store.read([middle]) == [octets[9_000_001:9_000_011]]
        chunks = [chunk async for chunk in store.stream(whole(blob, octets))]
        assert b"".join(chunks) == octets
        assert [fault async for fault in store.scrub()] == []
        assert await store.ids(FIRST, 9) == [blob]

    async def test_all_nodes_see_what_one_stored(
        self, store: S3BlobStore, s3_server: S3Server, bucket: str
    ) -> None:
        other = S3BlobStore(s3_server.settings(bucket))
        blob = await store.put([b"here"])
        assert await other.whole([blob]) == [b"here"]
        await other.delete([blob])
        assert await store.ids(FIRST, 9) == []

    async def test_damage_is_found(
        self, store: S3BlobStore, s3_server: S3Server, bucket: str
    ) -> None:
        kept, hit, cut = [await store.put([octets]) for octets in (b"one", b"two", b"three")]
        for blob, octets in ((hit, b"TWO"), (cut, b"thr")):
            (file,) = [path for path in files(s3_server, bucket) if path.name == blob.hex()]
            file.write_bytes(file.read_bytes()[:72] + octets)
        assert await store.whole([kept]) == [b"one"]
        for blob in (hit, cut):
            with pytest.raises(TryLater):
                await store.whole([blob])
        faults = {fault.blob_id: fault.what async for fault in store.scrub()}
        assert faults == {hit: "the blob is damaged", cut: "the blob is damaged"}

    async def test_a_strange_object_is_told_and_passed_over(
        self, store: S3BlobStore, s3_server: S3Server, bucket: str
    ) -> None:
        blob = await store.put([b"x"])
        files(s3_server, bucket)[0].with_name("strange").write_bytes(b"?")
        assert await store.ids(FIRST, 9) == [blob]
        (fault,) = [fault async for fault in store.scrub()]
        assert (fault.blob_id, fault.place) == (None, "blobs/strange")
        assert await store.ids(BlobId(new_octets()), 9) == []

    async def test_the_bucket_is_checked(self, store: S3BlobStore) -> None:
        assert await store.check() is None
