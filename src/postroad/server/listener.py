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

from postroad.base.errors import Invalid
from postroad.server.connection import Connection
from postroad.server.conversation import Conversation
from postroad.server.tasks import ServerTasks

log = logging.getLogger(__name__)

_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Service:
    """A protocol at some addresses."""

    name: str  # as IANA registers it: smtp, submission, imaps...
    addresses: Sequence[tuple[str, int]]
    make: Callable[[Connection], Conversation]
    refusal: bytes  # said to a client for whom there is no room
    implicit_tls: bool


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    total: int = 20_000
    """Connections of all protocols but HTTP at once."""
    per_address: int = 500
    """Connections from one address at once; this machine itself is free of it."""


class Listeners:
    """All services of the process. It is the `Host` of their connections."""

    def __init__(
        self,
        tasks: ServerTasks,
        tls: Callable[[], ssl.SSLContext],
        watch: Callable[..., Callable[[], None]],
        limits: ConnectionLimits,
    ) -> None:
        self.tasks = tasks
        self.tls = tls
        self.watch = watch
        self.limits = limits
        self._servers: list[asyncio.Server] = []
        self._connections: dict[Connection, str] = {}
        self._by_address: Counter[str] = Counter()
        self._draining = False
        self._empty: asyncio.Event | None = None  # while draining

    def is_draining(self) -> bool:
        return self._draining

    async def start(self, service: Service) -> None:
        """Begin to listen. Raises `Invalid` for an address that cannot be had."""
        loop = asyncio.get_running_loop()
        for host, port in service.addresses:
            listening = bound(service.name, host, port)
            server = await loop.create_server(
                lambda: Connection(self, lambda connection: self._admit(connection, service)),
                sock=listening,
                ssl=self.tls() if service.implicit_tls else None,
                ssl_handshake_timeout=30.0 if service.implicit_tls else None,
                backlog=_BACKLOG,
            )
            self._servers.append(server)
            log.info("listening", extra={"service": service.name, "host": host, "port": port})

    def _admit(self, connection: Connection, service: Service) -> Conversation | bytes:
        over = len(self._connections) >= self.limits.total
        crowd = self._by_address[connection.peer] >= self.limits.per_address
        if self._draining or over or (crowd and not is_loopback(connection.peer)):
            log.warning(
                "no room for a connection",
                extra={"service": service.name, "peer": connection.peer},
            )
            return service.refusal
        self._connections[connection] = service.name
        self._by_address[connection.peer] += 1
        return service.make(connection)

    def closed(self, connection: Connection) -> None:
        if self._connections.pop(connection, None) is not None:
            self._by_address[connection.peer] -= 1
            if not self._by_address[connection.peer]:
                del self._by_address[connection.peer]
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


def bound(name: str, host: str, port: int) -> socket.socket:
    """A socket bound to an address. Raises `Invalid` with what to do about it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Invalid(
            f"cannot listen for {name} on {host}:{port}: {error.strerror or error}. "
            f"Choose another with listen.{name}, or stop what uses it."
        ) from error
    listening.setblocking(False)
    return listening


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
