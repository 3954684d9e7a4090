"""What the client asks of the connection; `server` implements it over sockets."""

from abc import abstractmethod
from datetime import timedelta
from enum import Enum, auto
from typing import Protocol

from postroad.sessions.smtp.ports import Tls


class Wait(Enum):
    """What a read waits for."""

    GREETING = auto()
    COMMAND = auto()
    DATA_START = auto()
    CHUNK = auto()
    DATA_END = auto()
    QUIT = auto()


PATIENCE = {
    Wait.GREETING: timedelta(minutes=5),
    Wait.COMMAND: timedelta(minutes=5),
    Wait.DATA_START: timedelta(minutes=2),
    Wait.CHUNK: timedelta(minutes=3),
    Wait.DATA_END: timedelta(minutes=10),
    Wait.QUIT: timedelta(seconds=5),  # nothing depends on it
}
"""How long a read should wait at the least (RFC 5321 section 4.5.3.2)."""


class Stream(Protocol):
    """One connection. Every method may raise `OSError`, `TimeoutError` among them."""

    @abstractmethod
    async def read(self, wait: Wait) -> bytes:
        """Some octets; none at the end of the stream."""
        ...

    @abstractmethod
    async def write(self, octets: bytes) -> None:
        """Returns when there is room for more, so that a message does not pile up."""
        ...

    @abstractmethod
    async def start_tls(self) -> Tls:
        """Do the handshake, with the checks that this destination wants (RFC 3207)."""
        ...
