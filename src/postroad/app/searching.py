"""The search index and what keeps it up."""

from postroad.adapters.bus.siblings import SiblingBus
from postroad.adapters.fts.index import FtsSearchIndex
from postroad.app.program import Program
from postroad.core.search.indexer import Indexer
from postroad.model.ids import AccountId

_BUSY = 100  # changes between two looks: while there are more, the indexer stands back
_LONGEST_BACK = 15  # looks in a row
_TOPIC = "to be indexed"


class Searching:
    """One index for all accounts, in files of its own that may be deleted at any time.

    Indexing competes with taking mail in for the interpreter, and what is not indexed yet is
    found all the same; so it waits while mail pours in, though not for ever. Where several
    processes serve, one of them indexes: `start` and `work` are its duty.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self.index = FtsSearchIndex(program.settings.below_data("search"))
        self.indexer = Indexer(program.mail, program.blobs, self.index, program.tasks)
        self._changes = 0
        self._stood_back = 0
        program.bus.watch_all(self._note)
        if isinstance(program.bus, SiblingBus):
            program.bus.hear(_TOPIC, self._hear)

    async def start(self) -> None:
        """Look at every account once: mail may have come that was never indexed."""
        for account in await self._program.directory.accounts():
            self.indexer.wake(account.account_id)

    async def work(self) -> None:
        """Index what waits; to be called every few seconds."""
        is_busy, self._changes = self._changes > _BUSY, 0
        if is_busy and self._stood_back < _LONGEST_BACK:
            self._stood_back += 1
            return
        self._stood_back = 0
        await self.indexer.work()

    def wake(self, account: AccountId) -> None:
        """Index what an account has soon, whichever process has the duty."""
        self.indexer.wake(account)
        if isinstance(self._program.bus, SiblingBus):
            self._program.bus.tell(_TOPIC, account)

    def _hear(self, values: list[str | int]) -> None:
        self.indexer.wake(AccountId(int(values[0])))

    def _note(self, account: AccountId) -> None:
        self._changes += 1
        self.indexer.note(account)

    async def close(self) -> None:
        await self.index.close()
