"""Several processes that serve: what is done once before they start, and what each then does."""

import gc
import logging
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from postroad.app.certificates import load_certificates
from postroad.app.reloading import Source
from postroad.app.seat import Seat, Shared
from postroad.base.errors import Invalid
from postroad.config.checks import split_listener
from postroad.config.loader import effective_hostname
from postroad.config.settings import LogFormat, Settings
from postroad.server.logs import configure, name_worker
from postroad.server.sockets import Sockets
from postroad.server.supervisor import Plan, Supervisor

log = logging.getLogger(__name__)

_SERVICES = ("smtp", "submission", "submissions", "imap", "imaps", "http", "https")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def worker_count(settings: Settings) -> int:
    if settings.workers != "auto":
        return settings.workers
    return usable_cores()


def usable_cores(quota: Path = _QUOTA) -> int:
    """The processors that we may run on; a container's share of time is rounded up."""
    if sys.platform == "linux":
        count = len(os.sched_getaffinity(0))
        with suppress(OSError, ValueError):
            most, period = quota.read_text().split()
            count = min(count, math.ceil(int(most) / int(period)))
        return max(1, count)
    return os.cpu_count() or 1


def of_one_worker(settings: Settings, number: int, count: int) -> Settings:
    """The settings with the part of each limit that worker `number` may use.

    The parts add up to the whole; a part of nothing leaves the work to the others. Limits of
    connections stay as they are: these are counted over all workers.
    """

    def part(limit: int) -> int:
        return limit // count + (number < limit % count)

    limits, queue = settings.limits, settings.delivery.queue
    to_one = part(queue.at_once_per_destination)
    shared = replace(
        queue, at_once=part(queue.at_once) if to_one else 0, at_once_per_destination=to_one
    )
    return replace(
        settings,
        limits=replace(
            limits,
            spool_memory_octets=part(limits.spool_memory_octets),
            snapshot_octets=part(limits.snapshot_octets),
        ),
        delivery=replace(settings.delivery, queue=shared),
    )


def supervise(
    settings: Settings,
    source: Source,
    sockets: Sockets,
    shared: Shared,
    serve: Callable[[Settings, Source, Sockets, Seat, int, Callable[[], None]], None],
    ready: Callable[[], None] | None,
) -> None:
    """Run `serve` in workers until it is time to stop. Raises `Invalid`."""
    count = shared.count
    # What a worker could trip over is looked at here, once and with one voice.
    load_certificates(settings, effective_hostname(settings))
    for name in _SERVICES:
        for address in getattr(settings.listen, name):
            sockets.keep(name, *split_listener(address))
    sockets.refuse_others()

    def work(number: int, lifeline: int, say_ready: Callable[[], None]) -> None:
        name_worker(number)
        gc.enable()
        own = Source(lambda: of_one_worker(source.load(), number, count), source.file)
        seat = Seat(number, shared)
        mine = of_one_worker(settings, number, count)
        serve(mine, own, sockets, seat, lifeline, say_ready)

    def all_ready() -> None:
        log.info("ready", extra={"workers": count})
        if ready is not None:
            ready()

    def reload() -> None:
        with suppress(Invalid):  # the workers tell what is wrong with it
            new = source.load()
            configure(new.log.level.value, as_json=new.log.format is LogFormat.JSON)

    def stop() -> None:
        shared.board.close()
        sockets.close()

    with _frozen():
        Supervisor(
            Plan(
                count=count,
                grace_seconds=settings.shutdown.grace.total_seconds(),
                work=work,
                died=shared.clear,
                ready=all_ready,
                stopping=stop,
                reload=reload,
            )
        ).run()


@contextmanager
def _frozen() -> Iterator[None]:
    """What is there now is shared with the workers, as long as nobody writes to its pages."""
    gc.disable()
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()
