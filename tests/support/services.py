"""Redis and NATS for the tests, from Debian's programs, on loopback and without files."""

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from interop.programs import need
from support.ports import HOST, free_ports

_START_SECONDS = 20


class Service:
    """A program that listens on a port of its own, and may be ended and started again."""

    def __init__(self, words: Sequence[str], port: int) -> None:
        self.port = port
        self._words = words
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, f"{self._words[0]} ended by itself"
            assert time.monotonic() < deadline, f"{self._words[0]} does not listen"
            time.sleep(0.02)

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _answers(self) -> bool:
        with socket.socket() as one:
            return one.connect_ex((HOST, self.port)) == 0


@contextmanager
def _running(service: Service) -> Iterator[Service]:
    service.start()
    try:
        yield service
    finally:
        service.kill()


@pytest.fixture
def redis_server() -> Iterator[Service]:
    (port,) = free_ports(1)
    words = [need("redis-server", "redis-server"), "--port", str(port), "--bind", HOST]
    with _running(Service([*words, "--save", "", "--appendonly", "no"], port)) as service:
        yield service


@pytest.fixture
def sentinel(redis_server: Service, tmp_path: Path) -> Iterator[Service]:
    """It watches `redis_server` under the name `mail`."""
    (port,) = free_ports(1)
    config = tmp_path / "sentinel.conf"
    config.write_text(
        f"port {port}\nbind {HOST}\ndir {tmp_path}\n"
        f"sentinel monitor mail {HOST} {redis_server.port} 1\n"
    )
    words = [need("redis-server", "redis-server"), str(config), "--sentinel"]
    with _running(Service(words, port)) as service:
        yield service


@pytest.fixture
def nats_server() -> Iterator[Service]:
    (port,) = free_ports(1)
    words = [need("nats-server", "nats-server"), "-a", HOST, "-p", str(port)]
    with _running(Service(words, port)) as service:
        yield service
