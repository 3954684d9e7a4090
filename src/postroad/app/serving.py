"""Serving: listeners, duties in the background, reloads, and an orderly end."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing

from starlette.types import ASGIApp

from postroad.adapters.bus.siblings import SiblingBus
from postroad.adapters.shared.census import CONNECTIONS
from postroad.adapters.web.fetcher import WebFetcher
from postroad.app.certificates import load_certificates
from postroad.app.database import database_of
from postroad.app.duties import Duties
from postroad.app.linking import link_of
from postroad.app.lock import serving_alone
from postroad.app.membership import REPORTED_EVERY, Membership
from postroad.app.program import (
    Program,
    initialise,
    make_folder,
    open_program,
)
from postroad.app.protocols import mail_services, spools
from postroad.app.reloading import Reloader, Source
from postroad.app.searching import Searching
from postroad.app.seat import Seat, share
from postroad.app.services import Services, build_services
from postroad.app.workers import supervise, worker_count
from postroad.base.errors import MailError
from postroad.base.identifiers import new_uuid
from postroad.config.checks import split_listener
from postroad.config.settings import LogFormat, Settings
from postroad.core.mailbox.undelete import Undelete
from postroad.http.contract.api import ApiLimits
from postroad.http.rest.application import build
from postroad.http.rest.services import Operations, RestServices
from postroad.server.listener import ConnectionLimits, Listeners
from postroad.server.logs import configure
from postroad.server.openfiles import allow_open_files
from postroad.server.sockets import Sockets, handed_over
from postroad.server.web import MAX_CONNECTIONS, WebServer

log = logging.getLogger(__name__)

_COLLECT_AFTER = (20_000, 20, 20)
_SWITCH_SECONDS = 0.0002
_OTHER_FILES = 2_000  # blobs, spools, databases, HTTP and outgoing connections


def run(
    settings: Settings,
    *,
    source: Source | None = None,
    ready: Callable[[], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. Raises `Invalid` for what cannot be started.

    `source` is where changed settings come from, `ready` is called once all listeners are open.
    """
    configure(settings.log.level.value, as_json=settings.log.format is LogFormat.JSON)
    _allow_connections(settings.limits.connections)
    # Threads that step through rows get the interpreter sooner (DESIGN.md section 4).
    sys.setswitchinterval(_SWITCH_SECONDS)
    make_folder(settings)
    with serving_alone(settings):
        if database_of(settings).ended_suddenly():
            log.warning(
                "the database was left open; all that was acknowledged is kept",
                extra={"why": "the last run ended suddenly, or another command is at work"},
            )
        asyncio.run(initialise(settings))
        source = source or Source(lambda: settings, None)
        count = worker_count(settings)
        with closing(handed_over(os.environ)) as sockets:
            if count == 1:
                with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                    runner.run(_serve(settings, source, sockets, ready))
            else:
                with closing(share(count)) as shared:
                    supervise(settings, source, sockets, shared, _work, ready)


def _work(
    settings: Settings,
    source: Source,
    sockets: Sockets,
    seat: Seat,
    lifeline: int,
    ready: Callable[[], None],
) -> None:
    """In a worker's process: serve until SIGTERM, or until the supervisor is gone."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, source, sockets, ready, seat, lifeline))


def _allow_connections(connections: int) -> None:
    wanted = connections + _OTHER_FILES
    allowed = allow_open_files(wanted)
    if allowed < wanted:
        log.warning(
            "fewer connections are possible than limits.connections says: raise the limit of "
            "open files (LimitNOFILE, ulimit -n)",
            extra={"open_files": allowed, "wanted": wanted},
        )


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


async def _serve(
    settings: Settings,
    source: Source,
    sockets: Sockets,
    ready: Callable[[], None] | None,
    seat: Seat | None = None,
    lifeline: int | None = None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    if lifeline is not None:
        loop.add_reader(lifeline, _end_without_supervisor, loop, lifeline, stop)
    async with open_program(settings, seat=seat, is_guest=False) as program:
        await Server(program, source, sockets, seat).serve(stop, ready)


def _end_without_supervisor(
    loop: asyncio.AbstractEventLoop, lifeline: int, stop: asyncio.Event
) -> None:
    loop.remove_reader(lifeline)
    log.warning("the supervisor is gone, so this worker ends as well")
    stop.set()


class Server:
    def __init__(
        self, program: Program, source: Source, sockets: Sockets, seat: Seat | None
    ) -> None:
        """`seat` is that of a worker beside others; None: this process is alone."""
        self._program = program
        self._source = source
        self._sockets = sockets
        self._seat = seat
        self._certificates = load_certificates(program.settings, program.hostname)
        self._census = None if seat is None else seat.census()
        self._listeners = Listeners(
            program.tasks,
            self._certificates.context,
            program.bus.watch,
            ConnectionLimits(
                program.settings.limits.connections,
                program.settings.limits.connections_per_address,
            ),
            sockets.take,
            self._census,
            self._census,
            users_tls=self._certificates.asking,
            end_point=lambda: self._certificates.end_point,
        )
        self._stopping = False
        self._duties: Duties | None = None

    async def serve(self, stop: asyncio.Event, ready: Callable[[], None] | None) -> None:
        program, settings = self._program, self._program.settings
        searching = Searching(program)
        services = build_services(program, spools(program), searching)
        count = 1 if self._seat is None else self._seat.shared.count
        web = WebServer(
            self._api(services),
            self._certificates.context,
            self._sockets.take,
            MAX_CONNECTIONS // count,
        )
        web.listen(
            [split_listener(one) for one in settings.listen.http],
            [split_listener(one) for one in settings.listen.https],
        )
        for service in mail_services(program, services):
            await self._listeners.start(service)
        reloader = Reloader(
            settings, self._source, self._certificates, self._listeners, services.scheduler
        )
        self._sockets.refuse_others()
        duties = self._duties = Duties(program, services, searching, self._listeners, reloader)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.reload)
        node = new_uuid() if self._seat is None else self._seat.shared.node
        has_nodes = self._open_bus(node)
        if self._census is not None:
            self._census.serve()
            reloader.reload()  # a worker begins with what held when its supervisor began
        await duties.start(is_alone=self._seat is None and not has_nodes)
        membership = self._join(node, count)
        serving = program.tasks.spawn("web", web.serve())
        # What is there now stays: the collector need not look at it again, nor so often at all,
        # since a look holds every client up.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)
        log.info(
            "ready", extra={"hostname": program.hostname, "delivery": settings.delivery.mode.value}
        )
        if ready is not None:
            ready()
        await stop.wait()
        await self._end(services, searching, web, serving, membership)

    def _open_bus(self, node: str) -> bool:
        """Whether other nodes may be there."""
        program = self._program
        if isinstance(program.bus, SiblingBus):
            program.bus.open()
        link = link_of(program.settings, node, program.sealer.fingerprint())
        if link is not None:
            program.bus.join(link)
            program.tasks.keep("bus", link.run)
        return link is not None

    async def _end(
        self,
        services: Services,
        searching: Searching,
        web: WebServer,
        serving: "asyncio.Task[None]",
        membership: Membership | None,
    ) -> None:
        """Nothing new begins; what is under way may finish."""
        program, settings, duties = self._program, self._program.settings, self._duties
        assert duties is not None  # noqa: S101  # for the type checker: it served
        log.info("stopping", extra={"grace": str(settings.shutdown.grace)})
        self._stopping = True
        if self._census is not None:
            self._census.retire()
        duties.stop()
        web.stop()
        if membership is not None:
            await membership.drain()
        grace = settings.shutdown.grace.total_seconds()
        async with asyncio.TaskGroup() as ending:
            ending.create_task(self._listeners.drain(grace))
            ending.create_task(duties.finish_deliveries(grace))
        await asyncio.wait([serving], timeout=grace)
        if services.transport is not None:
            await services.transport.close()
        await duties.give_back()
        if membership is not None:
            await membership.leave()
        await searching.close()
        if isinstance(program.bus, SiblingBus):
            program.bus.close()
        log.info("stopped")

    def _join(self, node: str, workers: int) -> Membership | None:
        """One of the workers speaks for all of them."""
        if self._seat is not None and self._seat.number:
            return None
        program = self._program
        membership = Membership(
            program, node, workers, lambda: int(sum(self._connections().values()))
        )
        program.tasks.spawn("first report", membership.begin())
        program.tasks.every("report", REPORTED_EVERY, membership.report)
        return membership

    # The REST API

    def _api(self, services: Services) -> ASGIApp:
        program = self._program
        self._show_metrics(services)
        return build(
            RestServices(
                sending=program.sending,
                identities=program.identities,
                domains=program.domains,
                keys=program.keys,
                accounts=program.accounts,
                undelete=Undelete(program.mail, program.bus),
                tasks=program.tasks,
                clock=program.clock,
                fetcher=WebFetcher(program.resolver),
                operations=Operations(
                    not_ready=self._not_ready,
                    warnings=self._warnings,
                    metrics=program.metrics.exposition,
                ),
            ),
            services.authenticator,
            ApiLimits(max_body_octets=program.settings.limits.request_octets),
        )

    async def _not_ready(self) -> str | None:
        """Why the server cannot work now, for load balancers."""
        if self._stopping:
            return "shutting down"
        try:
            await self._program.directory.setting("ready")
        except MailError as error:
            log.warning("not ready", extra={"why": str(error)})
            return "the database does not answer"
        return None

    def _warnings(self) -> list[str]:
        return [] if self._duties is None else self._duties.warnings

    def _show_metrics(self, services: Services) -> None:
        metrics = self._program.metrics
        metrics.gauge(
            "connections",
            "Open connections of the mail protocols.",
            "service",
            self._connections,
        )
        metrics.gauge(
            "queue_recipients",
            "Recipients of outgoing mail that wait, by state, a few seconds old.",
            "state",
            self._queue_sizes,
        )

    def _connections(self) -> dict[str, float]:
        if self._seat is None:
            return {name: float(n) for name, n in self._listeners.counts().items()}
        prefix = f"{CONNECTIONS}."
        return {
            name.removeprefix(prefix): float(number)
            for name, number in self._seat.shared.board.totals().items()
            if name.startswith(prefix) and number
        }

    def _queue_sizes(self) -> dict[str, float]:
        sizes = {} if self._duties is None else self._duties.queue_sizes
        return {name: float(number) for name, number in sizes.items()}
