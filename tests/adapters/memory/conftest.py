"""The stores in memory."""

import pytest

pytest.register_assert_rewrite("stores")

from stores.making import Stores  # noqa: E402  # after the line above, or it has no effect

from postroad.adapters.memory.directory import MemoryDirectoryStore  # noqa: E402
from postroad.adapters.memory.mail import MemoryMailStore  # noqa: E402
from postroad.adapters.memory.queue import MemoryQueueStore  # noqa: E402
from postroad.adapters.memory.references import MemoryReferenceStore  # noqa: E402
from postroad.adapters.memory.state import MemoryState  # noqa: E402


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
    )
