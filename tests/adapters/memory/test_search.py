"""The search index in memory."""

import pytest
from stores.search_contract import SearchIndexContract

from postroad.adapters.memory.search import MemorySearchIndex


class TestMemorySearchIndex(SearchIndexContract):
    @pytest.fixture
    def index(self) -> MemorySearchIndex:
        return MemorySearchIndex()
