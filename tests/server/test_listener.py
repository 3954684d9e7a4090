"""Listening: who is let in, and what is said about a port that is taken."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import NoReturn

import pytest

from postroad.server.connection import Connection
from postroad.server.conversation import Conversation
from postroad.server.listener import ConnectionLimits, Listeners, Service, is_loopback
from postroad.server.tasks import ServerTasks
from server.test_connection import Echo

_REFUSAL = b"no room\r\n"


def _no_tls() -> NoReturn:
    raise AssertionError("no TLS here")


def _make(connection: Connection) -> Conversation:
    return Echo()


@pytest.fixture
async def tasks() -> AsyncIterator[ServerTasks]:
    async with ServerTasks() as made:
        yield made


def _listeners(tasks: ServerTasks, total: int = 10, per_address: int = 10) -> Listeners:
    limits = ConnectionLimits(total, per_address)
    return Listeners(tasks, _no_tls, lambda *_: lambda: None, limits)


async def _listening(listeners: Listeners) -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = int(one.getsockname()[1])
    await listeners.start(
        Service("smtp", [("127.0.0.1", port)], _make, _REFUSAL, implicit_tls=False)
    )
    return port


async def _greeting(port: int) -> tuple[bytes, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    return await reader.read(100), writer


async def test_only_so_many_are_let_in_at_once(tasks: ServerTasks) -> None:
    listeners = _listeners(tasks, total=2)
    port = await _listening(listeners)
    found = [await _greeting(port) for _ in range(3)]
    assert [greeting for greeting, _ in found] == [b"hello ", b"hello ", _REFUSAL]
    assert listeners.counts() == {"smtp": 2}
    found[0][1].close()
    async with asyncio.timeout(5):
        while listeners.counts()["smtp"] == 2:  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.01)
    greeting, writer = await _greeting(port)
    assert greeting == b"hello "
    for _, one in [*found, (b"", writer)]:
        one.close()
    await listeners.drain(0)


async def test_one_address_takes_only_its_part_but_this_machine_is_free(
    tasks: ServerTasks,
) -> None:
    listeners = _listeners(tasks, per_address=1)
    port = await _listening(listeners)
    found = [await _greeting(port) for _ in range(2)]
    assert [greeting for greeting, _ in found] == [b"hello ", b"hello "]
    for _, writer in found:
        writer.close()
    await listeners.drain(0)
    service = Service("smtp", [], _make, _REFUSAL, implicit_tls=False)
    fresh = _listeners(tasks, per_address=1)
    admitted = []
    for peer in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
        connection = Connection(fresh, _make)
        connection.peer = peer
        admitted.append(isinstance(fresh._admit(connection, service), Echo))
        if len(admitted) == 2:
            assert admitted == [True, False]
    assert admitted == [True, False, True]


async def test_while_it_ends_nobody_is_let_in_and_who_stays_is_cut_off(
    tasks: ServerTasks,
) -> None:
    listeners = _listeners(tasks)
    port = await _listening(listeners)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read(100) == b"hello "
    (connection,) = listeners.connections()
    echo = connection.conversation
    assert isinstance(echo, Echo)
    echo.busy = True
    await listeners.drain(0.1)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    with pytest.raises(ConnectionResetError):
        assert await reader.read(100) or _reset()
    writer.close()


def _reset() -> bool:
    """The end of a stream is as good as its reset."""
    raise ConnectionResetError


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.0.0.1", True), ("::1", True), ("127.9.9.9", True), ("192.0.2.1", False),
     ("fe80::1%eth0", False), ("", False), ("nonsense", False)],
)  # fmt: skip
def test_loopback(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected
