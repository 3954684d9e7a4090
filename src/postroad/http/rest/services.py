"""What the REST API talks to: the core's services, put together in `app`."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from postroad.base.secret import Secret
from postroad.core.sending.identity import Identities
from postroad.core.sending.service import Sending
from postroad.http.rest.idempotency import InFlight
from postroad.model.directory import ApiKey, Domain, KeyPermission
from postroad.model.ids import TenantId
from postroad.ports.clock import Clock
from postroad.ports.tasks import Tasks


class DnsRecord(Protocol):
    """One record that a domain's owner has to publish."""

    @property
    def purpose(self) -> str:
        """`SPF`, `DKIM` or `Receiving`, as the Resend API names them; `DMARC` is ours."""
        ...

    @property
    def name(self) -> str:
        """The whole name, without a dot at its end."""
        ...

    @property
    def type(self) -> str:
        """`TXT` or `MX`."""
        ...

    @property
    def value(self) -> str: ...

    @property
    def priority(self) -> int | None: ...

    @property
    def is_published(self) -> bool | None:
        """Whether the DNS had it when it was last looked at; None: never looked."""
        ...


class Domains(Protocol):
    """The domains of a tenant. An id of somebody else's is `NotFound`."""

    @abstractmethod
    async def create(self, tenant: TenantId, name: str) -> Domain:
        """With new DKIM keys. Raises `Invalid`, `AlreadyExists`."""
        ...

    @abstractmethod
    async def domains(self, tenant: TenantId) -> Sequence[Domain]: ...

    @abstractmethod
    async def load(self, tenant: TenantId, domain_id: str) -> Domain:
        """Raises `NotFound`."""
        ...

    @abstractmethod
    async def records(self, domain: Domain) -> Sequence[DnsRecord]: ...

    @abstractmethod
    async def verify(self, tenant: TenantId, domain_id: str) -> Domain:
        """Look into the DNS and keep what was found. Raises `NotFound`, `TryLater`."""
        ...

    @abstractmethod
    async def delete(self, tenant: TenantId, domain_id: str) -> None:
        """Raises `NotFound`, `InUse`."""
        ...


class ApiKeys(Protocol):
    """The API keys of a tenant."""

    @abstractmethod
    async def create(
        self, tenant: TenantId, name: str, permission: KeyPermission, domain_id: str | None
    ) -> tuple[ApiKey, Secret]:
        """The token is known now and never again. Raises `Invalid`, `NotFound`."""
        ...

    @abstractmethod
    async def keys(self, tenant: TenantId) -> Sequence[ApiKey]:
        """Newest first."""
        ...

    @abstractmethod
    async def delete(self, tenant: TenantId, key_id: str) -> None:
        """Raises `NotFound`."""
        ...


async def _ready() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Operations:
    """What the operator's tools ask."""

    not_ready: Callable[[], Awaitable[str | None]] = _ready
    """Why the server cannot work now; None if it can."""
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
    tasks: Tasks
    clock: Clock
    operations: Operations = field(default_factory=Operations)
    in_flight: InFlight = field(default_factory=InFlight)
