"""All spoilt commands over a socket, and clients that leave things open: nobody else suffers."""

import re
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest

from postroad.sessions.imap.commands import FEATURES
from server.talking import Talk, imap, talk, wait_until_closed
from sessions.imap.campaign import Attempt, attempts
from support.server import ALICE, BOB, MakeServer, RunningServer

_MESSAGES = 300
_WORST_SECONDS = 2.0
_MORE_OCTETS = 60_000_000
_LOGIN_WORDS = (b"LOGIN", b"AUTHENTICATE")  # failures are counted, and slowed down


@contextmanager
def _bystander(server: RunningServer) -> Iterator[list[float]]:
    """Somebody else who works meanwhile; how long each of his commands took."""
    waits: list[float] = []
    over = threading.Event()

    def work() -> None:
        with imap(server, BOB) as client:
            while not over.wait(0.05):
                began = time.monotonic()
                assert client.do(b"STATUS INBOX (MESSAGES)").startswith(b"t OK")
                waits.append(time.monotonic() - began)

    worker = threading.Thread(target=work)
    worker.start()
    while not waits and worker.is_alive():
        time.sleep(0.01)
    try:
        yield waits
    finally:
        over.set()
        worker.join(30)


@contextmanager
def _harmless(server: RunningServer) -> Iterator[None]:
    """What happens inside costs bounded memory, and a bystander hardly anything."""
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    with _bystander(server) as waits:
        yield
    assert max(waits) < _WORST_SECONDS
    assert process.memory_info().rss - before < _MORE_OCTETS


class _Hostile:
    """One connection that is opened anew where it was closed."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server
        self._talk: Talk | None = None

    def attempt(self, attempt: Attempt) -> None:
        client = self._connected()
        began = time.monotonic()
        with suppress(ConnectionError):
            client.send(b"t " + attempt.command + b"\r\n")
        lines = self._answer(client)
        shown = f"{attempt.command[:200]!r}: {lines[-3:]!r}"
        assert time.monotonic() - began < 2 * _WORST_SECONDS, shown
        assert re.match(rb"t (OK|NO|BAD) |\* BAD |\* BYE ", lines[-1]), shown
        assert not (attempt.must_fail and lines[-1].startswith(b"t OK")), shown
        if lines[-1].startswith(b"* BYE") or not self._goes_on(client):
            self.close()

    def close(self) -> None:
        if self._talk is not None:
            self._talk.socket.close()
        self._talk = None

    def _connected(self) -> Talk:
        if self._talk is None:
            client = self._talk = Talk(self._server.connect("imap"))
            password = self._server.passwords[ALICE]
            assert client.line().startswith(b"* OK")
            assert client.do(f'LOGIN {ALICE} "{password}"'.encode()).startswith(b"t OK")
            assert client.do(b"ENABLE QRESYNC").startswith(b"t OK")
            client.do(b"SELECT INBOX")
        return self._talk

    def _answer(self, client: Talk) -> list[bytes]:
        """Up to the end of the command; what waits for more is brought to an end."""
        lines = [client.line()]
        while not re.match(rb"t |\* BAD |\* BYE |\Z", lines[-1]):
            if lines[-1].startswith(b"+ "):
                with suppress(ConnectionError):
                    client.send(b"*\r\n")
            lines.append(client.line())
        return lines

    def _goes_on(self, client: Talk) -> bool:
        """Whether it does; where it does not, that was said."""
        with suppress(ConnectionError):
            client.send(b"z NOOP\r\n")
        while (line := client.line()).startswith((b"* ", b"t ")):
            if line.startswith(b"* BYE"):
                return False
        return line.startswith(b"z ")


@pytest.mark.slow
def test_every_spoilt_command(make_server: MakeServer) -> None:
    server = make_server({"auth.cleartext": "loopback"})
    message = b"Subject: hello\r\n\r\n" + b"text\r\n" * 500
    with imap(server, ALICE) as client:
        client.do(b"CREATE Old")
        for _ in range(_MESSAGES):
            client.send(b"t APPEND INBOX {%d+}\r\n%b\r\n" % (len(message), message))
            client.until(b"t OK")
    with _harmless(server):
        hostile = _Hostile(server)
        for feature in FEATURES:
            if feature.name in (*_LOGIN_WORDS, b"STARTTLS", b"COMPRESS"):
                continue  # what comes after it is not readable here
            for attempt in attempts(feature.name):
                hostile.attempt(attempt)
            hostile.close()
    assert server.is_ready()


def test_literals_that_never_come(make_server: MakeServer) -> None:
    server = make_server()
    with _harmless(server):
        left = []
        for _ in range(50):
            context = talk(server, "imap")
            client = context.__enter__()
            client.send(b"t ID (" + b'"a" "b" ' * 10 + b"{60000}\r\n")
            assert client.line().startswith(b"+")
            client.send(b"x" * 59_000)
            left.append(context)
        with imap(server, ALICE) as client:
            client.send(b"t APPEND INBOX {40000000}\r\n")
            assert client.line().startswith(b"+")
            for _ in range(300):
                client.send(b"x" * 100_000)
            assert client.is_silent()
        for context in left:
            context.__exit__(None, None, None)
    assert server.is_ready()


def test_idle_without_done(shared_server: RunningServer) -> None:
    with imap(shared_server, ALICE) as client:
        client.send(b"t IDLE\r\n")
        client.until(b"+ ")
        client.send(b"u NOOP\r\n")
        assert client.until(b"t ")[-1].startswith(b"t BAD")
        assert client.do(b"NOOP").startswith(b"t OK")
        client.send(b"t IDLE\r\n")
        client.until(b"+ ")
        with suppress(ConnectionError):
            for _ in range(300):
                client.send(b"x" * 10_000)
        assert b"* BYE" in wait_until_closed(client)


@pytest.mark.slow
def test_a_thousand_messages_in_one_append(make_server: MakeServer) -> None:
    server = make_server()
    count = 1_000  # as many literals as a command may have
    with _harmless(server), imap(server, ALICE, "Many") as client:
        client.send(b"t APPEND Many" + b" {3+}\r\nabc" * count + b"\r\n")
        assert b"APPENDUID" in client.until(b"t ")[-1]
        assert client.do(b"FETCH %d FLAGS" % count).startswith(b"t OK")


def test_a_bomb_in_compression(make_server: MakeServer) -> None:
    server = make_server()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(packer.compress(b"x" * 1_000_000) for _ in range(1_000)) + packer.flush()
    with _harmless(server), imap(server, ALICE) as client:
        assert client.do(b"COMPRESS DEFLATE").startswith(b"t OK")
        with suppress(ConnectionError):
            client.send(bomb)
        said = zlib.decompressobj(-15).decompress(wait_until_closed(client))
        assert said.startswith(b"* BYE [TOOBIG]")
