"""A client that says octets, whatever they are, and reads what comes back."""

import base64
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from support.server import RunningServer

_PATIENCE_SECONDS = 20.0


class Talk:
    """One connection, read line by line."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._unread = b""

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def line(self) -> bytes:
        """The next line with its end, or what came before the end of the connection."""
        while b"\n" not in self._unread:
            octets = self._receive()
            if not octets:
                break
            self._unread += octets
        found, end, self._unread = self._unread.partition(b"\n")
        return found + end

    def reply(self) -> bytes:
        """The last line of the next SMTP reply."""
        while (line := self.line())[3:4] == b"-":
            pass
        return line

    def ask(self, command: bytes) -> bytes:
        """A command of SMTP, and the last line of its reply."""
        self.send(command + b"\r\n")
        return self.reply()

    def until(self, start: bytes) -> list[bytes]:
        """Lines up to the one that begins so; raises `AssertionError` when there is none."""
        lines = [self.line()]
        while not lines[-1].startswith(start):
            assert lines[-1], f"the connection ended before {start!r}: {lines[-5:]}"
            lines.append(self.line())
        return lines

    def do(self, command: bytes) -> bytes:
        """A command of IMAP without its tag, and its tagged response."""
        self.send(b"t " + command + b"\r\n")
        return self.until(b"t ")[-1]

    def rest(self) -> bytes:
        """All until the other side closes."""
        found, self._unread = self._unread, b""
        while octets := self._receive():
            found += octets
        return found

    def is_silent(self, seconds: float = 0.3) -> bool:
        """Whether nothing comes, and the connection stays."""
        before = self.socket.gettimeout()
        self.socket.settimeout(seconds)
        try:
            self._unread += self.socket.recv(65_536) or b"\n"
        except TimeoutError:
            return not self._unread
        finally:
            self.socket.settimeout(before)
        return False

    def start_tls(self, server: RunningServer) -> None:
        self.socket = server.tls().wrap_socket(self.socket, server_hostname="localhost")

    def end_sending(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def _receive(self) -> bytes:
        try:
            return self.socket.recv(65_536)
        except (ConnectionError, ssl.SSLError):
            return b""


@contextmanager
def talk(server: RunningServer, service: str, *, tls: bool = False) -> Iterator[Talk]:
    """A connection whose greeting was read."""
    talking = Talk(server.connect(service))
    try:
        if tls:
            talking.start_tls(server)
        assert talking.line()[:4] in (b"220 ", b"* OK")
        yield talking
    finally:
        with suppress(OSError):
            talking.socket.close()


@contextmanager
def imap(server: RunningServer, who: str, mailbox: str = "INBOX") -> Iterator[Talk]:
    """Logged in over TLS, with a mailbox selected that is made if need be."""
    with talk(server, "imaps", tls=True) as client:
        password = server.passwords[who]
        assert client.do(f'LOGIN {who} "{password}"'.encode()).startswith(b"t OK")
        if mailbox != "INBOX":
            client.do(f"CREATE {mailbox}".encode())
        assert client.do(f"SELECT {mailbox}".encode()).startswith(b"t OK")
        yield client


def plain(server: RunningServer, who: str) -> bytes:
    """AUTH PLAIN with its initial response."""
    secret = f"\0{who}\0{server.passwords[who]}".encode()
    return b"AUTH PLAIN " + base64.b64encode(secret)


def deliver(server: RunningServer, to: str, message: bytes) -> bytes:
    """Bring a message as another server does; the last reply."""
    with talk(server, "smtp") as client:
        client.ask(b"EHLO elsewhere.test")
        client.ask(b"MAIL FROM:<eve@elsewhere.test>")
        assert client.ask(f"RCPT TO:<{to}>".encode()).startswith(b"250")
        assert client.ask(b"DATA").startswith(b"354")
        client.send(re.sub(rb"(?m)^\.", b"..", message) + b".\r\n")
        return client.reply()


def count(client: Talk, mailbox: str = "INBOX") -> int:
    """How many messages a mailbox has."""
    client.send(f"n STATUS {mailbox} (MESSAGES)\r\n".encode())
    found = re.search(rb"MESSAGES (\d+)", b"".join(client.until(b"n ")))
    assert found
    return int(found[1])


def wait_until_closed(client: Talk, seconds: float = 15) -> bytes:
    """What is said before the server closes."""
    client.socket.settimeout(seconds)
    began = time.monotonic()
    said = client.rest()
    assert time.monotonic() - began < seconds
    return said


def wait_for_log(server: RunningServer, text: str, times: int = 1) -> None:
    """Until the server's log has a text, and so often."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while server.log().count(text) < times:
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.05)
