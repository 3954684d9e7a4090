"""Tenants, their domains and DKIM keys, and what the server remembers of itself."""

from collections.abc import Sequence

from postroad.adapters.sql.statement import (
    Params,
    Row,
    Run,
    RunMany,
    Sql,
    Steps,
    integer,
    octets,
    one,
    optional_text,
    text,
)
from postroad.base.errors import AlreadyExists, InUse, NotFound
from postroad.base.moments import Moment
from postroad.model.directory import DkimKey, Domain, DomainStatus, Tenant
from postroad.model.ids import AccountId, TenantId

_NEXT = Sql("""
    UPDATE sequence SET next_value = next_value + 1 WHERE name = :name RETURNING next_value - 1
""")
_TENANT = "SELECT tenant_id, name, sending_account, created_at FROM tenant"
_TENANTS = Sql(f"{_TENANT} ORDER BY tenant_id")
_TENANT_BY_NAME = Sql(f"{_TENANT} WHERE name = :name")
_TENANT_BY_ID = Sql(f"{_TENANT} WHERE tenant_id = :tenant")
_ADD_TENANT = Sql("""
    INSERT INTO tenant (tenant_id, name, sending_account, created_at)
    VALUES (:tenant, :name, :account, :at)
""")
_ADD_SENDING = Sql("""
    INSERT INTO account (account_id, tenant_id, address, display_name, role, is_person,
        auth_version, disabled, created_at)
    VALUES (:account, :tenant, :address, :name, 'member', 0, 1, 0, :at)
""")
ADD_OWNER = Sql("""
    INSERT INTO owner (owner_id, mod_seq, next_id, last_uid_validity, used_octets, quota_octets)
    VALUES (:account, 1, 1, 0, 0, :quota)
""")
_DOMAIN = """
    SELECT domain_id, tenant_id, name, status, catch_all, created_at, was_verified FROM domain
"""
_DOMAINS = Sql(f"{_DOMAIN} ORDER BY name")
_DOMAINS_OF = Sql(f"{_DOMAIN} WHERE tenant_id = :tenant ORDER BY name")
_DOMAIN_BY_NAME = Sql(f"{_DOMAIN} WHERE name = :name")
_DOMAIN_BY_ID = Sql(f"{_DOMAIN} WHERE tenant_id = :tenant AND domain_id = :domain")
_ADD_DOMAIN = Sql("""
    INSERT INTO domain (domain_id, tenant_id, name, status, catch_all, created_at)
    VALUES (:domain, :tenant, :name, 'not_started', NULL, :at)
""")
_SET_STATUS = Sql("""
    UPDATE domain SET status = :status,
        was_verified = CASE WHEN :proven = 1 THEN 1 ELSE was_verified END
    WHERE tenant_id = :tenant AND domain_id = :domain
    RETURNING 1
""")
_SET_CATCH_ALL = Sql("""
    UPDATE domain SET catch_all = :address WHERE tenant_id = :tenant AND domain_id = :domain
    RETURNING 1
""")
_DELETE_DOMAIN = Sql("DELETE FROM domain WHERE tenant_id = :tenant AND domain_id = :domain")
_IN_DOMAIN = Sql("""
    SELECT address FROM account WHERE tenant_id = :tenant AND address LIKE :pattern ESCAPE '!'
    UNION ALL SELECT address FROM alias
    WHERE tenant_id = :tenant AND address LIKE :pattern ESCAPE '!' LIMIT 1
""")
_ADD_KEY = Sql("""
    INSERT INTO dkim_key (domain, selector, algorithm, sealed_key, public_record, created_at)
    VALUES (:domain, :selector, :algorithm, :sealed, :record, :at)
""")
_KEYS = Sql("""
    SELECT domain, selector, algorithm, sealed_key, public_record, created_at FROM dkim_key
    WHERE domain = :domain ORDER BY selector
""")
_DELETE_KEYS = Sql("DELETE FROM dkim_key WHERE domain = :domain")
_SETTING = Sql("SELECT value FROM setting WHERE name = :name")
_SET_SETTING = Sql("""
    INSERT INTO setting (name, value) VALUES (:name, :value)
    ON CONFLICT (name) DO UPDATE SET value = :value
""")


def next_id(name: str) -> Steps[int]:
    rows = yield Run(_NEXT, {"name": name})
    return integer(rows[0][0])


def create_tenant(name: str, at: Moment) -> Steps[Tenant]:
    row = one((yield Run(_TENANT_BY_NAME, {"name": name})))
    if row is not None:
        return _tenant(row)
    tenant = yield from next_id("tenant")
    account = yield from next_id("account")
    params: Params = {"tenant": tenant, "name": name, "account": account, "at": at}
    yield Run(_ADD_TENANT, params)
    # No address has a space, so nobody can be sent mail or log in under this name.
    yield Run(_ADD_SENDING, {**params, "address": f"sending account of {tenant}"})
    yield Run(ADD_OWNER, {"account": account, "quota": None})
    return Tenant(TenantId(tenant), name, AccountId(account), at)


def tenants() -> Steps[tuple[Tenant, ...]]:
    rows = yield Run(_TENANTS, {})
    return tuple(_tenant(row) for row in rows)


def find_tenant(tenant: TenantId) -> Steps[Tenant | None]:
    row = one((yield Run(_TENANT_BY_ID, {"tenant": tenant})))
    return None if row is None else _tenant(row)


def create_domain(
    tenant: TenantId,
    domain_id: str,
    name: str,
    keys: Sequence[DkimKey],
    at: Moment,
    instead_of: str | None,
) -> Steps[Domain]:
    if (yield from find_tenant(tenant)) is None:
        raise NotFound("there is no such tenant")
    there = yield from find_domain(name)
    if there is not None:
        if there.domain_id != instead_of or there.was_verified:
            raise AlreadyExists(f"the domain {name} is here already")
        yield from delete_domain(there.tenant_id, there.domain_id)
    yield Run(_ADD_DOMAIN, {"domain": domain_id, "tenant": tenant, "name": name, "at": at})
    yield RunMany(
        _ADD_KEY,
        [
            {
                "domain": name,
                "selector": key.selector,
                "algorithm": key.algorithm,
                "sealed": key.sealed_key,
                "record": key.public_record,
                "at": at,
            }
            for key in keys
        ],
    )
    return Domain(domain_id, tenant, name, DomainStatus.NOT_STARTED, None, at)


def domains(tenant: TenantId | None) -> Steps[tuple[Domain, ...]]:
    if tenant is None:
        rows = yield Run(_DOMAINS, {})
    else:
        rows = yield Run(_DOMAINS_OF, {"tenant": tenant})
    return tuple(to_domain(row) for row in rows)


def find_domain(name: str) -> Steps[Domain | None]:
    row = one((yield Run(_DOMAIN_BY_NAME, {"name": name})))
    return None if row is None else to_domain(row)


def set_domain_status(tenant: TenantId, domain_id: str, status: DomainStatus) -> Steps[None]:
    params: Params = {
        "tenant": tenant,
        "domain": domain_id,
        "status": status.value,
        "proven": int(status is DomainStatus.VERIFIED),
    }
    if not (yield Run(_SET_STATUS, params)):
        raise NotFound("there is no such domain")


def set_catch_all(tenant: TenantId, domain_id: str, address: str | None) -> Steps[None]:
    params: Params = {"tenant": tenant, "domain": domain_id, "address": address}
    if not (yield Run(_SET_CATCH_ALL, params)):
        raise NotFound("there is no such domain")


def delete_domain(tenant: TenantId, domain_id: str) -> Steps[None]:
    params: Params = {"tenant": tenant, "domain": domain_id}
    row = one((yield Run(_DOMAIN_BY_ID, params)))
    if row is None:
        raise NotFound("there is no such domain")
    name = text(row[2])
    pattern = "%@" + name.replace("_", "!_")
    used = one((yield Run(_IN_DOMAIN, {"tenant": tenant, "pattern": pattern})))
    if used is not None:
        raise InUse(f"{used[0]} still has an address in {name}; remove it first")
    yield Run(_DELETE_KEYS, {"domain": name})
    yield Run(_DELETE_DOMAIN, params)


def dkim_keys(domain: str) -> Steps[tuple[DkimKey, ...]]:
    rows = yield Run(_KEYS, {"domain": domain})
    return tuple(
        DkimKey(
            text(row[0]),
            text(row[1]),
            text(row[2]),
            octets(row[3]),
            text(row[4]),
            Moment(integer(row[5])),
        )
        for row in rows
    )


def find_signing_domain(name: str) -> Steps[tuple[Domain, tuple[DkimKey, ...]] | None]:
    found = yield from find_domain(name)
    return None if found is None else (found, (yield from dkim_keys(name)))


def setting(name: str) -> Steps[str | None]:
    row = one((yield Run(_SETTING, {"name": name})))
    return None if row is None else text(row[0])


def set_setting(name: str, value: str) -> Steps[None]:
    yield Run(_SET_SETTING, {"name": name, "value": value})


def _tenant(row: Row) -> Tenant:
    return Tenant(
        TenantId(integer(row[0])),
        text(row[1]),
        AccountId(integer(row[2])),
        Moment(integer(row[3])),
    )


def to_domain(row: Row) -> Domain:
    return Domain(
        text(row[0]),
        TenantId(integer(row[1])),
        text(row[2]),
        DomainStatus(row[3]),
        optional_text(row[4]),
        Moment(integer(row[5])),
        was_verified=bool(integer(row[6])),
    )
