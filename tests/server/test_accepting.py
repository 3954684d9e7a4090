"""Taking connections beside other workers: who holds back, for how long, and what is not lost."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator

import pytest

from postroad.server.accepting import Acceptor, Fairness
from postroad.server.sockets import bound
from postroad.server.tasks import ServerTasks


class Scales(Fairness):
    def __init__(self) -> None:
        self.has_more = False
        self.asked = 0
        self.arrived: list[int] = []

    def arriving(self, amount: int) -> None:
        self.arrived.append(amount)

    def has_more_than_others(self) -> bool:
        self.asked += 1
        return self.has_more


class Greeter(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"hello")
        transport.close()


class Broken(socket.socket):
    """Has no file left for a while."""

    failures = 1

    def accept(self) -> tuple[socket.socket, object]:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


@pytest.fixture
async def tasks() -> AsyncIterator[ServerTasks]:
    async with ServerTasks() as tasks:
        yield tasks


def _listening() -> socket.socket:
    listening = bound("smtp", "127.0.0.1", 0)
    listening.listen(50)
    return listening


async def _greeted(listening: socket.socket) -> bytes:
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


async def test_who_has_less_takes_at_once(tasks: ServerTasks) -> None:
    scales, listening = Scales(), _listening()
    acceptor = Acceptor(listening, Greeter, None, tasks, scales)
    found = await asyncio.gather(*(_greeted(listening) for _ in range(40)))
    assert found == [b"hello"] * 40
    assert (scales.arrived.count(1), scales.arrived.count(-1)) == (40, 40)
    acceptor.close()


async def test_who_has_more_leaves_it_to_another(tasks: ServerTasks) -> None:
    """Two on one socket, as two workers have it."""
    busy, idle, listening = Scales(), Scales(), _listening()
    busy.has_more = True
    acceptors = [
        Acceptor(listening.dup(), Greeter, None, tasks, scales) for scales in (busy, idle)
    ]
    for _ in range(20):
        assert await _greeted(listening) == b"hello"
    assert idle.arrived.count(1) >= 18
    for acceptor in acceptors:
        acceptor.close()
    listening.close()


async def test_nobody_waits_for_long_for_one_that_does_not_take_it(tasks: ServerTasks) -> None:
    busy, listening = Scales(), _listening()
    busy.has_more = True
    acceptor = Acceptor(listening, Greeter, None, tasks, busy)
    for _ in range(5):
        assert await _greeted(listening) == b"hello"
    assert busy.asked < 100, "it looks now and then, not all the time"
    acceptor.close()


async def test_without_a_free_file_it_waits(
    tasks: ServerTasks, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroad.server.accepting._PAUSE_SECONDS", 0.05)
    plain = _listening()
    listening = Broken(fileno=plain.detach())
    listening.setblocking(False)
    acceptor = Acceptor(listening, Greeter, None, tasks, Scales())
    assert await _greeted(listening) == b"hello"
    assert "no connection can be taken" in caplog.text
    acceptor.close()


async def test_what_waits_when_it_closes_is_for_the_others(tasks: ServerTasks) -> None:
    busy, listening = Scales(), _listening()
    busy.has_more = True
    Acceptor(listening.dup(), Greeter, None, tasks, busy).close()
    waiting = asyncio.ensure_future(_greeted(listening))
    await asyncio.sleep(0.05)
    other = Acceptor(listening, Greeter, None, tasks, Scales())
    assert await waiting == b"hello"
    other.close()
