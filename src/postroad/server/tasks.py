"""Tasks that the server owns: none is lost, every error is logged once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

from postroad.base.errors import TryLater
from postroad.ports.tasks import Tasks

T = TypeVar("T")
log = logging.getLogger(__name__)


class ServerTasks(Tasks):
    """An async context: jobs run inside it, and what still runs at its end is cancelled."""

    def __init__(self, threads: int = 2) -> None:
        self._group = asyncio.TaskGroup()
        self._threads = ThreadPoolExecutor(threads, "offload")
        self._running: set[asyncio.Task[Any]] = set()  # Any: jobs return all sorts of things

    async def __aenter__(self) -> "ServerTasks":
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *exc_info: Any) -> None:  # Any: as contextlib has it
        for task in list(self._running):
            task.cancel()
        try:
            await self._group.__aexit__(None, None, None)
        finally:
            self._threads.shutdown(wait=True, cancel_futures=True)

    async def together(
        self, jobs: Sequence[Callable[[], Awaitable[T]]], deadline: timedelta
    ) -> list[T | None]:
        results: list[T | None] = [None] * len(jobs)

        async def run(place: int, job: Callable[[], Awaitable[T]]) -> None:
            try:
                results[place] = await job()
            except Exception:
                log.exception("a job failed")

        try:
            async with asyncio.timeout(deadline.total_seconds()), asyncio.TaskGroup() as group:
                for place, job in enumerate(jobs):
                    group.create_task(run(place, job))
        except TimeoutError:
            log.info("jobs were not done by their deadline")
        return results

    async def offload(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)

    def start(
        self,
        name: str,
        job: Callable[[], Awaitable[None]],
        *instead: Callable[[], Awaitable[None]],
    ) -> None:
        async def run() -> None:
            for one in (job, *instead):
                if await _logged(name, one):
                    return

        self.spawn(name, run())

    def keep(
        self,
        name: str,
        job: Callable[[], Awaitable[None]],
        pause: timedelta = timedelta(seconds=5),
    ) -> None:
        """Run a job that lasts, and again some time after it failed: the server needs it."""

        async def run() -> None:
            while True:
                if await _logged(name, job):
                    return
                await asyncio.sleep(pause.total_seconds())

        self.spawn(name, run())

    def spawn(self, name: str, coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run a coroutine that handles its own errors."""
        task = self._group.create_task(coroutine, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def every(self, name: str, interval: timedelta, job: Callable[[], Awaitable[None]]) -> None:
        async def repeat() -> None:
            while True:
                await asyncio.sleep(interval.total_seconds())
                await _logged(name, job)

        self.spawn(name, repeat())


async def _logged(name: str, job: Callable[[], Awaitable[None]]) -> bool:
    """Whether the job came to its end."""
    try:
        await job()
    except TryLater as error:
        log.warning("a job waits", extra={"job": name, "why": str(error)})
        return False
    except Exception:
        log.exception("a job failed", extra={"job": name})
        return False
    return True
