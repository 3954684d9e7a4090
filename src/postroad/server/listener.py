"""Listening sockets and the connections that come in by them."""

import asyncio
import contextlib
import ipaddress
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from postroad.server.accepting import Acceptor, Fairness
from postroad.server.connection import Connection
from postroad.server.conversation import Conversation
from postroad.server.sockets import BACKLOG, bound
from postroad.server.tasks import ServerTasks

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """A protocol at some addresses."""

    name: str  # as IANA registers it: smtp, submission, imaps...
    addresses: Sequence[tuple[str, int]]
    make: Callable[[Connection], Conversation]
    refusal: bytes  # said to a client for whom there is no room
    implicit_tls: bool
    is_for_users: bool = False  # people log in there, perhaps with certificates


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    total: int = 20_000
    """Connections of all protocols but HTTP at once."""
    per_address: int = 500
    """Connections from one address at once; this machine itself is free of it."""


class Census(Protocol):
    """The connections of all workers; limits count these, not only our own."""

    def came(self, service: str, peer: str) -> None: ...

    def went(self, service: str, peer: str) -> None: ...

    def total(self) -> int: ...

    def of_address(self, peer: str) -> int: ...

    def is_closed(self) -> bool:
        """Whether all are about to end, and nobody new comes in."""


class OwnCensus(Census):
    """Where this process is the only one."""

    def __init__(self) -> None:
        self._by_address: Counter[str] = Counter()
        self._total = 0

    def came(self, service: str, peer: str) -> None:
        self._by_address[peer] += 1
        self._total += 1

    def went(self, service: str, peer: str) -> None:
        self._total -= 1
        self._by_address[peer] -= 1
        if not self._by_address[peer]:
            del self._by_address[peer]

    def total(self) -> int:
        return self._total

    def of_address(self, peer: str) -> int:
        return self._by_address[peer]

    def is_closed(self) -> bool:
        return False


class Listeners:
    """All services of the process. It is the `Host` of their connections."""

    def __init__(
        self,
        tasks: ServerTasks,
        tls: Callable[[], ssl.SSLContext],
        watch: Callable[..., Callable[[], None]],
        limits: ConnectionLimits,
        take: Callable[[str, str, int], socket.socket] = bound,
        census: Census | None = None,
        fairness: Fairness | None = None,
        *,
        users_tls: Callable[[], ssl.SSLContext] | None = None,
        end_point: Callable[[], bytes] = bytes,
    ) -> None:
        """`census` and `fairness` are for one of several workers on the same sockets.

        `users_tls` is for services of our users, `end_point` the certificate's binding.
        """
        self.tasks = tasks
        self.tls = tls
        self.watch = watch
        self.limits = limits
        self._fairness = fairness
        self._servers: list[asyncio.Server | Acceptor] = []
        self.end_point = end_point
        self._users_tls = users_tls or tls
        self._connections: dict[Connection, str] = {}
        self._take = take
        self._census = census or OwnCensus()
        self._draining = False
        self._empty: asyncio.Event | None = None  # while draining

    def is_draining(self) -> bool:
        return self._draining

    async def start(self, service: Service) -> None:
        """Begin to listen. Raises `Invalid` for an address that cannot be had."""
        for host, port in service.addresses:
            listening = self._take(service.name, host, port)
            self._servers.append(await self._listen(service, listening))
            log.info("listening", extra={"service": service.name, "host": host, "port": port})

    async def _listen(
        self, service: Service, listening: socket.socket
    ) -> asyncio.Server | Acceptor:
        tls = self._users_tls if service.is_for_users else self.tls

        def make() -> Connection:
            return Connection(self, lambda connection: self._admit(connection, service), tls)

        if self._fairness is not None:
            at_once = tls if service.implicit_tls else None
            return Acceptor(listening, make, at_once, self.tasks, self._fairness)
        return await asyncio.get_running_loop().create_server(
            make,
            sock=listening,
            ssl=tls() if service.implicit_tls else None,
            ssl_handshake_timeout=30.0 if service.implicit_tls else None,
            backlog=BACKLOG,
        )

    def _admit(self, connection: Connection, service: Service) -> Conversation | bytes:
        over = self._census.total() >= self.limits.total
        crowd = self._census.of_address(connection.peer) >= self.limits.per_address
        is_ending = self._draining or self._census.is_closed()
        if is_ending or over or (crowd and not is_loopback(connection.peer)):
            log.warning(
                "no room for a connection",
                extra={"service": service.name, "peer": connection.peer},
            )
            return service.refusal
        self._connections[connection] = service.name
        self._census.came(service.name, connection.peer)
        return service.make(connection)

    def closed(self, connection: Connection) -> None:
        service = self._connections.pop(connection, None)
        if service is not None:
            self._census.went(service, connection.peer)
        if self._empty is not None and not self._connections:
            self._empty.set()

    def counts(self) -> Counter[str]:
        """Connections of each service."""
        return Counter(self._connections.values())

    async def check_deadlines(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self._connections):
            connection.check(now)

    def connections(self) -> list[Connection]:
        return list(self._connections)

    async def drain(self, grace_seconds: float) -> None:
        """Take no more connections, let what is under way finish, then end the rest."""
        self._draining = True
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.drain()
        self._empty = asyncio.Event()
        if not self._connections:
            self._empty.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await self._empty.wait()
        for connection in list(self._connections):
            connection.abort()


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
