"""One SASL exchange as IMAP and SMTP drive it alike (RFC 4422 section 3).

A mechanism begins with something to ask. The answer leads to another question or to somebody who
is proven; what is wrong is raised: `WireError` for a message against the mechanism's grammar,
`AuthenticationFailed`, `NotAuthorised` or `TryLater` for the rest. Which of them the client hears,
and how, is up to the protocol.
"""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Union

from postroad.base.errors import NotAuthorised
from postroad.base.secret import Secret
from postroad.core.auth.scram import Digest
from postroad.core.auth.service import ScramExchange
from postroad.formats.mailaddress import normalise_address
from postroad.model.principal import Principal


@dataclass(frozen=True, slots=True)
class OauthHint:
    """What a client is told that comes without a good token; empty texts say nothing."""

    scope: str
    configuration: str  # the URL of the issuer's metadata


@dataclass(frozen=True, slots=True)
class TlsEvidence:
    """What the TLS connection itself proves."""

    addresses: tuple[str, ...] = ()  # of the client's certificate, which was verified
    bindings: Mapping[str, bytes] = field(default_factory=dict)  # of the channel, by their type


NO_EVIDENCE = TlsEvidence()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the settings and the connection make possible beyond passwords."""

    scram: bool = False
    oauth: OauthHint | None = None  # None: no token is taken
    evidence: TlsEvidence = NO_EVIDENCE


PASSWORDS_ONLY = Circumstances()


class Authenticator(Protocol):
    """What sessions ask of the core about who somebody is."""

    @abstractmethod
    async def authenticate(
        self, name: str, password: Secret, *, protocol: str, peer: str
    ) -> Principal:
        """Raises `AuthenticationFailed`, `NotPermitted`, `TryLater`."""
        ...

    @abstractmethod
    async def scram(self, name: str, digest: Digest, *, protocol: str, peer: str) -> ScramExchange:
        """Begin an exchange, for a name that is known or not. Raises `TryLater`."""
        ...

    @abstractmethod
    async def bearer(self, token: Secret, name: str, *, protocol: str, peer: str) -> Principal:
        """Raises `AuthenticationFailed`, `NotAuthorised`, `TryLater`."""
        ...

    @abstractmethod
    async def certified(
        self, addresses: Sequence[str], name: str, *, protocol: str, peer: str
    ) -> Principal:
        """Raises `AuthenticationFailed`, `NotAuthorised`, `TryLater`."""
        ...


@dataclass(frozen=True, slots=True)
class Client:
    """Who wants to prove something, and over what."""

    authenticator: Authenticator
    protocol: str  # as the scopes of app passwords name it: imap, smtp
    peer: str  # its address
    circumstances: Circumstances


@dataclass(frozen=True, slots=True)
class Ask:
    """A challenge, and what is done with the response to it.

    The first challenge of a mechanism is not sent when the client's response came before it
    (RFC 4422 section 3.3).
    """

    challenge: bytes
    then: "Callable[[bytes], Awaitable[Outcome]]"


Outcome = Union[Ask, Principal]  # noqa: UP007  # a forward reference needs it


@dataclass(frozen=True, slots=True)
class Mechanism:
    """A SASL mechanism: its registered name, when it is offered, and its first question."""

    name: str
    is_offered: Callable[[Circumstances], bool]
    begin: Callable[[Client], Ask]


def check_acts_as_itself(authorization_identity: str, authentication_identity: str) -> None:
    """Nobody may act for another here (RFC 4422 section 3.4.1). Raises `NotAuthorised`."""
    wanted = normalise_address(authorization_identity)
    if wanted and wanted != normalise_address(authentication_identity):
        raise NotAuthorised("You cannot act for another")
