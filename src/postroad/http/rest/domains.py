"""/domains: the domains that a tenant sends from, and the DNS records they need."""

from collections.abc import Sequence

import msgspec

from postroad.base.errors import NotPermitted
from postroad.base.moments import to_iso
from postroad.core.directory.domains import DnsRecord
from postroad.http.contract.endpoint import Access, Call, Endpoint
from postroad.http.contract.problems import unprocessable
from postroad.http.rest.pages import Listed, PageQuery, page_of, uuid_of
from postroad.http.rest.services import RestServices
from postroad.model.directory import Domain, DomainStatus

# Interop: the typed SDKs know only regions of a cloud, so our one place bears the first's name.
_REGION = "us-east-1"
# Interop: they know no other purposes of records; DMARC is shown by our own tools.
_PURPOSES = frozenset({"SPF", "DKIM", "Receiving"})


class Capabilities(msgspec.Struct):
    """What a domain is used for."""

    sending: str = "enabled"
    receiving: str = "enabled"


class CreateDomain(msgspec.Struct, kw_only=True):
    """A domain to be added."""

    name: str
    region: str | None = None
    custom_return_path: str | None = None
    open_tracking: bool | None = None
    click_tracking: bool | None = None
    tls: str | None = None
    tracking_subdomain: str | None = None
    capabilities: dict[str, str] | None = None


class DomainRecord(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A DNS record to publish."""

    record: str
    name: str
    type: str
    ttl: str
    status: str
    value: str
    priority: int | None = None


class DomainSummary(msgspec.Struct, kw_only=True):
    """A domain in a list."""

    id: str
    name: str
    status: str
    created_at: str
    region: str = _REGION
    open_tracking: bool = False
    click_tracking: bool = False
    capabilities: Capabilities


class DomainShown(DomainSummary, kw_only=True):
    """A domain with its records."""

    object: str = "domain"
    records: list[DomainRecord]


class DomainId(msgspec.Struct, kw_only=True):
    """A domain that something was begun with."""

    object: str = "domain"
    id: str


class DomainDeleted(DomainId, kw_only=True):
    """A domain that is gone."""

    deleted: bool = True


async def _create(call: Call[RestServices, CreateDomain]) -> DomainShown:
    wanted = call.body
    _demand_unrestricted(call)
    if wanted.region not in (None, _REGION):
        raise unprocessable("invalid_region", f"This server has one region: `{_REGION}`.")
    for name in ("custom_return_path", "tracking_subdomain"):
        if getattr(wanted, name) is not None:
            raise unprocessable("validation_error", f"`{name}` is not available on this server.")
    for name in ("open_tracking", "click_tracking"):
        if getattr(wanted, name):
            raise unprocessable("validation_error", f"`{name}` is not available on this server.")
    if wanted.tls not in (None, "opportunistic"):
        raise unprocessable("validation_error", "`tls` must be `opportunistic` on this server.")
    if set((wanted.capabilities or {}).values()) - {"enabled"}:
        raise unprocessable("validation_error", "`capabilities` are all `enabled` on this server.")
    domain = await call.services.domains.create(call.program.tenant_id, wanted.name)
    return await _shown(call, domain)


async def _list(call: Call[RestServices, None]) -> Listed[DomainSummary]:
    domains = await call.services.domains.domains(call.program.tenant_id)
    newest = sorted(domains, key=lambda domain: domain.created_at, reverse=True)
    page = page_of(newest, call.query_as(PageQuery), lambda domain: domain.domain_id)
    summaries = [_summary(domain) for domain in page.data]
    return Listed(has_more=page.has_more, data=summaries)


async def _get(call: Call[RestServices, None]) -> DomainShown:
    domain = await call.services.domains.load(call.program.tenant_id, _id(call))
    return await _shown(call, domain)


async def _verify(call: Call[RestServices, None]) -> DomainId:
    domain = await call.services.domains.verify(call.program.tenant_id, _id(call))
    return DomainId(id=domain.domain_id)


async def _delete(call: Call[RestServices, None]) -> DomainDeleted:
    domain_id = _id(call)
    _demand_unrestricted(call)
    await call.services.domains.delete(call.program.tenant_id, domain_id)
    return DomainDeleted(id=domain_id)


def _id(call: Call[RestServices, None]) -> str:
    return uuid_of(call.path["domain_id"], "domain_id")


def _demand_unrestricted(
    call: Call[RestServices, CreateDomain] | Call[RestServices, None],
) -> None:
    # Security: a key for one domain must not widen what it can reach.
    if call.program.key.domain_id is not None:
        raise NotPermitted("This API key is restricted to one domain.")


async def _shown(
    call: Call[RestServices, CreateDomain] | Call[RestServices, None], domain: Domain
) -> DomainShown:
    records = await call.services.domains.records(domain)
    return DomainShown(
        id=domain.domain_id,
        name=domain.name,
        status=domain.status.value,
        created_at=to_iso(domain.created_at),
        capabilities=Capabilities(),
        records=_records(domain, records),
    )


def _summary(domain: Domain) -> DomainSummary:
    return DomainSummary(
        id=domain.domain_id,
        name=domain.name,
        status=domain.status.value,
        created_at=to_iso(domain.created_at),
        capabilities=Capabilities(),
    )


def _records(domain: Domain, records: Sequence[DnsRecord]) -> list[DomainRecord]:
    return [
        DomainRecord(
            record=record.purpose,
            name=record.name,
            type=record.type,
            ttl="Auto",
            status=_status(domain, record),
            value=record.value,
            priority=record.priority,
        )
        for record in records
        if record.purpose in _PURPOSES
    ]


def _status(domain: Domain, record: DnsRecord) -> str:
    if record.is_published is None:
        return domain.status.value
    found = DomainStatus.VERIFIED if record.is_published else DomainStatus.PENDING
    return found.value


ENDPOINTS = (
    Endpoint(
        "POST",
        "/domains",
        "Add a domain; the answer has the DNS records to publish.",
        Access.FULL,
        CreateDomain,
        DomainShown,
        _create,
        status=201,
    ),
    Endpoint(
        "GET",
        "/domains",
        "List the domains, newest first.",
        Access.FULL,
        None,
        Listed[DomainSummary],
        _list,
        query=PageQuery,
    ),
    Endpoint(
        "GET", "/domains/{domain_id}", "Show a domain.", Access.FULL, None, DomainShown, _get
    ),
    Endpoint(
        "POST",
        "/domains/{domain_id}/verify",
        "Look for the domain's records in the DNS.",
        Access.FULL,
        None,
        DomainId,
        _verify,
    ),
    Endpoint(
        "DELETE",
        "/domains/{domain_id}",
        "Remove a domain.",
        Access.FULL,
        None,
        DomainDeleted,
        _delete,
    ),
)
