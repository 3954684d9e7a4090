"""An HTTP proxy on loopback that does to requests what networks and services do to them."""

import re
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from enum import Enum, auto

from support.ports import HOST

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PIECE = 65_536
_SECONDS = 30


class Does(Enum):
    PASS = auto()
    REFUSE = auto()  # closes before anything is read
    CUT_REQUEST = auto()  # closes when the head is read
    CUT_ANSWER = auto()  # the service does it; half of its answer comes through
    LOSE_ANSWER = auto()  # the service does it; none of its answer comes through
    SLOW_DOWN = auto()
    FAIL = auto()  # 500
    HANG = auto()  # answers nothing for long


Decide = Callable[[str, str], Does]


@dataclass(slots=True)
class FaultyProxy:
    """`decide` is asked for each request, with its method and target.

    `turn` lets one request through at a time, for servers whose conditions do not hold otherwise.
    """

    port: int
    upstream: int
    decide: Decide = lambda method, target: Does.PASS
    latency_seconds: float = 0.0
    turn: "threading.Lock | None" = None
    requests: list[tuple[str, str]] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    def always(self, does: Does) -> None:
        self.decide = lambda method, target: does

    def once(self, does: Does, method: str) -> None:
        """To the next request of that method."""
        left = [does]

        def decide(asked: str, target: str) -> Does:
            return left.pop() if asked == method and left else Does.PASS

        self.decide = decide

    def count(self, method: str) -> int:
        return sum(asked == method for asked, _ in self.requests)


@contextmanager
def faulty_proxy(upstream: int) -> Iterator[FaultyProxy]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.settimeout(_SECONDS)
                _serve(proxy, self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 200

        def handle_error(self, request: object, client_address: object) -> None:
            raise AssertionError("the proxy failed")

    with Server((HOST, 0), Handler) as server:
        proxy = FaultyProxy(server.server_address[1], upstream)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


def _serve(proxy: FaultyProxy, client: socket.socket) -> None:
    """One request; then the connection ends."""
    octets = b""
    while b"\r\n\r\n" not in octets:
        piece = client.recv(_PIECE)
        if not piece:
            return
        octets += piece
    head, _, body = octets.partition(b"\r\n\r\n")
    method, target, _ = head.split(b"\r\n")[0].decode().split(" ", 2)
    proxy.requests.append((method, target))
    does = proxy.decide(method, target)
    time.sleep(proxy.latency_seconds)
    if does in (Does.REFUSE, Does.CUT_REQUEST):
        return
    if does is Does.HANG:
        time.sleep(_SECONDS)
        return
    length = int(match[1]) if (match := _LENGTH.search(head)) else 0
    while len(body) < length:
        piece = client.recv(_PIECE)
        if not piece:
            return
        body += piece
    client.sendall(_answer(proxy, does, head, body))


def _answer(proxy: FaultyProxy, does: Does, head: bytes, body: bytes) -> bytes:
    if does is Does.SLOW_DOWN:
        return _error(b"503 Slow Down", b"SlowDown")
    if does is Does.FAIL:
        return _error(b"500 Internal Server Error", b"InternalError")
    with (
        proxy.turn or nullcontext(),
        socket.create_connection((HOST, proxy.upstream), _SECONDS) as upstream,
    ):
        with suppress(OSError):  # it may refuse, and close, before it has read all
            upstream.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
        answer = b""
        while piece := upstream.recv(_PIECE):
            answer += piece
    if does is Does.LOSE_ANSWER:
        return b""
    return answer[: len(answer) // 2] if does is Does.CUT_ANSWER else answer


def _error(status: bytes, code: bytes) -> bytes:
    xml = b"<Error><Code>%b</Code><Message>m</Message></Error>" % code
    head = b"HTTP/1.1 %b\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n" % (
        status,
        len(xml),
    )
    return head + b"Connection: close\r\n\r\n" + xml
