"""What the core asks of the DNS (RFC 1035, RFC 7505)."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MailExchanger:
    preference: int
    host: str  # "" for a null MX (RFC 7505)


class Resolver(Protocol):
    """Answers come from a cache while their TTL lasts.

    An empty answer means that there is no such record; `TryLater` is raised when nobody answered
    (RFC 5321 section 5.1), `NotFound` when the name itself does not exist.
    """

    @abstractmethod
    async def mx(self, domain: str) -> tuple[MailExchanger, ...]: ...

    @abstractmethod
    async def addresses(self, host: str) -> tuple[str, ...]:
        """IPv6 and IPv4 addresses."""
        ...

    @abstractmethod
    async def txt(self, name: str) -> tuple[str, ...]:
        """Each record with its strings joined."""
        ...
