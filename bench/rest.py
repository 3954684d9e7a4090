"""Load over the REST API: sends at a steady pace, over connections that are kept."""

import asyncio
import json
import time

import uvloop

from bench.servers import DOMAIN, HOST, USERS, Server

_CONNECTIONS = 20


def send(server: Server, count: int, *, per_second: int) -> list[float]:
    """Seconds from when each send was due to its answer. Raises `RuntimeError` for a refusal."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_send(server, count, per_second))


async def _send(server: Server, count: int, per_second: int) -> list[float]:
    due: asyncio.Queue[float | None] = asyncio.Queue()
    waits: list[float] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(_CONNECTIONS):
            group.create_task(_sender(server, due, waits))
        began = time.perf_counter() + 0.5
        for n in range(count):
            at = began + n / per_second
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            due.put_nowait(at)
        for _ in range(_CONNECTIONS):
            due.put_nowait(None)
    return waits


async def _sender(server: Server, due: "asyncio.Queue[float | None]", waits: list[float]) -> None:
    reader, writer = await asyncio.open_connection(HOST, server.ports["http"])
    request = _request(server)
    while (at := await due.get()) is not None:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(_content_length(head))
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{server.name}: {head[:40]!r} {body[:300]!r}")
        waits.append(time.perf_counter() - at)
    writer.close()


def _request(server: Server) -> bytes:
    body = json.dumps(
        {
            "from": f"Bench <{USERS[0]}>",
            "to": [f"somebody@elsewhere.{DOMAIN}"],
            "subject": "A message of the benchmark",
            "text": "Hello!\n" * 40,
            "html": "<p>Hello!</p>" * 40,
        }
    ).encode()
    head = (
        f"POST /emails HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {server.api_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    raise RuntimeError("an answer without Content-Length")
