"""The bounds on HTTP connections, with a clock in the test's hand."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from postroad.server.guardedhttp import GuardedHttp
from server.test_connection import Pipe, settle

_GET = b"GET / HTTP/1.1\r\nHost: x\r\n"


class HandClock:
    """What uvicorn asks of a loop: the running one, but for the time and the timers."""

    def __init__(self) -> None:
        self._real = asyncio.get_running_loop()
        self.create_task = self._real.create_task
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None], asyncio.TimerHandle]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(self.now + delay, callback, (), self._real)
        self.timers.append((self.now + delay, callback, handle))
        return handle

    async def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while due := sorted((one for one in self.timers if one[0] <= end), key=lambda one: one[0]):
            self.timers.remove(due[0])
            self.now = due[0][0]
            if not due[0][2].cancelled():
                due[0][1]()
        self.now = end
        await settle()


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await PlainTextResponse("done")(scope, receive, send)


@pytest.fixture
async def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def pipe(clock: HandClock) -> Pipe:
    return Pipe()


@pytest.fixture
async def http(clock: HandClock, pipe: Pipe) -> GuardedHttp:
    config = uvicorn.Config(_app, log_config=None, lifespan="off", http=GuardedHttp, ws="none")
    made = GuardedHttp(config, ServerState(), {}, cast(asyncio.AbstractEventLoop, clock))
    made.connection_made(pipe)
    return made


async def test_a_head_must_come_in_time(http: GuardedHttp, clock: HandClock, pipe: Pipe) -> None:
    await clock.wait(29)
    assert not pipe.is_aborted
    await clock.wait(2)
    assert pipe.is_aborted


async def test_a_head_that_dribbles_is_cut_off(
    http: GuardedHttp, clock: HandClock, pipe: Pipe
) -> None:
    http.data_received(_GET)
    for _ in range(29):
        await clock.wait(1)
        http.data_received(b"A: b\r\n")
    assert not pipe.is_aborted
    await clock.wait(2)
    assert pipe.is_aborted


async def test_a_body_may_take_long_but_not_be_silent(
    http: GuardedHttp, clock: HandClock, pipe: Pipe
) -> None:
    http.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
    for _ in range(20):
        await clock.wait(50)
        http.data_received(b"x")
    assert not pipe.is_aborted
    await clock.wait(61)
    assert pipe.is_aborted


async def test_between_requests_only_the_keep_alive_timeout_holds(
    http: GuardedHttp, clock: HandClock, pipe: Pipe
) -> None:
    for _ in range(3):
        http.data_received(_GET + b"\r\n")
        await settle()
        await clock.wait(4)
    assert pipe.written.count(b"200 OK") == 3
    assert not pipe.is_closed
    await clock.wait(6)
    assert pipe.is_closed
    assert not pipe.is_aborted


async def test_an_answer_may_take_its_time(
    http: GuardedHttp, clock: HandClock, pipe: Pipe
) -> None:
    http.data_received(_GET + b"\r\n")
    await clock.wait(1000)
    assert not pipe.is_aborted
    http.connection_lost(None)
    await clock.wait(1000)
