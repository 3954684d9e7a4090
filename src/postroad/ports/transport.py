"""How the queue hands a message to the next server."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from postroad.model.queue import Needs


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message for some recipients at one destination."""

    reverse_path: str
    forward_paths: Sequence[str]
    size: int
    needs: Needs
    chunks: Callable[[], AsyncIterator[bytes]]  # the octets, from the start at each call


@dataclass(frozen=True, slots=True)
class Accepted:
    reply: str


@dataclass(frozen=True, slots=True)
class TemporaryFailure:
    reply: str
    code: int = 0  # 0: no reply, the connection failed
    enhanced: str = ""


@dataclass(frozen=True, slots=True)
class PermanentFailure:
    reply: str
    code: int = 0
    enhanced: str = ""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The other side cannot take the message as it is; nothing was sent."""

    lacks: Needs  # what is True here is needed and lacking


Result = Accepted | TemporaryFailure | PermanentFailure | Unsupported


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a destination: a result for each forward path, in order, and how it went."""

    results: Sequence[Result]
    remote: str = ""  # host and address spoken to
    tls: str = ""  # version and cipher; empty: in the clear
    transcript: Sequence[str] = field(default_factory=tuple)


class MailTransport(Protocol):
    @abstractmethod
    async def send(self, destination: str, message: Outgoing) -> Attempt:
        """Try to hand a message over; every trouble is a result, not an exception."""
        ...
