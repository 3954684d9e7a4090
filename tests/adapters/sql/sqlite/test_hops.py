"""Beside a busy loop a store call waits for the loop once, and its statements are few.

A thread that steps through rows one by one waits for the loop's turn at each. So what is counted
here does not depend on the machine: wake-ups of the loop, and statements.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeVar

import pytest

from postroad.adapters.sql.directory.store import SqlDirectoryStore
from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.leases import SqlLeaseStore
from postroad.adapters.sql.metadata import SqlMetadataStore
from postroad.adapters.sql.migrations import Dialect
from postroad.adapters.sql.nodes import SqlNodeStore
from postroad.adapters.sql.queue.store import SqlQueueStore, SqlReferenceStore
from postroad.adapters.sql.sharing import SqlSharingStore
from postroad.adapters.sql.sqlite.engine import SqliteEngine
from postroad.adapters.sql.statement import Operation, Rows, Step, Steps
from postroad.adapters.sql.store import SqlMailStore
from postroad.adapters.sql.urlkeys import SqlUrlKeyStore
from postroad.adapters.sql.virtual import SqlVirtualStore
from postroad.base.moments import Moment
from postroad.model.ids import AccountId, EmailId, MailboxId, ModSeq, Uid
from postroad.model.mailbox import Column, FlagAction, FlagChange, Flags
from postroad.model.queue import QueueFilter
from stores.making import DOMAIN, INBOX, NOW, Stores, arrival, delivery, email, submission

T = TypeVar("T")
Call = Callable[[Stores, "Place"], Awaitable[object]]


@dataclass
class Place:
    account: AccountId
    source: MailboxId
    target: MailboxId
    uids: list[Uid]
    since: ModSeq


_VIEWER = AccountId(99)
SEEN = FlagChange(FlagAction.ADD, Flags.SEEN, frozenset())
DELETED = FlagChange(FlagAction.ADD, Flags.DELETED, frozenset())
CALLS: dict[str, Call] = {
    "placements": lambda on, at: on.mail.placements(at.account, at.source),
    "changes": lambda on, at: on.mail.changes(at.account, at.source, at.since),
    "rows": lambda on, at: on.mail.rows(at.account, at.source, at.uids, list(Column)),
    "octets": lambda on, at: on.mail.octets_of(at.account, at.source, at.uids, [Column.BODY]),
    "placements of a viewer": lambda on, at: on.mail.placements(at.account, at.source, _VIEWER),
    "changes for a viewer": lambda on, at: on.mail.changes(
        at.account, at.source, at.since, _VIEWER
    ),
    "store of a viewer": lambda on, at: on.mail.store_flags(
        at.account, at.source, at.uids, SEEN, None, _VIEWER
    ),
    "mailboxes": lambda on, at: on.mail.mailboxes(at.account),
    "find": lambda on, at: on.mail.find_mailbox(at.account, INBOX),
    "counts": lambda on, at: on.mail.counts(at.account, at.source),
    "quota": lambda on, at: on.mail.quota(at.account),
    "emails": lambda on, at: on.mail.emails_after(at.account, EmailId(0), 100),
    "subscriptions": lambda on, at: on.mail.subscriptions(at.account),
    "store": lambda on, at: on.mail.store_flags(at.account, at.source, at.uids, DELETED),
    "copy": lambda on, at: on.mail.copy(at.account, at.uids, at.source, at.target),
    "expunge": lambda on, at: on.mail.expunge(at.account, at.source, at.uids),
    "move": lambda on, at: on.mail.move(at.account, at.uids, at.source, at.target),
    "delete": lambda on, at: on.mail.delete_mailbox(at.account, at.target),
    "append": lambda on, at: on.mail.append(at.account, at.target, [arrival()]),
    "deliver": lambda on, at: on.mail.deliver([delivery(at.account, email())]),
    "recipient": lambda on, _: on.directory.find_recipient("user10", DOMAIN),
    "credentials": lambda on, _: on.directory.credentials_of(f"user10@{DOMAIN}"),
    "key": lambda on, _: on.directory.find_program(b"none"),
    "submit": lambda on, at: on.queue.submit(at.account, [submission(key="k")], []),
    "claim": lambda on, _: on.queue.claim_due(NOW, Moment(NOW + 1), 10, ["busy.test"], 1),
    "due": lambda on, _: on.queue.next_due_at(),
    "sizes": lambda on, _: on.queue.sizes(),
    "waiting": lambda on, _: on.queue.waiting(QueueFilter(), 10),
    "garbage": lambda on, _: on.references.garbage(10),
}


class CountingEngine(Engine):
    """Counts the statements that operations run."""

    dialect = Dialect.SQLITE

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.statements = 0
        self.rows = 0

    async def write(self, operation: Operation[T]) -> T:
        return await self._engine.write(lambda: self._counted(operation))

    async def read(self, operation: Operation[T]) -> T:
        return await self._engine.read(lambda: self._counted(operation))

    def _counted(self, operation: Operation[T]) -> Steps[T]:
        steps = operation()
        rows: Rows = []
        try:
            step: Step = next(steps)
            while True:
                self.statements += 1
                rows = yield step
                self.rows += len(rows)
                step = steps.send(rows)
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def changes_by_guests(self) -> int:
        return await self._engine.changes_by_guests()

    async def check(self) -> list[str]:
        return await self._engine.check()

    async def close(self) -> None:
        await self._engine.close()


@contextmanager
def counted_hops(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How often other threads woke the loop, as the one number in the list."""
    loop, hops = asyncio.get_running_loop(), [0]
    wake = loop.call_soon_threadsafe

    def counting(*args: object, **more: object) -> object:
        hops[0] += 1
        return wake(*args, **more)  # type: ignore[arg-type]  # handed through

    with monkeypatch.context() as patch:
        patch.setattr(loop, "call_soon_threadsafe", counting)
        yield hops


@asynccontextmanager
async def busy_loop(seconds: float = 0.005) -> AsyncIterator[None]:
    """The loop has work of 5 ms again and again, like a server under load.

    Threads ask for their turn after 1 ms, as in the server. Were that longer than the work, they
    could starve: a loop that lets go shortly, and often, wakes them, and is back before they are.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.001)
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def work() -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass
        if not stopped.is_set():
            loop.call_soon(work)

    loop.call_soon(work)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        stopped.set()
        await asyncio.sleep(0)


async def place(stores: Stores, count: int) -> Place:
    account = await stores.account(f"user{count}")
    source, target = await stores.mailbox(account), await stores.mailbox(account, "Sent")
    uids = await stores.fill(account, source.mailbox_id, count)
    await stores.mail.copy(account, uids[:1], source.mailbox_id, target.mailbox_id)
    return Place(account, source.mailbox_id, target.mailbox_id, uids, source.mod_seq)


async def test_a_mailbox_is_read_in_few_rows(stores: Stores, engine: SqliteEngine) -> None:
    at = await place(stores, 3000)
    counting = CountingEngine(engine)
    _, placements = await SqlMailStore(counting).placements(at.account, at.source)
    assert list(placements.uids) == at.uids
    assert counting.rows == 2


@pytest.mark.parametrize("name", CALLS)
async def test_one_call_is_one_wake_up(
    stores: Stores, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await place(stores, 1000)
    async with busy_loop():
        with counted_hops(monkeypatch) as hops:
            await CALLS[name](stores, at)
    assert hops == [1]


@pytest.mark.parametrize("name", CALLS)
async def test_many_messages_cost_no_more_statements(
    stores: Stores, engine: SqliteEngine, name: str
) -> None:
    counting = CountingEngine(engine)
    counted = Stores(
        SqlMailStore(counting),
        SqlDirectoryStore(counting),
        SqlQueueStore(counting),
        SqlReferenceStore(counting),
        SqlSharingStore(counting),
        SqlLeaseStore(counting),
        SqlMetadataStore(counting),
        SqlUrlKeyStore(counting),
        SqlVirtualStore(counting),
        SqlNodeStore(counting),
    )
    costs = []
    for count in (10, 1000):
        at = await place(stores, count)
        counting.statements = 0
        await CALLS[name](counted, at)
        costs.append(counting.statements)
    assert costs[0] == costs[1]
    assert costs[0] <= 12


async def test_what_is_asked_together_is_answered_together(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await place(stores, 1)
    async with busy_loop():
        with counted_hops(monkeypatch) as hops:
            await asyncio.gather(
                *(stores.mail.deliver([delivery(at.account, email())]) for _ in range(100))
            )
    assert hops[0] <= 50, "a busy server gathers"
