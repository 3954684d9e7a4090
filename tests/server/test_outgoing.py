"""The running server and a peer that is slow: nothing is sent twice because we end."""

import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from server.talking import plain, talk
from support.dnsserver import DnsServer
from support.ports import HOST
from support.server import BOB, MakeServer, RunningServer

pytestmark = pytest.mark.slow


class SlowPeer:
    """Takes a message, and lets us wait for its reply."""

    def __init__(self, seconds: float) -> None:
        self._listening = socket.create_server((HOST, 0))
        self._seconds = seconds
        self.port = int(self._listening.getsockname()[1])
        self.messages: list[bytes] = []
        self.answered = 0
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                try:
                    self._talk(stream)  # type: ignore[arg-type]  # a pair of reader and writer
                except OSError:
                    continue

    def _talk(self, stream: socket.SocketIO) -> None:
        def say(line: bytes) -> None:
            stream.write(line + b"\r\n")
            stream.flush()

        say(b"220 slow")
        while line := stream.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                say(b"354 go on")
                lines = []
                while (line := stream.readline()) not in (b".\r\n", b""):
                    lines.append(line)
                self.messages.append(b"".join(lines))
                time.sleep(self._seconds)
                say(b"250 ok")
                self.answered += 1
            else:
                say(b"221 bye" if verb == b"QUIT" else b"250 ok")

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.thread.join(10)


@contextmanager
def slow_peer(seconds: float) -> Iterator[SlowPeer]:
    peer = SlowPeer(seconds)
    peer.thread.start()
    try:
        yield peer
    finally:
        peer.close()


def _submit(server: RunningServer, word: str) -> None:
    with talk(server, "submissions", tls=True) as client:
        client.ask(b"EHLO here.test")
        assert client.ask(plain(server, BOB)).startswith(b"235")
        client.ask(f"MAIL FROM:<{BOB}>".encode())
        assert client.ask(b"RCPT TO:<carol@slow.test>").startswith(b"250")
        client.ask(b"DATA")
        client.send(f"From: {BOB}\r\nSubject: {word}\r\n\r\nText\r\n.\r\n".encode())
        assert client.reply().startswith(b"250")


def test_a_delivery_under_way_is_finished_before_the_end(
    make_server: MakeServer, dns_server: DnsServer
) -> None:
    dns_server.add("slow.test", "A", HOST)
    with slow_peer(2) as peer:
        server = make_server(
            {
                "delivery.mode": "live",
                "delivery.port": peer.port,
                "delivery.private_networks": True,
                "dns.servers": [dns_server.address],
                "shutdown.grace": "10s",
            }
        )
        _submit(server, secrets.token_hex(8))
        deadline = time.monotonic() + 15
        while not peer.messages:
            assert time.monotonic() < deadline, server.log()
            time.sleep(0.02)
        server.restart()
        assert server.json("queue", "list") == []
    assert len(peer.messages) == peer.answered == 1
