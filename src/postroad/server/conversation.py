"""What a connection's driver asks of a protocol's session."""

from abc import abstractmethod
from collections.abc import AsyncGenerator
from enum import Enum, auto
from typing import Protocol

from postroad.model.ids import AccountId
from postroad.model.principal import Principal
from postroad.sessions.sasl.exchange import TlsEvidence


class Signal(Enum):
    """What is to happen once all octets before it are written."""

    START_TLS = auto()
    CLOSE = auto()


Output = bytes | Signal
Outputs = AsyncGenerator[Output, None]


class Conversation(Protocol):
    """One client's session of any protocol, octets in and octets out."""

    @abstractmethod
    def greet(self) -> bytes: ...

    @abstractmethod
    def receive(self, octets: bytes) -> Outputs: ...

    @abstractmethod
    def news(self) -> Outputs:
        """What to tell because something changed; asked only while `watches` names somebody."""
        ...

    @property
    @abstractmethod
    def watches(self) -> frozenset[AccountId]:
        """The accounts whose changes the client waits for."""
        ...

    @property
    @abstractmethod
    def principal(self) -> Principal | None:
        """Who logged in."""
        ...

    @property
    @abstractmethod
    def patience_seconds(self) -> float:
        """How long the client may be silent now."""
        ...

    @property
    @abstractmethod
    def lifetime_seconds(self) -> float:
        """How long a connection lasts at the most, however busy."""
        ...

    @property
    @abstractmethod
    def is_busy(self) -> bool:
        """Whether the client is in the middle of something that a drain should let it finish."""
        ...

    @abstractmethod
    def tls_started(self, version: str, cipher: str, evidence: TlsEvidence) -> None: ...

    @abstractmethod
    def still_working(self) -> bytes:
        """For a client that has heard nothing for a while, in the middle of its command or idle.

        It is sent behind all that was given so far; empty where nothing can be said there.
        """
        ...

    @abstractmethod
    def timed_out(self) -> bytes: ...

    @abstractmethod
    def shutting_down(self) -> bytes: ...

    @abstractmethod
    def internal_error(self) -> bytes: ...

    @abstractmethod
    def close(self) -> None:
        """Give back what the session holds; harmless when called again."""
        ...
