"""A small IMAP client that counts what a command returns and keeps little of it."""

import re
import select
import socket
import ssl
import time
from collections.abc import Sequence

from bench.servers import HOST, PASSWORD, Server

_READ_OCTETS = 262_144
_TAIL_OCTETS = 16_384
_PATIENCE_SECONDS = 300.0
_WINDOW = 50  # APPEND commands under way
_EXISTS = re.compile(rb"\* (\d+) EXISTS\r\n")
_MESSAGES = re.compile(rb"MESSAGES (\d+)")


class Imap:
    """A connection with somebody logged in. Raises `RuntimeError` for what is refused."""

    def __init__(self, server: Server, user: str, *, tls: bool = False) -> None:
        port = server.ports["imaps" if tls else "imap"]
        self._socket = socket.create_connection((HOST, port), _PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self._socket = _tls_context().wrap_socket(self._socket)
        self._tag = 0
        self._rest = b""
        self._read_until(b"\r\n")
        self.run(f'LOGIN "{user}" "{PASSWORD}"')

    def run(self, command: str) -> bytes:
        """Send a command and return all that came up to the tagged reply."""
        octets: list[bytes] = []
        self._carry_out(command, octets, None)
        return b"".join(octets)

    def count(self, command: str, wanted: bytes) -> int:
        """How often something is in the answer, which is not kept."""
        return self._carry_out(command, None, wanted)

    def select(self, mailbox: str) -> int:
        """The number of its messages."""
        found = _EXISTS.findall(self.run(f"SELECT {mailbox}"))
        return int(found[-1]) if found else 0

    def messages(self, mailbox: str) -> int:
        found = _MESSAGES.search(self.run(f"STATUS {mailbox} (MESSAGES)"))
        return int(found[1]) if found else 0

    def append(self, mailbox: str, messages: Sequence[bytes]) -> None:
        """With literals that do not wait (RFC 7888), many under way at a time."""
        for start in range(0, len(messages), _WINDOW):
            tags = []
            octets = []
            for message in messages[start : start + _WINDOW]:
                tags.append(self._new_tag())
                octets += [tags[-1], b" APPEND %b {%d+}\r\n" % (mailbox.encode(), len(message))]
                octets += [message, b"\r\n"]
            self._socket.sendall(b"".join(octets))
            answer = self._read_until(tags[-1] + b" ")
            if answer.count(b" OK ") + self._read_until(b"\r\n").count(b"OK ") < len(tags):
                raise RuntimeError(f"APPEND: {answer[-200:].decode('utf-8', 'replace')}")

    def multiappend(self, mailbox: str, messages: Sequence[bytes]) -> None:
        """All in one command (RFC 3502)."""
        tag = self._new_tag()
        octets = [b" {%d+}\r\n%b" % (len(message), message) for message in messages]
        self._socket.sendall(b"".join([tag, b" APPEND ", mailbox.encode(), *octets, b"\r\n"]))
        self._read_until(tag + b" ")
        answer = self._read_until(b"\r\n")
        if not answer.startswith(b"OK"):
            raise RuntimeError(f"APPEND: {answer[-200:].decode('utf-8', 'replace')}")

    def idle(self) -> None:
        """RFC 2177; what comes then is for `wait_for_exists`."""
        self._socket.sendall(self._new_tag() + b" IDLE\r\n")
        self._read_until(b"\r\n")

    def wait_for_exists(self, seconds: float) -> float:
        """When (by `time.perf_counter`) an EXISTS has come."""
        deadline = time.monotonic() + seconds
        while not _EXISTS.search(self._rest):
            if not select.select([self._socket], [], [], deadline - time.monotonic())[0]:
                raise RuntimeError("no EXISTS has come")
            self._rest += self._received()
        self._rest = b""
        return time.perf_counter()

    def close(self) -> None:
        self._socket.close()

    def _new_tag(self) -> bytes:
        self._tag += 1
        return b"t%06d" % self._tag

    def _received(self) -> bytes:
        octets = self._socket.recv(_READ_OCTETS)
        if not octets:
            raise RuntimeError("the server closed the connection")
        return octets

    def _read_until(self, end: bytes) -> bytes:
        """All up to and with `end`; the rest is kept for the next call."""
        octets = self._rest
        while (at := octets.find(end)) < 0:
            octets += self._received()
        self._rest = octets[at + len(end) :]
        return octets[: at + len(end)]

    def _carry_out(self, command: str, kept: list[bytes] | None, wanted: bytes | None) -> int:
        tag = self._new_tag()
        self._socket.sendall(tag + b" " + command.encode() + b"\r\n")
        tail, self._rest = self._rest, b""
        hits = 0
        while True:
            octets = self._received()
            if kept is not None:
                kept.append(octets)
            if wanted is not None:
                # What the cut between two reads has parted counts too.
                hits += (tail[1 - len(wanted) :] + octets).count(wanted)
            tail = (tail + octets)[-_TAIL_OCTETS:]
            if tail.endswith(b"\r\n"):
                last = tail[tail.rfind(b"\r\n", 0, -2) + 2 if tail.count(b"\r\n") > 1 else 0 :]
                if last.startswith(tag + b" "):
                    break
        if not last.startswith(tag + b" OK"):
            word = command.split(" ", 1)[0]
            raise RuntimeError(f"{word}: {last.decode('utf-8', 'replace').strip()}")
        return hits


def _tls_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # our own servers, with certificates of their own making
    return context
