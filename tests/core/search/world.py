"""An account's mail in memory, with a search over it and an index that is brought forward."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from postroad.core.mailbox.cache import SnapshotCache
from postroad.core.search.indexer import Indexer
from postroad.core.search.service import TextSearch
from postroad.model.comparator import Comparator
from postroad.model.ids import AccountId, BlobId, MailboxId, MailboxName, Uid
from postroad.ports.tasks import Tasks
from postroad.stores.search import SearchIndex
from sessions.imap.memory import MemoryMail

T = TypeVar("T")

ALICE = AccountId(1)
DEFAULT = Comparator.UNICODE


class Inline(Tasks):
    """Does everything at once."""

    async def together(
        self, jobs: Sequence[Callable[[], Awaitable[T]]], deadline: timedelta
    ) -> list[T | None]:
        return [await job() for job in jobs]

    async def offload(self, function: Callable[[], T]) -> T:
        return function()

    def start(
        self,
        name: str,
        job: Callable[[], Awaitable[None]],
        *instead: Callable[[], Awaitable[None]],
    ) -> None:
        raise NotImplementedError

    def every(self, name: str, interval: timedelta, job: Callable[[], Awaitable[None]]) -> None:
        raise NotImplementedError


class World:
    def __init__(self, index: SearchIndex | None) -> None:
        self.mail = MemoryMail()
        self.blobs = self.mail.blobs
        self.behind: list[AccountId] = []
        self.index = index
        self.search = TextSearch(
            self.mail, self.blobs, SnapshotCache(self.mail), Inline(), index, self.behind.append
        )
        self.indexer = Indexer(self.mail, self.blobs, index, Inline()) if index else None
        self.inbox = MailboxId(0)

    async def add(self, *messages: bytes) -> list[Uid]:
        if not self.inbox:
            made = await self.mail.create_mailbox(ALICE, MailboxName("INBOX"), None)
            self.inbox = made.mailbox_id
        uids: list[Uid] = []
        for octets in messages:
            uids += (await self.mail.put(self.inbox, octets)).uids
        return uids

    async def bring_forward(self) -> None:
        assert self.indexer is not None
        self.indexer.wake(ALICE)
        await self.indexer.work()

    def uids(self) -> list[Uid]:
        return [Uid(uid) for uid in self.mail.box().placed]

    def blob(self, uid: int) -> BlobId:
        return self.mail.box().placed[uid].email.new.blob_id

    async def header(self, field: str, text: str, how: Comparator = DEFAULT) -> list[int]:
        return [*await self.search.with_header(ALICE, self.inbox, self.uids(), field, text, how)]

    async def body(self, text: str, how: Comparator = DEFAULT) -> list[int]:
        return await self._found(text, how, in_header=False)

    async def text(self, text: str, how: Comparator = DEFAULT) -> list[int]:
        return await self._found(text, how, in_header=True)

    async def _found(self, text: str, how: Comparator, *, in_header: bool) -> list[int]:
        found = await self.search.with_text(
            ALICE, self.inbox, self.uids(), text, how, in_header=in_header
        )
        return [*found]
