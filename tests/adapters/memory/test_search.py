"""The search index in memory."""

import pytest

from postroad.adapters.memory.search import MemorySearchIndex
from stores.search_contract import SearchIndexContract


class TestMemorySearchIndex(SearchIndexContract):
    @pytest.fixture
    def index(self) -> MemorySearchIndex:
        return MemorySearchIndex()
