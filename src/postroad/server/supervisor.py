"""Worker processes: started, watched, started anew when they die, and ended in good order.

The supervisor has one thread and no event loop of its own: it forks, and a copy of a process with
threads is not sound. It handles no mail, so there is little that could make it fail.

    starting --ready--> serving --death--> waiting --pause is over--> starting
        |                                     ^
        +------------------death--------------+     too often before it was ready: all is given up
"""

import contextlib
import logging
import os
import selectors
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType

from postroad.base.errors import Invalid, MailError

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 30.0
_LONGEST_SILENCE_SECONDS = 0.5  # in which no worker is there at all
_QUIET_SECONDS = 60.0  # of service, after which earlier deaths are forgiven
_MOST_FALSE_STARTS = 5
_MORE_SECONDS = 10.0  # to end after the time of grace
_READY = b"ready\n"
_WORST_REPORT = 4096
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@dataclass(slots=True)
class _Worker:
    number: int
    pid: int = 0  # 0: none now
    report: int = -1  # where it says that it is ready, or why it is not
    said: bytes = b""
    is_ready: bool = False
    began_at: float = 0.0
    start_at: float = 0.0
    deaths: int = 0  # in a row
    false_starts: int = 0  # in a row


@dataclass(frozen=True, slots=True)
class Plan:
    """What workers do, and what is to be done around them."""

    count: int
    grace_seconds: float
    work: Callable[[int, int, Callable[[], None]], None]
    """Number, lifeline and `ready`, in a new process: serve until SIGTERM, or until the lifeline
    can be read, which is when the supervisor is gone."""
    died: Callable[[int], None]
    """The worker of this number is gone, however; what it held is to be freed."""
    ready: Callable[[], None]
    """All serve, for the first time."""
    stopping: Callable[[], None]
    """From now on nobody new is let in."""
    reload: Callable[[], None]
    """On SIGHUP, before the workers are told."""


@dataclass(slots=True)
class Supervisor:
    plan: Plan
    _workers: list[_Worker] = field(init=False)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _lifeline: tuple[int, int] = field(default_factory=os.pipe)
    _wakeup: tuple[int, int] = field(default_factory=os.pipe)
    _why: str = ""  # all is given up
    _stop_at: float | None = None  # when those who do not end are killed
    _was_ready: bool = False

    def __post_init__(self) -> None:
        self._workers = [_Worker(number) for number in range(self.plan.count)]

    def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises `Invalid` when there is no serving."""
        with self._signals():
            for worker in self._workers:
                self._start(worker)
            while self._stop_at is None or any(worker.pid for worker in self._workers):
                self._wait()
                self._reap()
                self._look_at_clock()
        if self._why:
            raise Invalid(self._why)

    @property
    def pids(self) -> list[int]:
        return [worker.pid for worker in self._workers]

    # Signals

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        for end in self._wakeup:
            os.set_blocking(end, False)
        self._selector.register(self._wakeup[0], selectors.EVENT_READ)
        before = {name: signal.signal(name, _nothing) for name in _SIGNALS}
        old = signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(old)
            for name, handler in before.items():
                signal.signal(name, handler)
            self._selector.close()
            for end in (*self._wakeup, *self._lifeline):
                os.close(end)

    def _wait(self) -> None:
        """Until something happens: a signal, a word of a worker, or the end of a pause."""
        for key, _ in self._selector.select(self._patience()):
            if key.fd == self._wakeup[0]:
                for number in os.read(key.fd, 1000):
                    self._obey(signal.Signals(number))
            else:
                self._hear(key.data)

    def _patience(self) -> float | None:
        moments = [] if self._stop_at is None else [self._stop_at]
        if self._stop_at is None:
            moments = [worker.start_at for worker in self._workers if not worker.pid]
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _obey(self, wanted: signal.Signals) -> None:
        if wanted in (signal.SIGTERM, signal.SIGINT):
            self._stop()
        elif wanted == signal.SIGHUP:
            self.plan.reload()
            self._tell(signal.SIGHUP)

    def _stop(self) -> None:
        if self._stop_at is None:
            log.info("stopping", extra={"workers": sum(1 for one in self._workers if one.pid)})
            self._stop_at = time.monotonic() + self.plan.grace_seconds + _MORE_SECONDS
            self.plan.stopping()
        self._tell(signal.SIGTERM)

    def _tell(self, what: signal.Signals) -> None:
        for worker in self._workers:
            if worker.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, what)

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        if self._stop_at is not None:
            if now >= self._stop_at:
                log.error("workers that do not end are killed")
                self._tell(signal.SIGKILL)
                self._stop_at = now + _MORE_SECONDS
            return
        for worker in self._workers:
            if not worker.pid and now >= worker.start_at:
                self._start(worker)

    # Workers

    def _start(self, worker: _Worker) -> None:
        reader, writer = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        # A signal to the copy must not be taken for one to us: both would write to the same pipe.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if not pid:
            os.close(reader)
            self._become(worker.number, writer)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(writer)
        os.set_blocking(reader, False)
        worker.pid, worker.report, worker.said = pid, reader, b""
        worker.is_ready, worker.began_at = False, time.monotonic()
        self._selector.register(reader, selectors.EVENT_READ, worker)
        log.info("worker started", extra={"worker": worker.number, "pid": pid})

    def _become(self, number: int, report: int) -> None:
        """In the new process, which never returns from here."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for name in _SIGNALS:
                signal.signal(name, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # settings are read once more, later
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            self._selector.close()
            for end in (*self._wakeup, self._lifeline[1]):
                os.close(end)
            self.plan.work(number, self._lifeline[0], lambda: _say(report, _READY))
            code = 0
        except MailError as error:
            _say(report, str(error).encode("utf-8", "replace")[:_WORST_REPORT])
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _hear(self, worker: _Worker) -> None:
        """A worker says something, or its end of the pipe is closed."""
        octets = os.read(worker.report, _WORST_REPORT)
        if not octets:
            self._close_report(worker)
            return
        worker.said = (worker.said + octets)[:_WORST_REPORT]
        if worker.said == _READY:
            worker.is_ready, worker.said, worker.false_starts = True, b"", 0
            if not self._was_ready and all(one.is_ready for one in self._workers):
                self._was_ready = True
                self.plan.ready()

    def _close_report(self, worker: _Worker) -> None:
        if worker.report >= 0:
            self._selector.unregister(worker.report)
            os.close(worker.report)
            worker.report = -1

    def _reap(self) -> None:
        for worker in self._workers:
            if not worker.pid:
                continue
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid:
                while worker.report >= 0:  # what it said last
                    self._hear(worker)
                self._bury(worker, os.waitstatus_to_exitcode(status))

    def _bury(self, worker: _Worker, code: int) -> None:
        pid, worker.pid = worker.pid, 0
        self.plan.died(worker.number)
        if self._stop_at is not None:
            return
        lived = time.monotonic() - worker.began_at
        why = worker.said.decode("utf-8", "replace") or _ended(code)
        worker.deaths = 1 if worker.is_ready and lived > _QUIET_SECONDS else worker.deaths + 1
        worker.false_starts = 0 if worker.is_ready else worker.false_starts + 1
        if self._is_hopeless(worker):
            self._why = f"a worker cannot start: {why}"
            self._stop()
            return
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** (worker.deaths - 1), _LONGEST_PAUSE_SECONDS)
        worker.start_at = time.monotonic() + pause
        extra = {"worker": worker.number, "pid": pid, "why": why, "again_in_seconds": pause}
        log.warning("worker died", extra=extra)
        if not any(one.pid for one in self._workers):
            next_one = min(self._workers, key=lambda one: one.start_at)
            soon = time.monotonic() + _LONGEST_SILENCE_SECONDS
            next_one.start_at = min(next_one.start_at, soon)

    def _is_hopeless(self, worker: _Worker) -> bool:
        """What a worker says itself at the first start will not get better by itself."""
        if worker.said and not self._was_ready:
            return True
        return worker.false_starts >= _MOST_FALSE_STARTS


def _nothing(number: int, frame: FrameType | None) -> None:
    """A signal is noticed by its octet in the wake-up pipe."""


def _say(report: int, octets: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(report, octets)


def _ended(code: int) -> str:
    if code >= 0:
        return f"exit {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
