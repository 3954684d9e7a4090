"""The search index and what keeps it up."""

from postroad.adapters.fts.index import FtsSearchIndex
from postroad.app.program import Program
from postroad.core.search.indexer import Indexer


class Searching:
    """One index for all accounts, in files of its own that may be deleted at any time."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.index = FtsSearchIndex(program.settings.below_data("search"))
        self.indexer = Indexer(program.mail, program.blobs, self.index, program.tasks)
        program.bus.watch_all(self.indexer.note)

    async def start(self) -> None:
        """Look at every account once: mail may have come that was never indexed."""
        for account in await self._program.directory.accounts():
            self.indexer.wake(account.account_id)

    async def work(self) -> None:
        await self.indexer.work()

    async def close(self) -> None:
        await self.index.close()
