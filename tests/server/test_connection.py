"""The driver of a connection, without sockets: a transport in the test's hand."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import NoReturn, cast

import pytest

from postroad.model.ids import AccountId
from postroad.model.principal import Principal
from postroad.server.connection import Connection
from postroad.server.conversation import Conversation, Outputs, Signal
from postroad.server.listener import ConnectionLimits, Listeners
from postroad.server.tasks import ServerTasks
from postroad.sessions.sasl.exchange import TlsEvidence


class Pipe(asyncio.Transport):
    """Keeps what is written; the test says when the client is slow."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 4711)})
        self.written = b""
        self.is_closed = False
        self.is_aborted = False
        self.is_paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_closed

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


class Echo(Conversation):
    """Says every piece again, with some words that have effects."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.idles_for: AccountId | None = None
        self.others: set[AccountId] = set()  # waited for besides
        self.busy = False
        self.closed = 0
        self.wait = b""  # what is said meanwhile
        self.lifetime = 1e9
        self.hold = asyncio.Event()
        self.hold.set()

    def greet(self) -> bytes:
        return b"hello "

    async def receive(self, octets: bytes) -> Outputs:
        self.received.append(octets)
        await self.hold.wait()
        if octets == b"fail":
            raise ValueError("a bug")
        if octets == b"slow":
            self.hold.clear()
            yield b"some "
            await self.hold.wait()
        if octets == b"idle":
            self.idles_for = AccountId(7)
        if octets == b"much":
            for _ in range(100):
                yield b"x" * 20_000
        yield octets
        if octets == b"quit":
            yield Signal.CLOSE

    async def news(self) -> Outputs:
        yield b"news "

    @property
    def watches(self) -> frozenset[AccountId]:
        return frozenset() if self.idles_for is None else frozenset({self.idles_for, *self.others})

    @property
    def principal(self) -> Principal | None:
        return None

    @property
    def patience_seconds(self) -> float:
        return 100

    @property
    def lifetime_seconds(self) -> float:
        return self.lifetime

    @property
    def is_busy(self) -> bool:
        return self.busy

    def tls_started(self, version: str, cipher: str, evidence: TlsEvidence) -> None:
        raise AssertionError("no TLS here")

    def still_working(self) -> bytes:
        return self.wait

    def timed_out(self) -> bytes:
        return b"too slow"

    def shutting_down(self) -> bytes:
        return b"going down"

    def internal_error(self) -> bytes:
        return b"internal error"

    def close(self) -> None:
        self.closed += 1


class World:
    """A connection with all around it."""

    def __init__(self, tasks: ServerTasks) -> None:
        self.wakers: list[Callable[[], None]] = []
        self.host = Listeners(tasks, _no_tls, self._watch, ConnectionLimits())
        self.echo = Echo()
        self.pipe = Pipe()
        self.connection = Connection(self.host, lambda _: self.echo)
        self.connection.connection_made(self.pipe)

    def _watch(self, account: AccountId, wake: Callable[[], None]) -> Callable[[], None]:
        assert account in (7, 8, 9)
        self.wakers.append(wake)
        return lambda: self.wakers.remove(wake)

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()


def _no_tls() -> NoReturn:
    raise AssertionError("no TLS here")


async def settle() -> None:
    """Let all jobs run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with ServerTasks() as tasks:
        made = World(tasks)
        yield made
        made.echo.hold.set()
        made.connection.connection_lost(None)
        await settle()
        assert made.echo.closed
        assert made.wakers == []


async def test_octets_are_answered_in_order(world: World) -> None:
    for octets in (b"a", b"b", b"c"):
        world.connection.data_received(octets)
    await settle()
    assert world.pipe.written == b"hello abc"


async def test_a_flood_is_read_in_turns_and_then_not_at_all(world: World) -> None:
    world.echo.hold.clear()
    for _ in range(10):
        world.connection.data_received(b"x" * 60_000)
        await settle()
    assert world.pipe.is_paused
    world.echo.hold.set()
    await settle()
    assert not world.pipe.is_paused
    assert max(map(len, world.echo.received)) <= 65_536
    assert sum(map(len, world.echo.received)) == 600_000


async def test_nothing_more_is_made_for_a_client_that_does_not_read(world: World) -> None:
    world.connection.pause_writing()
    world.connection.data_received(b"much")
    await settle()
    assert len(world.pipe.written) < 200_000
    world.connection.resume_writing()
    await settle()
    assert len(world.pipe.written) > 2_000_000


async def test_a_client_that_is_lost_while_we_write_frees_everything(world: World) -> None:
    world.connection.pause_writing()
    world.connection.data_received(b"much")
    await settle()
    world.connection.connection_lost(ConnectionResetError())
    await settle()
    assert world.echo.closed == 1


async def test_a_bug_is_logged_and_says_nothing_to_the_client(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.connection.data_received(b"fail")
    await settle()
    assert world.pipe.written == b"hello internal error"
    assert world.pipe.is_closed
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert record.exc_info


async def test_after_a_goodbye_nothing_is_answered(world: World) -> None:
    world.connection.data_received(b"quit")
    await settle()
    assert world.pipe.is_closed
    assert world.pipe.written == b"hello quit"


async def test_a_half_closed_client_gets_its_answers_first(world: World) -> None:
    world.connection.data_received(b"a")
    assert world.connection.eof_received()
    assert not world.pipe.is_closed
    await settle()
    assert world.pipe.written == b"hello a"
    assert world.pipe.is_closed


async def test_a_silent_client_is_told_and_closed(world: World) -> None:
    world.connection.check(world.now + 99)
    assert not world.pipe.is_closed
    world.connection.check(world.now + 101)
    assert world.pipe.written == b"hello too slow"
    assert world.pipe.is_closed
    assert not world.pipe.is_aborted


async def test_a_client_that_does_not_even_read_the_goodbye_is_cut_off(world: World) -> None:
    world.connection.check(world.now + 101)
    world.connection.check(world.now + 106)
    assert world.pipe.is_aborted


async def test_a_client_that_does_not_read_is_cut_off(world: World) -> None:
    world.connection.pause_writing()
    world.connection.data_received(b"much")
    await settle()
    world.connection.check(world.now + 299)
    assert not world.pipe.is_aborted
    world.connection.check(world.now + 301)
    assert world.pipe.is_aborted


async def test_who_waits_for_a_long_command_is_told(world: World) -> None:
    """RFC 9585 section 4: every 10 to 15 seconds, behind what was given before."""
    began = world.now
    world.echo.wait = b"wait "
    world.connection.data_received(b"slow")
    await settle()
    world.connection.check(began + 9)
    assert world.pipe.written == b"hello "
    world.connection.check(began + 11)
    assert world.pipe.written == b"hello some wait "
    world.echo.wait = b""  # nothing can be said here
    world.connection.check(world.now + 11)
    world.echo.hold.set()
    await settle()
    assert world.pipe.written == b"hello some wait slow"
    world.echo.wait = b"wait "
    world.connection.check(world.now + 11)
    assert world.pipe.written == b"hello some wait slow"  # nobody waits any more


async def test_who_idles_may_be_told_that_we_are_there(world: World) -> None:
    began = world.now
    world.echo.wait = b"here "
    world.connection.check(began + 60)
    assert world.pipe.written == b"hello "
    deadline = world.connection.deadline
    world.connection.check(began + 99)
    world.connection.check(began + 121)  # it was silent for too long by now
    assert world.pipe.written == b"hello here too slow"
    assert world.connection.deadline < deadline


async def test_nothing_is_said_to_who_does_not_read(world: World) -> None:
    world.echo.wait = b"wait "
    world.connection.pause_writing()
    world.connection.data_received(b"much")
    await settle()
    written = len(world.pipe.written)
    world.connection.check(world.now + 11)
    assert len(world.pipe.written) == written
    # Not even between the moment when it reads again and the rest of what it is told.
    world.connection.resume_writing()
    world.connection.check(world.now + 11)
    assert len(world.pipe.written) == written
    await settle()
    assert world.pipe.written == b"hello " + b"x" * 2_000_000 + b"much"


async def test_who_sends_without_a_pause_is_not_silent(world: World) -> None:
    loop = asyncio.get_running_loop()
    world.connection.deadline = loop.time() - 1  # as after a long time of steady work
    world.connection.data_received(b"a")
    await settle()
    world.connection.check(world.now)
    assert not world.pipe.is_closed


async def test_a_connection_has_a_longest_life(world: World) -> None:
    world.echo.lifetime = 50
    world.connection.check(world.now + 51)
    assert world.pipe.is_closed


async def test_news_come_while_the_client_idles(world: World) -> None:
    world.connection.data_received(b"idle")
    await settle()
    # What happened before it listened is told at once.
    assert world.pipe.written == b"hello idlenews "
    world.wakers[0]()
    world.wakers[0]()
    await settle()
    assert world.pipe.written == b"hello idlenews news "
    world.echo.idles_for = None
    world.connection.data_received(b"done")
    await settle()
    assert world.wakers == []


async def test_a_client_may_wait_for_several_accounts(world: World) -> None:
    world.echo.others = {AccountId(8), AccountId(9)}
    world.connection.data_received(b"idle")
    await settle()
    assert len(world.wakers) == 3
    world.echo.others = {AccountId(9)}
    world.connection.data_received(b"x")
    await settle()
    assert len(world.wakers) == 2


async def test_a_drain_lets_a_busy_client_finish(world: World) -> None:
    world.echo.busy = True
    world.connection.drain()
    assert not world.pipe.is_closed
    world.echo.busy = False
    world.connection.drain()
    assert world.pipe.written == b"hello going down"


async def test_a_client_that_is_not_let_in_is_told_why() -> None:
    async with ServerTasks() as tasks:
        world = World(tasks)
        pipe = Pipe()
        refused = Connection(world.host, lambda _: b"no room")
        refused.connection_made(pipe)
        refused.data_received(b"hello?")
        await settle()
        refused.check(world.now + 1e6)
        refused.connection_lost(None)
    assert pipe.written == b"no room"
    assert pipe.is_closed


async def test_a_socket_that_is_gone_before_it_is_seen() -> None:
    async with ServerTasks() as tasks:
        world = World(tasks)
        pipe = Pipe()
        pipe._extra["peername"] = None  # type: ignore[attr-defined]  # asyncio's own place for it
        early = Connection(world.host, lambda _: cast(Conversation, Echo()))
        early.connection_made(pipe)
        early.connection_lost(None)
    assert early.peer == ""
