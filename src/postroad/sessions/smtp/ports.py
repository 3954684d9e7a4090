"""What an SMTP session asks of the core, whose services have this shape."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol

from postroad.core.message.facts import Facts, MailParameters, Receipt
from postroad.sessions.sasl.exchange import NO_EVIDENCE, TlsEvidence


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of the connection."""

    address: str  # an IPv4 or IPv6 address, as text
    is_loopback: bool = False


@dataclass(frozen=True, slots=True)
class Tls:
    """What the handshake agreed on, for the trace header, and what it proves."""

    version: str
    cipher: str
    evidence: TlsEvidence = NO_EVIDENCE

    def __str__(self) -> str:
        return f"{self.version} {self.cipher}"


class Transaction(Protocol):
    """One message on its way in; `abort` ends it, whatever happened."""

    @abstractmethod
    async def add_recipient(self, forward_path: str) -> None:
        """Raises `NotFound`, `NotPermitted` (no relaying), `OverQuota`, `TooMany`, `TryLater`."""
        ...

    @abstractmethod
    async def write(self, chunk: bytes) -> None:
        """Add a piece of the content. Raises `TooLarge`, `LowSpace`, `TryLater`."""
        ...

    @abstractmethod
    async def finish(self) -> Receipt:
        """Check, route and commit. When it returns, the message survives a power cut.

        Raises `NotPermitted`, `TooLarge`, `Invalid`, `TryLater`.
        """
        ...

    @abstractmethod
    def abort(self) -> None:
        """Give the room back; harmless when called again, or after `finish`."""
        ...


class Reception(Protocol):
    @abstractmethod
    async def open(
        self, facts: Facts, reverse_path: str, parameters: MailParameters
    ) -> Transaction:
        """Begin a transaction; the reverse path is "" for ``<>``.

        Raises `NotPermitted` when the sender may not use it, `TooLarge`, `LowSpace`, `TryLater`.
        """
        ...
