import pytest

from postroad.adapters.memory.blobs import MemoryBlobStore
from stores.blob_contract import LARGE, BlobStoreContract


@pytest.fixture
def store() -> MemoryBlobStore:
    return MemoryBlobStore()


class TestMemoryBlobStore(BlobStoreContract):
    async def test_compacting_tells_what_was_deleted(self, store: MemoryBlobStore) -> None:
        await store.delete([await store.put([LARGE])])
        assert (await store.compact(), await store.compact()) == (len(LARGE), 0)
