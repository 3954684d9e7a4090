"""A mail server of elsewhere: it takes what comes, and now and then it does not."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from crash.ledger import KEY, body_of

REFUSED = "refused"
"""Forward paths that begin so are refused for good."""


@dataclass(frozen=True, slots=True)
class Receipt:
    forward_path: str
    key: str
    at: float  # when it was named, in seconds since 1970


@dataclass(slots=True)
class Sink:
    """`receipts` has each message once for each recipient, every time it was sent."""

    port: int
    chance: Random
    receipts: list[Receipt] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def happens(self, percent: float) -> bool:
        with self.lock:
            return self.chance.random() * 100 < percent

    def take(self, paths: list[tuple[str, float]], message: bytes) -> None:
        match = KEY.search(message)
        key = match[1].decode() if match else ""
        with self.lock:
            self.receipts += [Receipt(path, key, at) for path, at in paths]
            if not key or (key.startswith("sub") and not message.endswith(body_of(key))):
                self.damaged.append(key or message[:200].decode("latin-1"))


class _Handler(socketserver.StreamRequestHandler):
    sink: Sink
    timeout = 60

    def handle(self) -> None:
        try:
            self._converse()
        except OSError:
            return

    def _converse(self) -> None:
        self._say("220 sink.elsewhere.test ready")
        paths: list[tuple[str, float]] = []
        while line := self.rfile.readline():
            verb = line[:4].upper().strip()
            if verb == b"EHLO":
                self._say("250-sink.elsewhere.test\r\n250-PIPELINING\r\n250 8BITMIME")
            elif verb == b"RCPT":
                self._recipient(line.partition(b"<")[2].partition(b">")[0].decode(), paths)
            elif verb == b"DATA":
                if not self._data(paths):
                    return
                paths = []
            elif verb in (b"MAIL", b"RSET", b"NOOP"):
                paths = []
                self._say("250 ok")
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("500 what?")

    def _recipient(self, path: str, paths: list[tuple[str, float]]) -> None:
        if path.startswith(REFUSED):
            self._say("550 5.1.1 nobody")
        elif self.sink.happens(4):
            self._say("451 4.3.0 not now")
        else:
            paths.append((path, time.time()))
            self._say("250 ok")

    def _data(self, paths: list[tuple[str, float]]) -> bool:
        """False to hang up: the message has arrived, and the other side does not know."""
        if not paths:
            self._say("554 no recipients")
            return True
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            lines.append(line[1:] if line.startswith(b".") else line)
        if self.sink.happens(4):
            self._say("451 4.3.0 not this time")
            return True
        self.sink.take(paths, b"".join(lines))
        if self.sink.happens(2):
            return False
        self._say("250 taken")
        return True

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


@contextmanager
def running_sink(chance: Random) -> Iterator[Sink]:
    class Handler(_Handler):
        pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        sink = Handler.sink = Sink(int(server.server_address[1]), chance)
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join(5)
