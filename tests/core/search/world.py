"""An account's mail in memory, with a search over it and an index that is brought forward."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar, cast

from postroad.adapters.memory.blobs import MemoryBlobStore
from postroad.core.mailbox.cache import SnapshotCache
from postroad.core.message.prepared import new_email
from postroad.core.search.indexer import Indexer
from postroad.core.search.service import TextSearch
from postroad.formats.mime.prepare import prepare
from postroad.model.ids import AccountId, BlobId, EmailId, MailboxId, MailboxName, Uid
from postroad.model.mailbox import Flags
from postroad.ports.tasks import Tasks
from postroad.stores.mail import MailStore
from postroad.stores.search import SearchIndex
from sessions.imap.memory import NOW, MemoryMail

T = TypeVar("T")

ALICE = AccountId(1)


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


class SearchedMail(MemoryMail):
    async def emails_after(
        self, account: AccountId, after: EmailId, limit: int
    ) -> list[tuple[EmailId, bytes, bytes, int]]:
        return [
            (key, bytes(email.blob_id), email.prepared.part_table, email.size)
            for key, email in sorted(self.emails.items())
            if key > after
        ][:limit]


class World:
    def __init__(self, index: SearchIndex | None) -> None:
        self.mail = SearchedMail()
        self.blobs = MemoryBlobStore()
        self.behind: list[AccountId] = []
        self.index = index
        store = cast("MailStore", self.mail)  # it is one as far as searching goes
        self.search = TextSearch(
            store, self.blobs, SnapshotCache(store), Inline(), index, self.behind.append
        )
        self.indexer = Indexer(store, self.blobs, index, Inline()) if index else None
        self.inbox = MailboxId(0)

    async def add(self, *messages: bytes) -> list[Uid]:
        if not self.inbox:
            made = await self.mail.create_mailbox(ALICE, MailboxName("INBOX"), None)
            self.inbox = made.mailbox_id
        uids: list[Uid] = []
        for octets in messages:
            blob = await self.blobs.put([octets])
            email = new_email(prepare(octets), blob, NOW, None)
            appended = await self.mail.append(
                ALICE, self.inbox, [(email, Flags.NONE, frozenset())]
            )
            uids += appended.uids
        return uids

    async def bring_forward(self) -> None:
        assert self.indexer is not None
        self.indexer.wake(ALICE)
        await self.indexer.work()

    def uids(self) -> list[Uid]:
        return [Uid(uid) for uid in self.mail.messages[self.inbox]]

    def blob(self, uid: int) -> BlobId:
        return self.mail.emails[self.mail.messages[self.inbox][uid].email_id].blob_id

    async def header(self, field: str, text: str) -> list[int]:
        return [*await self.search.with_header(ALICE, self.inbox, self.uids(), field, text)]

    async def body(self, text: str) -> list[int]:
        return [
            *await self.search.with_text(ALICE, self.inbox, self.uids(), text, in_header=False)
        ]

    async def text(self, text: str) -> list[int]:
        return [*await self.search.with_text(ALICE, self.inbox, self.uids(), text, in_header=True)]
