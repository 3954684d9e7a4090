"""A server that is measured: where it listens, who its users are, and what it costs."""

import contextlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

HOST = "127.0.0.1"
DOMAIN = "bench.test"
PASSWORD = "a password of the benchmark"
USERS = tuple(f"user{number}@{DOMAIN}" for number in range(8))


@dataclass(frozen=True, slots=True)
class Server:
    """`pids` are the roots of its process trees; `stop` ends them."""

    name: str
    ports: dict[str, int]  # smtp, imap, imaps; http where it has the REST API
    pids: tuple[int, ...]
    stop: Callable[[], None]
    api_key: str = ""

    def processes(self) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for pid in self.pids:
            with contextlib.suppress(psutil.NoSuchProcess):
                root = psutil.Process(pid)
                found += [root, *root.children(recursive=True)]
        return found

    def cpu_seconds(self) -> float:
        """CPU time so far, of processes that have ended too (those in steps of 10 ms)."""
        total = 0.0
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.children_user + times.children_system
                total += _exact_cpu_seconds(process.pid, times.user + times.system)
        return total

    def pss_octets(self) -> int:
        """Memory, shared pages divided among the processes that share them."""
        total = 0
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += int(process.memory_full_info().pss)
        return total


def _exact_cpu_seconds(pid: int, otherwise: float) -> float:
    """The process's CPU clock, which Linux counts in nanoseconds (see clock_getcpuclockid)."""
    with contextlib.suppress(OSError):
        return time.clock_gettime((~pid << 3) | 2)
    return otherwise


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody uses now."""
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(count):
            one = stack.enter_context(socket.socket())
            one.bind((HOST, 0))
            found.append(int(one.getsockname()[1]))
        return found


def wait_for(port: int, log: Path, seconds: float = 40.0) -> None:
    """Until somebody listens. Raises `RuntimeError` with the end of the log."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
            return
        time.sleep(0.05)
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    raise RuntimeError(f"nobody listens on port {port}\n{text[-2000:]}")


def end_tree(pids: tuple[int, ...], seconds: float = 15.0) -> None:
    """SIGTERM to the roots, and SIGKILL to what of their trees is still there later."""
    members: list[psutil.Process] = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(pid)
            members += [root, *root.children(recursive=True)]
            root.terminate()
    _, alive = psutil.wait_procs(members, seconds)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
