"""How we speak to one destination."""

from dataclasses import dataclass
from enum import Enum

from postroad.wire.sasl.plain import PlainCredentials


class TlsPolicy(Enum):
    NEVER = "never"  # the handshake failed before, and TLS is not required
    OPPORTUNISTIC = "opportunistic"  # when it is offered
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class ClientSettings:
    hostname: str
    """Our name in EHLO; it should resolve to us."""
    tls: TlsPolicy = TlsPolicy.OPPORTUNISTIC
    """Whether STARTTLS is used on a connection that is in the clear."""
    credentials: PlainCredentials | None = None
    """For a relay that wants a login; never sent in the clear but to this machine."""
