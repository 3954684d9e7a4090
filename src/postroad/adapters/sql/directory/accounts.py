"""Accounts and aliases, and the one look-up that answers RCPT."""

import json

from postroad.adapters.sql.directory.tenants import ADD_OWNER, find_domain, next_id, to_domain
from postroad.adapters.sql.mail.mailboxes import create_first
from postroad.adapters.sql.mail.rights import forget_person
from postroad.adapters.sql.owners import lock, unrefer
from postroad.adapters.sql.statement import (
    Params,
    Row,
    Run,
    Sql,
    Steps,
    integer,
    octets,
    one,
    optional_integer,
    text,
)
from postroad.base.errors import AlreadyExists, NotFound
from postroad.base.moments import Moment
from postroad.model.directory import Account, Alias, Domain, Role
from postroad.model.ids import AccountId, BlobId, TenantId
from postroad.model.quota import QuotaLimits
from postroad.stores.directory import NewAccount, Recipient

_ACCOUNT_COLUMNS = """a.account_id, a.tenant_id, a.address, a.display_name, a.role, a.is_person,
    a.auth_version, a.disabled, o.quota_octets, a.created_at, a.is_shared, o.quota_messages,
    o.quota_mailboxes, o.used_octets, CASE WHEN o.quota_messages IS NULL THEN 0 ELSE (
        SELECT CAST(coalesce(sum(m.messages), 0) AS BIGINT) FROM mailbox m
        WHERE m.owner_id = a.account_id
    ) END"""
ACCOUNT = f"""
    SELECT {_ACCOUNT_COLUMNS}
    FROM account a JOIN owner o ON o.owner_id = a.account_id
"""  # noqa: S608
_BY_ADDRESS = Sql(f"{ACCOUNT} WHERE a.address = :address")
_BY_ID = Sql(f"{ACCOUNT} WHERE a.account_id = :account")
_PEOPLE = Sql(f"{ACCOUNT} WHERE a.is_person = 1 ORDER BY a.address")
_PEOPLE_OF = Sql(f"{ACCOUNT} WHERE a.is_person = 1 AND a.tenant_id = :tenant ORDER BY a.address")
_RECIPIENT = Sql(f"""
    SELECT {_ACCOUNT_COLUMNS},
        d.domain_id, d.tenant_id, d.name, d.status, d.catch_all, d.created_at, d.was_verified
    FROM domain d LEFT JOIN account a ON a.address = :address
        LEFT JOIN owner o ON o.owner_id = a.account_id
    WHERE d.name = :domain
""")  # noqa: S608
_ADD = Sql("""
    INSERT INTO account (account_id, tenant_id, address, display_name, role, is_person,
        auth_version, disabled, created_at, is_shared)
    VALUES (:account, :tenant, :address, :name, :role, 1, 1, 0, :at, :is_shared)
""")
_DISABLE = Sql("""
    UPDATE account SET disabled = :disabled, auth_version = auth_version + 1
    WHERE account_id = :account RETURNING 1
""")
_QUOTA = Sql("""
    UPDATE owner SET quota_octets = :octets, quota_messages = :messages,
        quota_mailboxes = :mailboxes
    WHERE owner_id = :account RETURNING 1
""")
_BLOBS = Sql("SELECT blob_id, uses FROM blob_ref WHERE owner_id = :account")
_WIDTH = 15  # of what is asked of an account
_OWNED = (
    "placement",
    "expunged",
    "thread_key",
    "email_header",
    "email",
    "virtual_placement",
    "virtual_mailbox",
    "mailbox",
    "acl",
    "shared_with",
    "viewer_seen",
    "metadata",
    "url_key",
    "subscription",
    "change",
    "recipient",
    "submission",
    "idempotency",
    "event",
    "owner",
)
_CLEAR = [Sql(f"DELETE FROM {table} WHERE owner_id = :account") for table in _OWNED]  # noqa: S608
_CREDENTIALS = Sql("DELETE FROM credential WHERE account_id = :account")
_DELETE = Sql("DELETE FROM account WHERE account_id = :account")
_ALIAS = Sql("SELECT address, tenant_id, targets FROM alias WHERE address = :address")
_ALIASES = Sql("SELECT address, tenant_id, targets FROM alias ORDER BY address")
_ALIASES_OF = Sql("""
    SELECT address, tenant_id, targets FROM alias WHERE tenant_id = :tenant ORDER BY address
""")
_ADD_ALIAS = Sql("""
    INSERT INTO alias (address, tenant_id, targets, created_at)
    VALUES (:address, :tenant, :targets, :at)
""")
_DELETE_ALIAS = Sql("""
    DELETE FROM alias WHERE tenant_id = :tenant AND address = :address RETURNING 1
""")


def to_account(row: Row) -> Account:
    return Account(
        account_id=AccountId(integer(row[0])),
        tenant_id=TenantId(integer(row[1])),
        address=text(row[2]),
        display_name=text(row[3]),
        role=Role(row[4]),
        is_person=bool(row[5]),
        auth_version=integer(row[6]),
        disabled=bool(row[7]),
        quota_octets=optional_integer(row[8]),
        created_at=Moment(integer(row[9])),
        is_shared=bool(row[10]),
        quota_messages=optional_integer(row[11]),
        quota_mailboxes=optional_integer(row[12]),
    )


def create_account(new: NewAccount, at: Moment) -> Steps[Account]:
    domain = yield from find_domain(new.address.rpartition("@")[2])
    if domain is None or domain.tenant_id != new.tenant_id:
        raise NotFound(f"{new.address.rpartition('@')[2]} is not a domain of this tenant")
    yield from _refuse_taken(new.address)
    account = yield from next_id("account")
    params: Params = {
        "account": account,
        "tenant": new.tenant_id,
        "address": new.address,
        "name": new.display_name,
        "role": new.role.value,
        "at": at,
        "is_shared": int(new.is_shared),
    }
    yield Run(_ADD, params)
    yield Run(ADD_OWNER, {"account": account, "quota": new.quota_octets})
    yield from create_first(AccountId(account), new.mailboxes)
    return (yield from load_account(AccountId(account)))


def _refuse_taken(address: str) -> Steps[None]:
    taken = yield Run(_BY_ADDRESS, {"address": address})
    if taken or (yield Run(_ALIAS, {"address": address})):
        raise AlreadyExists(f"the address {address} is taken")


def people(tenant: TenantId | None) -> Steps[tuple[Account, ...]]:
    if tenant is None:
        rows = yield Run(_PEOPLE, {})
    else:
        rows = yield Run(_PEOPLE_OF, {"tenant": tenant})
    return tuple(to_account(row) for row in rows)


def find_account(address: str) -> Steps[Account | None]:
    row = one((yield Run(_BY_ADDRESS, {"address": address})))
    return None if row is None else to_account(row)


def load_account(account: AccountId) -> Steps[Account]:
    row = one((yield Run(_BY_ID, {"account": account})))
    if row is None:
        raise NotFound("there is no such account")
    return to_account(row)


def set_disabled(account: AccountId, *, disabled: bool) -> Steps[None]:
    if not (yield Run(_DISABLE, {"account": account, "disabled": int(disabled)})):
        raise NotFound("there is no such account")


def set_account_quota(account: AccountId, limits: QuotaLimits) -> Steps[None]:
    params: Params = {
        "account": account,
        "octets": limits.octets,
        "messages": limits.messages,
        "mailboxes": limits.mailboxes,
    }
    if not (yield Run(_QUOTA, params)):
        raise NotFound("there is no such account")


def delete_account(account: AccountId) -> Steps[None]:
    yield from lock(account)
    found = yield from load_account(account)
    rows = yield Run(_BLOBS, {"account": account})
    for row in rows:
        for _ in range(integer(row[1])):
            yield from unrefer(account, BlobId(octets(row[0])))
    for statement in _CLEAR:
        yield Run(statement, {"account": account})
    yield from forget_person(found.tenant_id, account)
    yield Run(_CREDENTIALS, {"account": account})
    yield Run(_DELETE, {"account": account})
    for alias in (yield from aliases(found.tenant_id)):
        if set(alias.targets) == {found.address}:
            yield from delete_alias(found.tenant_id, alias.address)


def find_recipient(local_part: str, domain_name: str) -> Steps[Recipient]:
    address = f"{local_part}@{domain_name}"
    row = one((yield Run(_RECIPIENT, {"address": address, "domain": domain_name})))
    if row is None:
        return Recipient(None, None, None, 0)
    domain = to_domain(row[_WIDTH:])
    if row[0] is not None:
        return _recipient(domain, row)
    names = [local_part]
    if "+" in local_part:
        names.append(local_part.partition("+")[0])
    for name in filter(None, names):
        row, alias = yield from _exactly(f"{name}@{domain_name}")
        if row is not None:
            return _recipient(domain, row)
        if alias is not None:
            return Recipient(domain, None, alias, 0)
    if domain.catch_all is not None:
        row, alias = yield from _exactly(domain.catch_all)
        if row is not None:
            return _recipient(domain, row)
        return Recipient(domain, None, alias, 0)
    return Recipient(domain, None, None, 0)


def _recipient(domain: Domain, row: Row) -> Recipient:
    used = integer(row[_WIDTH - 2]), integer(row[_WIDTH - 1])
    return Recipient(domain, to_account(row), None, *used)


def _exactly(address: str) -> Steps[tuple[Row | None, Alias | None]]:
    row = one((yield Run(_BY_ADDRESS, {"address": address})))
    if row is not None:
        return row, None
    found = one((yield Run(_ALIAS, {"address": address})))
    return None, None if found is None else _alias(found)


def create_alias(alias: Alias, at: Moment) -> Steps[None]:
    domain = yield from find_domain(alias.address.rpartition("@")[2])
    if domain is None or domain.tenant_id != alias.tenant_id:
        raise NotFound(f"{alias.address.rpartition('@')[2]} is not a domain of this tenant")
    yield from _refuse_taken(alias.address)
    params: Params = {
        "address": alias.address,
        "tenant": alias.tenant_id,
        "targets": json.dumps(alias.targets),
        "at": at,
    }
    yield Run(_ADD_ALIAS, params)


def aliases(tenant: TenantId | None) -> Steps[tuple[Alias, ...]]:
    if tenant is None:
        rows = yield Run(_ALIASES, {})
    else:
        rows = yield Run(_ALIASES_OF, {"tenant": tenant})
    return tuple(_alias(row) for row in rows)


def delete_alias(tenant: TenantId, address: str) -> Steps[None]:
    if not (yield Run(_DELETE_ALIAS, {"tenant": tenant, "address": address})):
        raise NotFound(f"there is no alias {address}")


def _alias(row: Row) -> Alias:
    return Alias(text(row[0]), TenantId(integer(row[1])), tuple(json.loads(text(row[2]))))
