"""The services of the program over its stores, for the server and for the command line alike."""

import errno
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from postroad.adapters.bus.local import LocalBus
from postroad.adapters.bus.siblings import SiblingBus
from postroad.adapters.dns.resolver import DnsResolver
from postroad.adapters.prometheus.metrics import Metrics
from postroad.adapters.sql.directory.store import SqlDirectoryStore
from postroad.adapters.sql.engine import Engine
from postroad.adapters.sql.leases import SqlLeaseStore
from postroad.adapters.sql.metadata import SqlMetadataStore
from postroad.adapters.sql.nodes import SqlNodeStore
from postroad.adapters.sql.queue.store import SqlQueueStore, SqlReferenceStore
from postroad.adapters.sql.sharing import SqlSharingStore
from postroad.adapters.sql.store import SqlMailStore
from postroad.adapters.sql.urlkeys import SqlUrlKeyStore
from postroad.adapters.sql.virtual import SqlVirtualStore
from postroad.adapters.system.clock import SystemClock
from postroad.app.blobs import blobs_path, is_bucket, open_blobs
from postroad.app.database import database_of
from postroad.app.seat import Seat
from postroad.app.secrets import check_fingerprint, load_sealer, make_master_key
from postroad.base.errors import Invalid
from postroad.config.loader import effective_hostname
from postroad.config.settings import DeliveryMode, Scram, Settings
from postroad.core.auth.passwords import Passwords
from postroad.core.auth.scram import ScramVerifiers
from postroad.core.auth.sealing import Sealer
from postroad.core.auth.verified import VERIFIED, VerifiedPasswords
from postroad.core.directory.accounts import Accounts
from postroad.core.directory.domains import Domains
from postroad.core.directory.keys import ApiKeys
from postroad.core.sending.identity import Identities
from postroad.core.sending.service import Sending
from postroad.core.sending.signing import Signer
from postroad.ports.clock import Clock
from postroad.ports.resolver import Resolver
from postroad.server.tasks import ServerTasks
from postroad.stores.blobs import BlobStore
from postroad.stores.directory import DirectoryStore
from postroad.stores.leases import LeaseStore
from postroad.stores.mail import MailStore
from postroad.stores.metadata import MetadataStore
from postroad.stores.nodes import NodeStore
from postroad.stores.queue import QueueStore, ReferenceStore
from postroad.stores.sharing import SharingStore
from postroad.stores.urlkeys import UrlKeyStore
from postroad.stores.virtual import VirtualStore


@dataclass(frozen=True, slots=True)
class Program:
    """Everything but the protocols."""

    settings: Settings
    hostname: str
    tasks: ServerTasks
    engine: Engine
    mail: MailStore
    sharing: SharingStore
    virtual: VirtualStore
    metadata: MetadataStore
    url_keys: UrlKeyStore
    directory: DirectoryStore
    queue: QueueStore
    references: ReferenceStore
    leases: LeaseStore
    nodes: NodeStore
    blobs: BlobStore
    resolver: Resolver
    clock: Clock
    sealer: Sealer
    bus: LocalBus
    metrics: Metrics
    passwords: Passwords
    scram: ScramVerifiers
    accounts: Accounts
    domains: Domains
    keys: ApiKeys
    signer: Signer
    identities: Identities
    verified: VerifiedPasswords
    sending: Sending


def make_folder(settings: Settings) -> None:
    """Make the data folder, readable by its owner alone. Raises `Invalid`."""
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(settings, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _not_writable(settings, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def _not_writable(settings: Settings, error: OSError) -> Invalid:
    return Invalid(
        f"{settings.data_dir} cannot be written: {error.strerror}. Choose another --data-dir."
    )


async def initialise(settings: Settings) -> bool:
    """Make the data folder, the master key and the schema; False when all were there.

    Raises `Invalid` when the folder cannot be written, or holds something else.
    """
    make_folder(settings)
    try:
        if "POSTROAD_MASTER_KEY" not in os.environ:
            make_master_key(settings.below_data(settings.master_key_file))
    except OSError as error:
        raise _not_writable(settings, error) from error
    if not is_bucket(settings):
        blobs_path(settings).mkdir(mode=0o700, parents=True, exist_ok=True)
    return await database_of(settings).prepare()


@asynccontextmanager
async def open_program(
    settings: Settings,
    *,
    resolver: Resolver | None = None,
    seat: Seat | None = None,
    is_guest: bool = True,
) -> AsyncIterator[Program]:
    """The services on the stores of `data_dir`, to be used beside a running server or in it.

    `is_guest` is off in the server itself, and `seat` is for one of its workers.

    Raises `Invalid`, saying what to do, when the stores are not there or cannot be used.
    """
    async with AsyncExitStack() as stack:
        engine = await database_of(settings).open(seat, is_guest=is_guest)
        stack.push_async_callback(engine.close)
        sealer = load_sealer(settings)
        blobs = await stack.enter_async_context(open_blobs(settings))
        # Entered last, so that no duty is at work any more when the stores are closed.
        tasks = await stack.enter_async_context(ServerTasks(_share_of_cores(seat)))
        program = _assemble(settings, tasks, engine, blobs, sealer, resolver, seat)
        await check_fingerprint(program.directory, sealer)
        yield program


def _assemble(
    settings: Settings,
    tasks: ServerTasks,
    engine: Engine,
    blobs: BlobStore,
    sealer: Sealer,
    resolver: Resolver | None,
    seat: Seat | None,
) -> Program:
    clock = SystemClock()
    bus, metrics = (LocalBus(), Metrics()) if seat is None else _shared(seat)
    hostname = effective_hostname(settings)
    directory, queue = SqlDirectoryStore(engine), SqlQueueStore(engine)
    dns = resolver or DnsResolver(settings.dns.servers)
    passwords = Passwords(tasks, _share_of_cores(seat))
    scram = ScramVerifiers(sealer, tasks, of_passwords=settings.auth.scram is Scram.ALL)
    signer = Signer(directory, sealer, tasks)
    live = settings.delivery.mode is DeliveryMode.LIVE
    return Program(
        settings=settings,
        hostname=hostname,
        tasks=tasks,
        engine=engine,
        mail=SqlMailStore(engine),
        sharing=SqlSharingStore(engine),
        virtual=SqlVirtualStore(engine),
        metadata=SqlMetadataStore(engine),
        url_keys=SqlUrlKeyStore(engine),
        directory=directory,
        queue=queue,
        references=SqlReferenceStore(engine),
        leases=SqlLeaseStore(engine),
        nodes=SqlNodeStore(engine),
        blobs=blobs,
        resolver=dns,
        clock=clock,
        sealer=sealer,
        bus=bus,
        metrics=metrics,
        passwords=passwords,
        scram=scram,
        accounts=Accounts(directory, passwords, sealer, clock, scram),
        domains=Domains(directory, dns, sealer, tasks, clock, hostname),
        keys=ApiKeys(directory, sealer, clock),
        signer=signer,
        verified=_verified(bus, seat),
        identities=Identities(directory, only_verified=live),
        sending=Sending(queue, blobs, signer, bus, tasks, clock, metrics),
    )


def _shared(seat: Seat) -> tuple[LocalBus, Metrics]:
    board = seat.shared.board
    return SiblingBus(seat.number, seat.shared.channels, board), Metrics(board, seat.number)


def _verified(bus: LocalBus, seat: Seat | None) -> VerifiedPasswords:
    """Over all workers, where there are some."""
    if seat is None or not isinstance(bus, SiblingBus):
        return VerifiedPasswords()
    verified = VerifiedPasswords(seat.shared.secret, bus.tell)
    bus.hear(VERIFIED, lambda values: verified.hear(str(values[0]), str(values[1])))
    return verified


def _share_of_cores(seat: Seat | None) -> int:
    """How many threads may compute: at most one for each core, over all workers."""
    cores = os.cpu_count() or 1
    return cores if seat is None else max(1, cores // seat.shared.count)
