"""The HTTP listeners: uvicorn, in our loop and on our sockets."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp

from postroad.server.guardedhttp import GuardedHttp
from postroad.server.sockets import bound

MAX_CONNECTIONS = 2000  # those beyond are told 503


class _Server(uvicorn.Server):
    """Signals are the supervisor's business, not uvicorn's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebServer:
    """Serves one application on plain and TLS sockets."""

    def __init__(
        self,
        app: ASGIApp,
        tls: Callable[[], ssl.SSLContext],
        take: Callable[[str, str, int], socket.socket] = bound,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._app = app
        self._tls = tls
        self._take = take
        self._max_connections = max_connections
        self._servers: list[tuple[_Server, list[socket.socket]]] = []

    def listen(
        self, plain: Sequence[tuple[str, int]], encrypted: Sequence[tuple[str, int]]
    ) -> None:
        """Take the sockets. Raises `Invalid` for an address that cannot be had."""
        for addresses, name in ((plain, "http"), (encrypted, "https")):
            if not addresses:
                continue
            sockets = [self._take(name, host, port) for host, port in addresses]
            config = uvicorn.Config(
                self._app,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                ws="none",
                http=GuardedHttp,
                # Security: who calls is whose connection it is, whatever a header field says.
                proxy_headers=False,
                limit_concurrency=self._max_connections,
                timeout_graceful_shutdown=10,
            )
            config.load()
            if name == "https":
                config.ssl = self._tls()
            self._servers.append((_Server(config), sockets))

    async def serve(self) -> None:
        """Until `stop` is called."""
        async with asyncio.TaskGroup() as group:
            for server, sockets in self._servers:
                group.create_task(server.serve(sockets=sockets))

    def stop(self) -> None:
        for server, _ in self._servers:
            server.should_exit = True
