"""The stores in memory."""

import pytest

from postroad.adapters.memory.directory import MemoryDirectoryStore
from postroad.adapters.memory.leases import MemoryLeaseStore
from postroad.adapters.memory.mail import MemoryMailStore
from postroad.adapters.memory.metadata import MemoryMetadataStore
from postroad.adapters.memory.nodes import MemoryNodeStore
from postroad.adapters.memory.queue import MemoryQueueStore
from postroad.adapters.memory.references import MemoryReferenceStore
from postroad.adapters.memory.sharing import MemorySharingStore
from postroad.adapters.memory.state import MemoryState
from postroad.adapters.memory.urlkeys import MemoryUrlKeyStore
from postroad.adapters.memory.virtual import MemoryVirtualStore
from stores.making import Stores


@pytest.fixture
def state() -> MemoryState:
    return MemoryState()


@pytest.fixture
def stores(state: MemoryState) -> Stores:
    return Stores(
        MemoryMailStore(state),
        MemoryDirectoryStore(state),
        MemoryQueueStore(state),
        MemoryReferenceStore(state),
        MemorySharingStore(state),
        MemoryLeaseStore(state),
        MemoryMetadataStore(state),
        MemoryUrlKeyStore(state),
        MemoryVirtualStore(state),
        MemoryNodeStore(state),
    )
