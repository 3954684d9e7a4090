"""HTTP connections with the bounds that uvicorn's own lack: on header octets, and on silence."""

import asyncio
import math

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD_SECONDS = 30.0  # for the head of a request, from its first octet or the connection's start
_BODY_SECONDS = 60.0  # between two pieces of a body
_FRAMING_OCTETS = 65_536
# Limit: the head, the trailer and the chunk sizes of one request may take this much together; a
# chunk of one octet has five octets around it, so a body that comes so is let through.
_FRAMING_PER_BODY_OCTET = 8


class GuardedHttp(HttpToolsProtocol):
    """Closes a connection that is silent in the middle of a request, or sends no end of fields.

    Nothing is answered then: who does so by mistake is rare, and who does so on purpose has got
    enough of our time. Between requests uvicorn's keep-alive timeout holds.
    """

    _deadline = math.inf
    _timer: asyncio.TimerHandle | None = None
    _received = 0  # octets since the request began
    _of_body = 0
    _has_begun = False  # a request began in the octets that are being parsed

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._expect_within(_HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._has_begun = False
        super().data_received(data)
        if not self._has_begun:
            self._received += len(data)
        framing = self._received - self._of_body
        if framing > _FRAMING_OCTETS + _FRAMING_PER_BODY_OCTET * self._of_body:
            self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._has_begun = True
        self._received = self._of_body = 0
        self._expect_within(_HEAD_SECONDS)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._expect_within(_BODY_SECONDS)

    def on_body(self, body: bytes) -> None:
        self._of_body += len(body)
        self._expect_within(_BODY_SECONDS)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._deadline = math.inf
        super().on_message_complete()

    def _expect_within(self, seconds: float) -> None:
        self._deadline = self.loop.time() + seconds
        if self._timer is None:
            self._timer = self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        """One timer for all deadlines of a connection: a new one does not cost a new timer."""
        self._timer = None
        if self._deadline == math.inf or self.transport.is_closing():
            return
        left = self._deadline - self.loop.time()
        if self.flow.read_paused:  # it is we who do not read
            self._expect_within(_BODY_SECONDS)
        elif left > 0:
            self._timer = self.loop.call_later(left, self._look)
        else:
            self.transport.abort()
