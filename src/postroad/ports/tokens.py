"""Asking whether an access token of OAuth holds, and whose it is (RFC 6749 section 7)."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol

from postroad.base.secret import Secret


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What the issuer says of a token that holds here and now."""

    name: str  # the address of who gave it, as the issuer writes it


class TokenVerifier(Protocol):
    @abstractmethod
    async def verify(self, token: Secret) -> TokenFacts:
        """Raises `AuthenticationFailed` for one that does not hold, `TryLater`."""
        ...
