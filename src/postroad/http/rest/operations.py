"""What the operator's tools look at: health, readiness, metrics."""

from ipaddress import ip_address, ip_network
from typing import Literal

import msgspec

from postroad.base.errors import NotFound
from postroad.http.contract.endpoint import Access, Call, Endpoint, Raw
from postroad.http.contract.problems import Problem, RequestError
from postroad.http.rest.services import RestServices

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Health(msgspec.Struct):
    """That somebody answers."""

    status: str = "ok"


class Readiness(msgspec.Struct, omit_defaults=True):
    """That the server can work, and what its operator should know all the same."""

    status: Literal["ok"]
    warnings: list[str] = []


async def _healthz(call: Call[RestServices, None]) -> Health:
    return Health()


async def _readyz(call: Call[RestServices, None]) -> Readiness:
    reason = await call.services.operations.not_ready()
    if reason is not None:
        raise RequestError(Problem(503, "service_unavailable", reason, 1))
    return Readiness("ok", call.services.operations.warnings())


async def _metrics(call: Call[RestServices, None]) -> Raw:
    operations = call.services.operations
    # Security: who may not read them is not told that they are there. What a proxy passes on
    # comes from an address that is not its own.
    forwarded = any(name in call.headers for name in ("forwarded", "x-forwarded-for", "via"))
    allowed = _is_within(call.peer, operations.metrics_networks) and not forwarded
    if operations.metrics is None or not allowed:
        raise NotFound("The requested endpoint does not exist.")
    return Raw(_METRICS_TYPE, operations.metrics())


def _is_within(peer: str, networks: tuple[str, ...]) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in ip_network(network) for network in networks)


ENDPOINTS = (
    Endpoint(
        "GET", "/healthz", "Whether the process answers.", Access.PUBLIC, None, Health, _healthz
    ),
    Endpoint("GET", "/readyz", "Whether it can work.", Access.PUBLIC, None, Readiness, _readyz),
    Endpoint(
        "GET",
        "/metrics",
        "Metrics for Prometheus, for the networks that are allowed to read them.",
        Access.PUBLIC,
        None,
        None,
        _metrics,
    ),
)
