"""Tasks: what fails is logged once, what lasts is ended."""

import asyncio
import logging
import threading
from datetime import timedelta

import pytest

from postroad.server.tasks import ServerTasks

SOON, LONG = timedelta(milliseconds=20), timedelta(seconds=20)


async def test_jobs_together_give_their_results_in_order() -> None:
    async def job(value: int, seconds: float) -> int:
        await asyncio.sleep(seconds)
        return value

    async with ServerTasks() as tasks:
        found = await tasks.together([lambda: job(1, 0.02), lambda: job(2, 0)], LONG)
    assert found == [1, 2]


async def test_a_late_job_is_given_up_and_the_others_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def quick() -> str:
        return "done"

    async def late() -> str:
        await asyncio.sleep(60)
        return "never"

    async def broken() -> str:
        raise RuntimeError("a bug")

    async with ServerTasks() as tasks:
        found = await tasks.together([quick, late, broken], SOON)
    assert found == ["done", None, None]
    assert [one.getMessage() for one in caplog.records if one.exc_info] == ["a job failed"]


async def test_what_runs_at_the_end_is_cancelled() -> None:
    ended: list[str] = []

    async def lasting(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(name)

    async with ServerTasks() as tasks:
        tasks.start("one", lambda: lasting("one"))
        tasks.every("two", SOON, lambda: lasting("two"))
        await asyncio.sleep(0.1)
    assert sorted(ended) == ["one", "two"]


async def test_after_an_error_something_else_is_done_instead(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[str] = []
    end = asyncio.Event()

    async def broken() -> None:
        raise ValueError("a bug")

    async def instead() -> None:
        done.append("instead")
        end.set()

    async def never() -> None:
        done.append("never")

    async with ServerTasks() as tasks:
        tasks.start("job", broken, broken, instead, never)
        async with asyncio.timeout(10):
            await end.wait()
    assert done == ["instead"]
    assert [one.levelno for one in caplog.records] == [logging.ERROR] * 2


async def test_a_duty_that_fails_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    calls = 0
    enough = asyncio.Event()

    async def job() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            enough.set()
        raise ValueError("a bug")

    async with ServerTasks() as tasks:
        tasks.every("duty", timedelta(milliseconds=1), job)
        async with asyncio.timeout(10):
            await enough.wait()
    errors = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert len(errors) >= 2
    assert vars(errors[0])["job"] == "duty"


async def test_offloaded_work_runs_elsewhere_and_raises_here() -> None:
    def fail() -> None:
        raise KeyError("here")

    async with ServerTasks() as tasks:
        thread = await tasks.offload(threading.current_thread)
        assert thread is not threading.main_thread()
        with pytest.raises(KeyError):
            await tasks.offload(fail)


async def test_a_job_that_the_server_needs_runs_again_after_a_bug() -> None:
    calls = 0
    ended = asyncio.Event()

    async def job() -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise ValueError("a bug")
        ended.set()

    async with ServerTasks() as tasks:
        tasks.keep("queue", job, timedelta(milliseconds=1))
        async with asyncio.timeout(10):
            await ended.wait()
        await asyncio.sleep(0.01)
    assert calls == 3
