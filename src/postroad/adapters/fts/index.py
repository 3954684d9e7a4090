"""`FtsSearchIndex`: the search index over SQLite FTS5, in threads of its own."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from postroad.adapters.fts.database import Database
from postroad.adapters.fts.shelf import DAMAGED, Shelf
from postroad.base.errors import LowSpace, TryLater
from postroad.model.ids import AccountId, EmailId
from postroad.stores.search import EVERYTHING, Candidates, MessageText, Ranked, Scope, SearchIndex

T = TypeVar("T")


class FtsSearchIndex(SearchIndex):
    """Files `<account_id>.db` in `folder`, at most `max_open` of them open (about 1 MB each)."""

    def __init__(self, folder: Path, *, max_open: int = 16, threads: int = 2) -> None:
        self._shelf = Shelf(folder, max_open)
        self._threads = ThreadPoolExecutor(threads, "search-index")
        self._closed = False

    async def index(
        self,
        account: AccountId,
        after: EmailId,
        texts: Sequence[MessageText],
        up_to: EmailId,
    ) -> EmailId:
        return await self._in_thread(
            lambda: _use(self._shelf, account, lambda file: file.index(after, texts, up_to))
        )

    async def remove(self, account: AccountId, email_ids: Sequence[EmailId]) -> None:
        await self._if_there(account, lambda file: file.remove(email_ids), None)

    async def indexed_up_to(self, account: AccountId) -> EmailId:
        return await self._if_there(account, Database.indexed_up_to, EmailId(0))

    async def candidates(
        self, account: AccountId, needle: str, scope: Scope, within: range = EVERYTHING
    ) -> Candidates | None:
        return await self._if_there(
            account, lambda file: file.candidates(needle, scope, within), None
        )

    async def with_field(
        self,
        account: AccountId,
        field: str,
        needle: str,
        among: Sequence[EmailId] | range = EVERYTHING,
    ) -> Candidates | None:
        return await self._if_there(
            account, lambda file: file.with_field(field, needle, among), None
        )

    async def ranked(
        self, account: AccountId, words: Sequence[str], *, in_header: bool
    ) -> Ranked | None:
        return await self._if_there(
            account, lambda file: file.ranked(words, in_header=in_header), None
        )

    async def forget(self, account: AccountId) -> None:
        await self._in_thread(lambda: self._shelf.remove(account))

    async def close(self) -> None:
        """Finish what is under way and close the files."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._threads.shutdown()
        self._shelf.close()

    async def _if_there(
        self, account: AccountId, work: Callable[[Database], T], otherwise: T
    ) -> T:
        """Ask an account's file, but do not make one for a question."""
        shelf = self._shelf
        return await self._in_thread(
            lambda: _use(shelf, account, work) if shelf.has(account) else otherwise
        )

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise TryLater("the search index is closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _use(shelf: Shelf, account: AccountId, work: Callable[[Database], T]) -> T:
    """Work on an account's file; where it is damaged, once more on a new one."""
    try:
        try:
            with shelf.borrow(account) as file:
                return work(file)
        except DAMAGED:
            with shelf.borrow(account) as file:
                return work(file)
    except apsw.FullError as error:
        raise LowSpace(f"the search index: {error}") from error
    except (apsw.Error, OSError) as error:
        raise TryLater(f"the search index: {error}") from error
