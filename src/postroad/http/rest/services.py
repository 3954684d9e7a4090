"""What the REST API talks to: the core's services, put together in `app`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from postroad.core.directory.accounts import Accounts
from postroad.core.directory.domains import Domains
from postroad.core.directory.keys import ApiKeys
from postroad.core.mailbox.undelete import Undelete
from postroad.core.sending.identity import Identities
from postroad.core.sending.service import Sending
from postroad.http.rest.idempotency import InFlight
from postroad.ports.clock import Clock
from postroad.ports.fetcher import Fetcher
from postroad.ports.tasks import Tasks


async def _ready() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Operations:
    """What the operator's tools ask."""

    not_ready: Callable[[], Awaitable[str | None]] = _ready
    """Why the server cannot work now; None if it can."""
    warnings: Callable[[], list[str]] = list
    """What the operator should know although the server works."""
    metrics: Callable[[], bytes] | None = None
    """The metrics in Prometheus's text format; None: there are none here."""
    metrics_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Who may read the metrics."""


@dataclass(frozen=True, slots=True)
class RestServices:
    """All of them."""

    sending: Sending
    identities: Identities
    domains: Domains
    keys: ApiKeys
    accounts: Accounts
    undelete: Undelete
    tasks: Tasks
    clock: Clock
    fetcher: Fetcher | None = None
    operations: Operations = field(default_factory=Operations)
    in_flight: InFlight = field(default_factory=InFlight)
