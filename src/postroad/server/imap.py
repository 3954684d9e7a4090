"""IMAP sessions on connections."""

import math
from contextlib import aclosing
from dataclasses import dataclass

from postroad.model.ids import AccountId
from postroad.model.principal import Principal
from postroad.server.conversation import Conversation, Output, Outputs, Signal
from postroad.sessions.imap import session as imap


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

    def greet(self) -> bytes:
        return self._session.greet().encode()

    async def receive(self, octets: bytes) -> Outputs:
        async with aclosing(self._session.receive(octets)) as outputs:
            async for output in outputs:
                yield _encoded(output)

    async def news(self) -> Outputs:
        async with aclosing(self._session.news()) as outputs:
            async for output in outputs:
                yield _encoded(output)

    @property
    def watches(self) -> AccountId | None:
        return self._session.idles_for

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
        return self._patience.login_within_seconds if self.principal is None else math.inf

    @property
    def is_busy(self) -> bool:
        return self._session.is_receiving

    def tls_started(self, version: str, cipher: str) -> None:
        self._session.tls_started()

    def timed_out(self) -> bytes:
        return self._session.timed_out().encode()

    def shutting_down(self) -> bytes:
        return self._session.shutting_down().encode()

    def internal_error(self) -> bytes:
        return self._session.internal_error().encode()

    def close(self) -> None:
        self._session.close()


def _encoded(output: imap.Output) -> Output:
    if isinstance(output, imap.UpgradeToTls):
        return Signal.START_TLS
    if isinstance(output, imap.CloseConnection):
        return Signal.CLOSE
    return output.encode()
