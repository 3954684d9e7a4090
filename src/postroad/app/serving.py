"""Serving: listeners, duties in the background, reloads, and an orderly end."""

import asyncio
import contextlib
import gc
import logging
import signal
import sys
from collections.abc import Callable
from datetime import timedelta

from starlette.types import ASGIApp

from postroad.adapters.sql.statement import Run, Sql, Steps, integer
from postroad.adapters.web.fetcher import WebFetcher
from postroad.app.lock import serving_alone
from postroad.app.program import (
    Program,
    ended_suddenly,
    initialise,
    make_folder,
    open_program,
)
from postroad.app.protocols import mail_services, spools
from postroad.app.reloading import Reloader, Source
from postroad.app.searching import Searching
from postroad.app.services import Services, build_services
from postroad.base.errors import Invalid, MailError, NotFound
from postroad.base.moments import Moment, after
from postroad.config.checks import split_listener
from postroad.config.settings import LogFormat, Settings
from postroad.core.mailbox.undelete import Undelete
from postroad.core.queue.scheduler import Scheduler
from postroad.core.upkeep.service import Upkeep
from postroad.http.contract.api import ApiLimits
from postroad.http.rest.application import build
from postroad.http.rest.services import Operations, RestServices
from postroad.model.directory import Account
from postroad.model.ids import AccountId
from postroad.model.principal import Principal
from postroad.server.listener import ConnectionLimits, Listeners
from postroad.server.logs import configure
from postroad.server.openfiles import allow_open_files
from postroad.server.tls import Certificates, make_self_signed
from postroad.server.web import WebServer

log = logging.getLogger(__name__)

_COLLECT_AFTER = (20_000, 20, 20)
_SWITCH_SECONDS = 0.0002
_SHORTEST_WAIT_SECONDS = 0.01
_LONGEST_WAIT_SECONDS = 30.0
_OTHER_FILES = 2_000  # blobs, spools, databases, HTTP and outgoing connections
_DATA_VERSION = Sql("PRAGMA data_version")


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
    with serving_alone(settings), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        if ended_suddenly(settings):
            log.warning(
                "the database was left open; all that was acknowledged is kept",
                extra={"why": "the last run ended suddenly, or another command is at work"},
            )
        initialise(settings)
        runner.run(_serve(settings, source or Source(lambda: settings, None), ready))


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


async def _serve(settings: Settings, source: Source, ready: Callable[[], None] | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with open_program(settings) as program:
        await Server(program, source).serve(stop, ready)


class Server:
    def __init__(self, program: Program, source: Source) -> None:
        self._program = program
        self._source = source
        self._certificates = certificates(program)
        self._listeners = Listeners(
            program.tasks,
            self._certificates.context,
            program.bus.watch,
            ConnectionLimits(
                program.settings.limits.connections,
                program.settings.limits.connections_per_address,
            ),
        )
        self._stopping = False
        self._data_version = 0
        self._queue_sizes: dict[str, int] = {}

    async def serve(self, stop: asyncio.Event, ready: Callable[[], None] | None) -> None:
        program, settings = self._program, self._program.settings
        searching = Searching(program)
        services = build_services(program, spools(program), searching)
        await searching.start()
        web = WebServer(self._api(services), self._certificates.context)
        web.listen(
            [split_listener(one) for one in settings.listen.http],
            [split_listener(one) for one in settings.listen.https],
        )
        for service in mail_services(program, services):
            await self._listeners.start(service)
        reloader = Reloader(
            settings, self._source, self._certificates, self._listeners, services.scheduler
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.reload)
        self._start_duties(services, searching, reloader)
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
        log.info("stopping", extra={"grace": str(settings.shutdown.grace)})
        self._stopping = True
        web.stop()
        grace = settings.shutdown.grace.total_seconds()
        async with asyncio.TaskGroup() as ending:
            ending.create_task(self._listeners.drain(grace))
            ending.create_task(self._finish_deliveries(services.scheduler, grace))
        await asyncio.wait([serving], timeout=grace)
        if services.transport is not None:
            await services.transport.close()
        await searching.close()
        log.info("stopped")

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
                    not_ready=self._not_ready, metrics=program.metrics.exposition
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

    def _show_metrics(self, services: Services) -> None:
        metrics = self._program.metrics
        metrics.gauge(
            "connections",
            "Open connections of the mail protocols.",
            "service",
            lambda: {name: float(n) for name, n in self._listeners.counts().items()},
        )
        metrics.gauge(
            "queue_recipients",
            "Recipients of outgoing mail that wait, by state, a few seconds old.",
            "state",
            lambda: {name: float(n) for name, n in self._queue_sizes.items()},
        )

    # Duties

    def _start_duties(self, services: Services, searching: Searching, reloader: Reloader) -> None:
        tasks, every = self._program.tasks, self._program.tasks.every
        tasks.keep("queue", lambda: self._work_queue(services.scheduler))
        every("deadlines", timedelta(seconds=5), self._listeners.check_deadlines)
        every("leases", timedelta(seconds=20), services.scheduler.renew)
        every("changes by others", timedelta(seconds=1), self._look_for_changes)
        every("queue sizes", timedelta(seconds=10), self._count_queue)
        every("reload", timedelta(seconds=5), reloader.look)
        every("upkeep", timedelta(minutes=30), lambda: _upkeep(services.upkeep))
        every("search index", timedelta(seconds=2), searching.work)
        if services.transport is not None:
            every("idle connections", timedelta(seconds=10), services.transport.drop_idle)

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

    async def _look_for_changes(self) -> None:
        """Notice what another process, such as the command line, has written."""
        version = await self._program.engine.write(_data_version)
        if version == self._data_version:
            return
        self._data_version = version
        self._program.bus.announce_all()
        self._program.bus.wake_queue()
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

    async def _finish_deliveries(self, scheduler: Scheduler, grace_seconds: float) -> None:
        """What is cut off between its last octet and the reply would be sent twice."""
        wake = self._program.bus.queue  # each delivery sets it at its end
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                while scheduler.in_flight:
                    wake.clear()
                    await wake.wait()

    async def _count_queue(self) -> None:
        self._queue_sizes = await self._program.queue.sizes()


def _is_void(principal: Principal, now: Account | None) -> bool:
    """Whether what proved this principal holds no more."""
    return now is None or now.disabled or now.auth_version != principal.account.auth_version


def certificates(program: Program) -> Certificates:
    """The operator's certificate, or a self-signed one that is made once. Raises `Invalid`."""
    tls = program.settings.tls
    if tls.certificate is not None and tls.key is not None:
        return Certificates(tls.certificate, tls.key)
    if tls.certificate is not None or tls.key is not None:
        raise Invalid("tls.certificate and tls.key go together: set both, or neither")
    folder = program.settings.below_data("tls")
    folder.mkdir(mode=0o700, exist_ok=True)
    certificate, key = folder / "self-signed.pem", folder / "self-signed.key"
    if not (certificate.exists() and key.exists()):
        make_self_signed(program.hostname, certificate, key)
    return Certificates(certificate, key)


async def _upkeep(upkeep: Upkeep) -> None:
    done = await upkeep.run()
    if any(done.values()):
        log.info("upkeep done", extra=done)


def _data_version() -> Steps[int]:
    rows = yield Run(_DATA_VERSION, {})
    return integer(rows[0][0])
