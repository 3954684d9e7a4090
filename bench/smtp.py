"""Load over SMTP: many connections on one loop, each with a message under way at all times."""

import asyncio
import collections
import time
from dataclasses import dataclass, field
from typing import cast

import uvloop

from bench.servers import HOST, Server

_PATIENCE_SECONDS = 300.0


@dataclass(slots=True)
class Load:
    """What is to be sent, and what came of it. `seconds` is up to the last accept."""

    messages: collections.deque[tuple[str, bytes]]  # recipient, octets after DATA
    waits: list[float] = field(default_factory=list)
    seconds: float = 0.0
    error: str = ""


def send(server: Server, messages: list[tuple[str, bytes]], connections: int) -> Load:
    """Send all messages. Raises `RuntimeError` for a refusal."""
    load = Load(collections.deque(messages))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_send(server.ports["smtp"], load, connections))
    if load.error:
        raise RuntimeError(f"{server.name}: {load.error}")
    return load


async def _send(port: int, load: Load, connections: int) -> None:
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    clients = [_Client(load) for _ in range(min(connections, len(load.messages)))]
    async with asyncio.timeout(_PATIENCE_SECONDS):
        for client in clients:
            await loop.create_connection(lambda client=client: client, HOST, port)  # type: ignore[misc]  # mypy cannot see the default
        await asyncio.gather(*(client.done for client in clients))
    load.seconds = time.perf_counter() - began


class _Client(asyncio.Protocol):
    """One connection: EHLO, then messages with pipelined commands (RFC 2920), then QUIT."""

    def __init__(self, load: Load) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._replies = b""
        self._codes: list[bytes] = []
        self._expected = [b"220"]
        self._body: bytes | None = None
        self._has_greeted = False
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # a stream's transport is one

    def data_received(self, data: bytes) -> None:
        *lines, self._replies = (self._replies + data).split(b"\r\n")
        self._codes += [line[:3] for line in lines if line[3:4] != b"-"]
        if len(self._codes) < len(self._expected) and not _is_refused(self._codes):
            return
        if self._codes != self._expected:
            self._load.error = self._load.error or lines[-1].decode("utf-8", "replace")
            self._end()
            return
        self._codes = []
        self._go_on()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self._load.error = self._load.error or "the connection was closed"
            self.done.set_result(None)

    def _go_on(self) -> None:
        if not self._has_greeted:
            self._has_greeted = True
            self._say(b"EHLO load.example.net\r\n", [b"250"])
        elif self._body is not None:
            body, self._body = self._body, None
            self._say(body, [b"250"])
        else:
            self._next_message()

    def _next_message(self) -> None:
        now = time.perf_counter()
        if self._began:
            self._load.waits.append(now - self._began)
        if not self._load.messages:
            self._end()
            return
        recipient, self._body = self._load.messages.popleft()
        self._began = now
        commands = f"MAIL FROM:<load@example.net>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n"
        self._say(commands.encode(), [b"250", b"250", b"354"])

    def _say(self, octets: bytes, expected: list[bytes]) -> None:
        self._expected = expected
        if self._transport is not None:
            self._transport.write(octets)

    def _end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
        if self._transport is not None:
            self._transport.write(b"QUIT\r\n")
            self._transport.close()


def _is_refused(codes: list[bytes]) -> bool:
    return any(code[:1] in b"45" for code in codes)
