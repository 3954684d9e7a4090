"""IMAP sessions on connections."""

import math
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass

from postroad.model.ids import AccountId
from postroad.model.principal import Principal
from postroad.server.compression import Compression, Garbled
from postroad.server.conversation import Conversation, Output, Outputs, Signal
from postroad.sessions.imap import session as imap
from postroad.sessions.imap.turns import turn
from postroad.sessions.sasl.exchange import TlsEvidence
from postroad.wire.imap.responses import Response


@dataclass(frozen=True, slots=True)
class ImapPatience:
    """How long a client may be silent: RFC 9051 section 5.4 asks for at least 30 minutes."""

    before_login_seconds: float = 120.0
    login_within_seconds: float = 600.0
    """Security: nobody holds a connection by saying a word now and then."""
    after_login_seconds: float = 1860.0


class ImapConversation(Conversation):
    def __init__(self, session: imap.ImapSession, patience: ImapPatience) -> None:
        self._session = session
        self._patience = patience
        self._compression: Compression | None = None
        self._ending: Compression | None = None  # its last octets are still to come

    def greet(self) -> bytes:
        return self._session.greet().encode()

    async def receive(self, octets: bytes) -> Outputs:
        waiting: bytes | None = octets
        while waiting is not None:
            current, waiting = waiting, None
            async with aclosing(self._understood(current)) as outputs:
                async for output in outputs:
                    for sent in self._encoded(output):
                        yield sent
                    if isinstance(output, imap.StartCompression | imap.StopCompression):
                        waiting = self._change_compression(output)
        for sent in self._flushed():
            yield sent

    async def news(self) -> Outputs:
        async with aclosing(self._session.news()) as outputs:
            async for output in outputs:
                for sent in self._encoded(output):
                    yield sent
        for sent in self._flushed():
            yield sent

    @property
    def watches(self) -> frozenset[AccountId]:
        return self._session.listens_to

    @property
    def principal(self) -> Principal | None:
        return self._session.principal

    @property
    def patience_seconds(self) -> float:
        if self._session.principal is None:
            return self._patience.before_login_seconds
        return self._patience.after_login_seconds

    @property
    def lifetime_seconds(self) -> float:
        return math.inf if self._session.was_used else self._patience.login_within_seconds

    @property
    def is_busy(self) -> bool:
        return self._session.is_receiving

    def tls_started(self, version: str, cipher: str, evidence: TlsEvidence) -> None:
        self._session.tls_started(evidence)

    def still_working(self) -> bytes:
        response = self._session.still_working()
        return b"" if response is None else self._last(response)

    def timed_out(self) -> bytes:
        return self._last(self._session.timed_out())

    def shutting_down(self) -> bytes:
        return self._last(self._session.shutting_down())

    def internal_error(self) -> bytes:
        return self._last(self._session.internal_error())

    def close(self) -> None:
        self._session.close()

    # Compression (RFC 4978)

    async def _understood(self, octets: bytes) -> imap.Outputs:
        """What the session says to octets, compressed or not, up to a change of compression."""
        try:
            for piece in self._pieces(octets):
                async with aclosing(self._session.receive(piece)) as outputs:
                    async for output in outputs:
                        yield output
                        if isinstance(output, imap.StartCompression | imap.StopCompression):
                            return
                if self._compression is not None:
                    await turn()  # a few octets may be a great many when inflated
        except Garbled:
            yield self._session.garbled()
            yield imap.CloseConnection()

    def _pieces(self, octets: bytes) -> Iterable[bytes]:
        if self._compression is not None:
            return self._compression.inflated(octets)
        if self._ending is None:
            return (octets,)
        rest = self._ending.end(octets)
        if rest is None:
            return ()
        self._ending = None
        return (rest,)

    def _change_compression(self, output: imap.StartCompression | imap.StopCompression) -> bytes:
        """Returns what came behind the command, to be read in the new way."""
        rest = self._session.compression_changed()
        if isinstance(output, imap.StartCompression):
            self._compression, self._ending = Compression(), None
            return rest
        self._ending, self._compression = self._compression, None
        return b"" if self._ending is None else self._ending.stop()

    def _encoded(self, output: imap.Output) -> Iterable[Output]:
        match output:
            case imap.UpgradeToTls():
                return (*self._flushed(), Signal.START_TLS)
            case imap.CloseConnection():
                return (*self._flushed(), Signal.CLOSE)
            case imap.StartCompression() | imap.StopCompression():
                return self._flushed()
        octets = output.encode()
        return (octets,) if self._compression is None else self._compression.deflated(octets)

    def _flushed(self) -> Iterable[bytes]:
        """So that the client can read all that was said up to here."""
        rest = b"" if self._compression is None else self._compression.flush()
        return (rest,) if rest else ()

    def _last(self, response: Response) -> bytes:
        octets = response.encode()
        if self._compression is None:
            return octets
        return b"".join((*self._compression.deflated(octets), self._compression.flush()))
