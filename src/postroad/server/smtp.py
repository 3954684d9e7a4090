"""SMTP sessions on connections."""

from dataclasses import dataclass

from postroad.model.ids import AccountId
from postroad.model.principal import Principal
from postroad.server.conversation import Conversation, Outputs, Signal
from postroad.sessions.sasl.exchange import TlsEvidence
from postroad.sessions.smtp.ports import Tls
from postroad.sessions.smtp.server import CloseConnection, SmtpSession, UpgradeToTls


@dataclass(frozen=True, slots=True)
class SmtpPatience:
    """How long a client may be silent (RFC 5321 section 4.5.3.2.7 asks for five minutes)."""

    command_seconds: float = 300.0
    data_seconds: float = 180.0
    lifetime_seconds: float = 7200.0


class SmtpConversation(Conversation):
    def __init__(self, session: SmtpSession, patience: SmtpPatience) -> None:
        self._session = session
        self._patience = patience

    def greet(self) -> bytes:
        return self._session.greet().encode()

    async def receive(self, octets: bytes) -> Outputs:
        async for output in self._session.receive(octets):
            if isinstance(output, UpgradeToTls):
                yield Signal.START_TLS
            elif isinstance(output, CloseConnection):
                yield Signal.CLOSE
            else:
                yield output.encode()

    async def news(self) -> Outputs:
        """Nobody waits for news over SMTP."""
        return
        yield b""

    @property
    def watches(self) -> frozenset[AccountId]:
        return frozenset()

    @property
    def principal(self) -> Principal | None:
        return self._session.principal

    @property
    def patience_seconds(self) -> float:
        receiving = self._session.is_receiving
        return self._patience.data_seconds if receiving else self._patience.command_seconds

    @property
    def lifetime_seconds(self) -> float:
        return self._patience.lifetime_seconds

    @property
    def is_busy(self) -> bool:
        return self._session.is_receiving

    def tls_started(self, version: str, cipher: str, evidence: TlsEvidence) -> None:
        self._session.tls_started(Tls(version, cipher, evidence))

    def still_working(self) -> bytes:
        return b""  # a reply says how a command ended, and there is no other

    def timed_out(self) -> bytes:
        return self._session.timed_out().encode()

    def shutting_down(self) -> bytes:
        return self._session.shutting_down().encode()

    def internal_error(self) -> bytes:
        return self._session.internal_error().encode()

    def close(self) -> None:
        self._session.close()
