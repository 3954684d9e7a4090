"""The first things of a data folder: a tenant with its domain, its admin and a key."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postroad.base.errors import Invalid
from postroad.base.secret import Secret

if TYPE_CHECKING:
    from postroad.app.program import Program
    from postroad.core.directory.domains import DnsRecord
    from postroad.model.directory import Domain, Tenant

_KEY_MADE = "init api key"
_KEY_NAME = "init"
# RFC 2606, RFC 6761: nobody can publish records there, so nobody could ever verify them.
_RESERVED = (
    "test",
    "example",
    "invalid",
    "localhost",
    "example.com",
    "example.net",
    "example.org",
)


@dataclass(frozen=True, slots=True)
class Founded:
    """What there is now; `password` and `api_key` only where they were made just now."""

    tenant: str
    domain: str
    admin: str
    password: Secret | None
    api_key: Secret | None
    dns: tuple["DnsRecord", ...]


async def found(program: "Program", domain: str, admin: str, password: Secret | None) -> Founded:
    """Make what is missing; without a password one is generated. Safe to repeat.

    Raises `Invalid` for an admin of another domain, or a folder made for another one.
    """
    from postroad.core.auth.passwords import new_password
    from postroad.formats.mailaddress import acceptable_address, normalise_domain, split_address
    from postroad.model.directory import Role

    name, address = normalise_domain(domain), acceptable_address(admin)
    if split_address(address)[1] != name:
        raise Invalid(f"the admin {admin} has no address in {name}: write --admin you@{name}")
    tenant = await _tenant(program, name)
    made = await find_or_create_domain(program, tenant, name)
    given = None
    if await program.directory.find_account(address) is None:
        given = password or new_password()
        await program.accounts.create(address, given, role=Role.OWNER)
    token = await _first_key(program, tenant)
    records = tuple(await program.domains.records(made))
    return Founded(tenant.name, name, address, given, token, records)


async def only_tenant(program: "Program") -> "Tenant":
    """The tenant that `init` made. Raises `Invalid` when there is none yet."""
    tenants = await program.directory.tenants()
    if not tenants:
        raise Invalid(
            "there is no tenant yet. Run postroad init --domain DOMAIN --admin ADDRESS first."
        )
    return tenants[0]


async def find_or_create_domain(program: "Program", tenant: "Tenant", name: str) -> "Domain":
    existing = await program.directory.find_domain(name)
    if existing is not None:
        return existing
    return await create_domain(program, tenant, name)


async def create_domain(program: "Program", tenant: "Tenant", name: str) -> "Domain":
    """A domain; one that the DNS cannot have counts as verified. Raises `AlreadyExists`."""
    made = await program.domains.create(tenant.tenant_id, name)
    if is_reserved(made.name):
        await program.domains.trust(made)
        return await program.domains.find(made.name)
    return made


def is_reserved(name: str) -> bool:
    """Whether it is a name for tests and texts, which the DNS never has."""
    return any(name == one or name.endswith(f".{one}") for one in _RESERVED)


def publishing(name: str) -> str:
    """The sentence before the records of a domain."""
    if is_reserved(name):
        return f"{name} is a name for tests; another one would need these records in the DNS:"
    return f"Publish these records in the DNS, then run postroad domain verify {name}:"


async def _tenant(program: "Program", name: str) -> "Tenant":
    tenants = await program.directory.tenants()
    if tenants and all(tenant.name != name for tenant in tenants):
        raise Invalid(
            f"this data folder was made for {tenants[0].name} already. "
            f"Add a domain to it with postroad domain add {name}."
        )
    return await program.accounts.create_tenant(name)


async def _first_key(program: "Program", tenant: "Tenant") -> Secret | None:
    """The first API key, once: a removed one does not come back."""
    from postroad.model.directory import KeyPermission

    if await program.directory.setting(_KEY_MADE) is not None:
        return None
    key, token = await program.keys.create(tenant.tenant_id, _KEY_NAME, KeyPermission.FULL, None)
    await program.directory.set_setting(_KEY_MADE, json.dumps(key.key_id))
    return token
