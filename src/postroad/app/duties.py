"""What a serving process does again and again, beside what clients ask for."""

import asyncio
import contextlib
import logging
import socket
from datetime import timedelta

from postroad.app.leases import RENEWED_EVERY, Lease
from postroad.app.program import Program
from postroad.app.reloading import Reloader
from postroad.app.searching import Searching
from postroad.app.services import Services
from postroad.base.errors import MailError, NotFound
from postroad.base.moments import Moment, after
from postroad.core.queue.scheduler import Scheduler
from postroad.model.directory import Account
from postroad.model.ids import AccountId
from postroad.model.principal import Principal
from postroad.server.listener import Listeners

log = logging.getLogger(__name__)

_SHORTEST_WAIT_SECONDS = 0.01
_LONGEST_WAIT_SECONDS = 30.0
_GIVE_BACK_SECONDS = 2


class Duties:
    def __init__(
        self,
        program: Program,
        services: Services,
        searching: Searching,
        listeners: Listeners,
        reloader: Reloader,
    ) -> None:
        self._program = program
        self._services = services
        self._searching = searching
        self._listeners = listeners
        self._reloader = reloader
        self._stopping = False
        self._changes_by_guests = 0
        self._is_alone = True
        self.queue_sizes: dict[str, int] = {}
        self.warnings: list[str] = []
        self._upkeep = Lease("upkeep", program.leases, program.clock)
        # Each node has an index of its own, in its data folder.
        here = f"{socket.gethostname()}:{program.settings.data_dir.absolute()}"
        self._indexing = Lease(f"search index {here}", program.leases, program.clock)

    async def start(self, *, is_alone: bool) -> None:
        """For those that one process is enough for, it takes leases unless it is alone.

        That is, there is no other worker, and no other node.
        """
        with contextlib.suppress(MailError):
            await self._look_for_weaknesses()
        tasks, every = self._program.tasks, self._program.tasks.every
        scheduler, transport = self._services.scheduler, self._services.transport
        tasks.keep("queue", lambda: self._work_queue(scheduler))
        every("deadlines", timedelta(seconds=5), self._check_deadlines)
        every("leases", timedelta(seconds=20), scheduler.renew)
        every("changes by others", timedelta(seconds=1), self._look_for_changes)
        every("queue sizes", timedelta(seconds=10), self._count_queue)
        every("weaknesses", timedelta(minutes=5), self._look_for_weaknesses)
        every("reload", timedelta(seconds=5), self._reloader.look)
        every("upkeep", timedelta(minutes=30), self._keep_up)
        every("search index", timedelta(seconds=2), self._index)
        self._is_alone = is_alone
        if is_alone:
            self._upkeep.is_held = self._indexing.is_held = True
            await self._searching.start()
        else:
            await self._renew()
            every("duties", RENEWED_EVERY, self._renew)
        if transport is not None:
            every("idle connections", timedelta(seconds=10), transport.drop_idle)

    def stop(self) -> None:
        """Take nothing more from the queue."""
        self._stopping = True

    async def give_back(self) -> None:
        """The others need not wait until the leases lapse, nor the end for the database."""
        for lease in () if self._is_alone else (self._upkeep, self._indexing):
            with contextlib.suppress(MailError, TimeoutError):
                async with asyncio.timeout(_GIVE_BACK_SECONDS):
                    await lease.give_back()

    async def finish_deliveries(self, grace_seconds: float) -> None:
        """What is cut off between its last octet and the reply would be sent twice."""
        scheduler, wake = self._services.scheduler, self._program.bus.queue
        scheduler.tells_every_end = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                while scheduler.in_flight:
                    wake.clear()
                    await wake.wait()

    async def _check_deadlines(self) -> None:
        self._program.metrics.beat()
        await self._listeners.check_deadlines()

    # The queue

    async def _work_queue(self, scheduler: Scheduler) -> None:
        """Start what is due, then wait for the next due time or for something new."""
        wake = self._program.bus.queue
        while not self._stopping:
            wake.clear()
            try:
                due = await scheduler.work()
            except MailError as error:
                log.warning("the queue waits", extra={"why": str(error)})
                due = after(self._program.clock.now(), timedelta(seconds=5))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._seconds_until(due)):
                    await wake.wait()

    def _seconds_until(self, due: Moment | None) -> float:
        if due is None:
            return _LONGEST_WAIT_SECONDS
        seconds = (due - self._program.clock.now()) / 1_000_000
        return min(max(seconds, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)

    async def _count_queue(self) -> None:
        self.queue_sizes = await self._program.queue.sizes()

    async def _look_for_weaknesses(self) -> None:
        found = [one.what for one in await self._program.engine.weaknesses()]
        for what in found:
            if what not in self.warnings:
                log.warning("the database is not as safe as it could be", extra={"why": what})
        self.warnings = found

    # What one process does for all

    async def _renew(self) -> None:
        if self._stopping:
            return
        await self._upkeep.renew()
        if await self._indexing.renew():
            await self._searching.start()

    async def _index(self) -> None:
        if self._indexing.is_held:
            await self._searching.work()

    async def _keep_up(self) -> None:
        if not self._upkeep.is_held:
            return
        done = await self._services.upkeep.run()
        if any(done.values()):
            log.info("upkeep done", extra=done)

    # What others wrote

    async def _look_for_changes(self) -> None:
        """Notice what another process, such as the command line, has written."""
        bus = self._program.bus
        has_missed = bus.has_missed()
        changes = await self._program.engine.changes_by_guests()
        if changes == self._changes_by_guests and not has_missed:
            return
        self._changes_by_guests = changes
        bus.announce_all()
        bus.wake_queue()
        await self._end_void_sessions()

    async def _end_void_sessions(self) -> None:
        """Close the sessions of accounts that were disabled, removed, or got another password."""
        known: dict[AccountId, Account | None] = {}
        for connection in self._listeners.connections():
            conversation = connection.conversation
            principal = None if conversation is None else conversation.principal
            if principal is None:
                continue
            account = principal.account_id
            if account not in known:
                known[account] = await self._load(account)
            if _is_void(principal, known[account]):
                connection.disconnect()

    async def _load(self, account: AccountId) -> Account | None:
        try:
            return await self._program.directory.load_account(account)
        except NotFound:
            return None


def _is_void(principal: Principal, now: Account | None) -> bool:
    """Whether what proved this principal holds no more."""
    return now is None or now.disabled or now.auth_version != principal.account.auth_version
