"""Domains of a tenant: their DKIM keys and the DNS records that they need."""

import contextlib
from dataclasses import dataclass

from postroad.base.errors import AlreadyExists, InUse, NotFound
from postroad.base.identifiers import new_uuid
from postroad.base.moments import Moment, to_datetime
from postroad.core.auth.sealing import Sealer
from postroad.core.sending.signing import PURPOSE
from postroad.formats.dkim.keys import (
    PrivateKey,
    algorithm_of,
    dump_pem,
    generate_ed25519_key,
    generate_rsa_key,
    parse_record,
    record_text,
)
from postroad.formats.mailaddress import acceptable_address, normalise_domain
from postroad.model.directory import DkimKey, Domain, DomainStatus
from postroad.model.ids import TenantId
from postroad.ports.clock import Clock
from postroad.ports.resolver import Resolver
from postroad.ports.tasks import Tasks
from postroad.stores.directory import DirectoryStore

_CLAIM = "_postroad-claim"


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """A record that the owner of a domain has to publish."""

    purpose: str  # SPF, DKIM, Receiving (as the Resend API says), or DMARC
    name: str
    type: str
    value: str
    priority: int | None = None
    is_published: bool | None = None  # None: nobody has looked yet

    @property
    def is_required(self) -> bool:
        """Whether a domain is only verified with it: what shows that its owner agrees."""
        return self.purpose in ("SPF", "DKIM")


class Domains:
    def __init__(
        self,
        directory: DirectoryStore,
        resolver: Resolver,
        sealer: Sealer,
        tasks: Tasks,
        clock: Clock,
        hostname: str,
    ) -> None:
        self._directory = directory
        self._resolver = resolver
        self._sealer = sealer
        self._tasks = tasks
        self._clock = clock
        self._hostname = hostname
        self._seen: dict[str, frozenset[DnsRecord]] = {}  # what was published at the last look

    async def create(self, tenant: TenantId, name: str) -> Domain:
        """A domain with two new DKIM keys. Raises `Invalid`, `AlreadyExists`, `TryLater`.

        Who was first with a name keeps it, unless another tenant shows by a record in the DNS that
        the domain is its own, and the first never did.
        """
        wanted = normalise_domain(name)
        claim = await self._unproven_claim(tenant, wanted)
        now = self._clock.now()
        rsa = await self._tasks.offload(generate_rsa_key)
        keys = [
            self._sealed(wanted, "r", rsa, now),
            self._sealed(wanted, "e", generate_ed25519_key(), now),
        ]
        try:
            return await self._directory.create_domain(
                tenant, new_uuid(), wanted, keys, now, claim
            )
        except InUse as error:
            # Security: whose addresses they are is not for this tenant to know.
            raise AlreadyExists(
                f"{wanted} was added by somebody else and is in use: ask the operator"
            ) from error

    async def _unproven_claim(self, tenant: TenantId, name: str) -> str | None:
        """The id of another tenant's domain that has to give way. Raises `AlreadyExists`."""
        there = await self._directory.find_domain(name)
        if there is None or there.tenant_id == tenant or there.was_verified:
            return None  # the store says no where there is one
        record = f"{_CLAIM}.{name}"
        proof = self._sealer.keyed_hash("domain claim", f"{tenant} {name}".encode()).hex()[:32]
        value = f"postroad-claim={proof}"
        with contextlib.suppress(NotFound):
            if value in await self._resolver.txt(record):
                return there.domain_id
        raise AlreadyExists(
            f"{name} was added by somebody else, who has not shown to own it. If you do, publish "
            f'the TXT record {record} with "{value}", and add the domain again'
        )

    async def domains(self, tenant: TenantId | None) -> tuple[Domain, ...]:
        return await self._directory.domains(tenant)

    async def load(self, tenant: TenantId, domain_id: str) -> Domain:
        """Raises `NotFound`, also for a domain of another tenant."""
        for domain in await self._directory.domains(tenant):
            if domain.domain_id == domain_id:
                return domain
        raise NotFound("Domain not found")

    async def find(self, name: str) -> Domain:
        """For the operator. Raises `NotFound`."""
        found = await self._directory.find_domain(normalise_domain(name))
        if found is None:
            raise NotFound(f"there is no domain {name}")
        return found

    async def records(self, domain: Domain) -> list[DnsRecord]:
        """What to publish, and what of it was found at the last look."""
        wanted = await self._wanted(domain)
        seen = self._seen.get(domain.domain_id)
        if seen is None:
            return wanted
        return [_looked_at(record, published=record in seen) for record in wanted]

    async def verify(self, tenant: TenantId, domain_id: str) -> Domain:
        """Look into the DNS and keep what was found. Raises `NotFound`, `TryLater`."""
        domain = await self.load(tenant, domain_id)
        wanted = await self._wanted(domain)
        found = frozenset([record for record in wanted if await self._is_published(record)])
        self._seen[domain_id] = found
        required = [record for record in wanted if record.is_required]
        complete = all(record in found for record in required)
        status = DomainStatus.VERIFIED if complete else DomainStatus.FAILED
        await self._directory.set_domain_status(tenant, domain_id, status)
        return await self.load(tenant, domain_id)

    async def trust(self, domain: Domain) -> None:
        """Call a domain verified without a look into the DNS: for demonstrations and sandboxes."""
        await self._directory.set_domain_status(
            domain.tenant_id, domain.domain_id, DomainStatus.VERIFIED
        )

    async def set_catch_all(self, domain: Domain, address: str | None) -> None:
        """Where mail for unknown names goes. Raises `Invalid`, `NotFound`."""
        wanted = None if address is None else acceptable_address(address)
        if wanted is not None and await self._directory.find_account(wanted) is None:
            raise NotFound(f"there is no account {address}")
        await self._directory.set_catch_all(domain.tenant_id, domain.domain_id, wanted)

    async def delete(self, tenant: TenantId, domain_id: str) -> None:
        """Raises `NotFound`, `InUse`."""
        await self._directory.delete_domain(tenant, domain_id)
        self._seen.pop(domain_id, None)

    def _sealed(self, domain: str, kind: str, key: PrivateKey, now: Moment) -> DkimKey:
        selector = f"pr{to_datetime(now):%Y%m}{kind}"
        context = f"{selector}._domainkey.{domain}"
        return DkimKey(
            domain,
            selector,
            algorithm_of(key).value,
            self._sealer.seal(PURPOSE, context, dump_pem(key)),
            record_text(key),
            now,
        )

    async def _wanted(self, domain: Domain) -> list[DnsRecord]:
        name = domain.name
        keys = await self._directory.dkim_keys(name)
        return [
            DnsRecord("Receiving", name, "MX", self._hostname, 10),
            DnsRecord("SPF", name, "TXT", "v=spf1 mx ~all"),
            *(
                DnsRecord("DKIM", f"{key.selector}._domainkey.{name}", "TXT", key.public_record)
                for key in keys
            ),
            DnsRecord("DMARC", f"_dmarc.{name}", "TXT", "v=DMARC1; p=quarantine"),
        ]

    async def _is_published(self, record: DnsRecord) -> bool:
        """Whether the DNS has it, or for SPF and DMARC one of its owner's own making."""
        try:
            if record.type == "MX":
                exchangers = await self._resolver.mx(record.name)
                return any(one.host.lower() == record.value for one in exchangers)
            texts = await self._resolver.txt(record.name)
        except NotFound:
            return False
        if record.purpose == "DKIM":
            wanted = parse_record(record.value)
            return wanted is not None and any(parse_record(one) == wanted for one in texts)
        return any(one.startswith(record.value.partition(";")[0].split()[0]) for one in texts)


def _looked_at(record: DnsRecord, *, published: bool) -> DnsRecord:
    return DnsRecord(
        record.purpose, record.name, record.type, record.value, record.priority, published
    )
