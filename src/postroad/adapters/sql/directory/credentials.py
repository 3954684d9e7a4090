"""Passwords, app passwords and API keys: verifiers and hashes only."""

from postroad.adapters.sql.directory.accounts import find_account
from postroad.adapters.sql.statement import (
    Params,
    Row,
    Run,
    Sql,
    Steps,
    integer,
    one,
    optional_integer,
    optional_octets,
    optional_text,
    text,
)
from postroad.base.errors import NotFound
from postroad.base.moments import Moment
from postroad.model.directory import Account, ApiKey, Credential, CredentialKind, KeyPermission
from postroad.model.ids import AccountId, TenantId
from postroad.model.principal import Program

_OF_ACCOUNT = Sql("""
    SELECT credential_id, account_id, kind, name, verifier, scopes, created_at, scram
    FROM credential
    WHERE account_id = :account ORDER BY created_at, credential_id
""")
_PUT = Sql("""
    INSERT INTO credential (account_id, credential_id, kind, name, verifier, scopes, created_at,
        scram)
    VALUES (:account, :credential, :kind, :name, :verifier, :scopes, :at, :scram)
    ON CONFLICT (account_id, credential_id)
    DO UPDATE SET verifier = :verifier, created_at = :at, scram = :scram
""")
_KEEP_SCRAM = Sql("""
    UPDATE credential SET scram = :scram
    WHERE account_id = :account AND credential_id = :credential AND verifier = :verifier
""")
_REVOKE = Sql("""
    DELETE FROM credential WHERE account_id = :account AND credential_id = :credential RETURNING 1
""")
_RAISE = Sql("""
    UPDATE account SET auth_version = auth_version + 1 WHERE account_id = :account RETURNING 1
""")
_KEY = (
    "SELECT key_id, tenant_id, name, permission, domain_id, created_at, last_used_at FROM api_key"
)
_KEYS = Sql(f"{_KEY} WHERE tenant_id = :tenant ORDER BY key_id DESC")
_PROGRAM = Sql("""
    SELECT k.key_id, k.tenant_id, k.name, k.permission, k.domain_id, k.created_at, k.last_used_at,
        t.sending_account
    FROM api_key k JOIN tenant t ON t.tenant_id = k.tenant_id WHERE k.token_hash = :hash
""")
_ADD_KEY = Sql("""
    INSERT INTO api_key (key_id, tenant_id, name, token_hash, permission, domain_id, created_at,
        last_used_at)
    VALUES (:key, :tenant, :name, :hash, :permission, :domain, :at, NULL)
""")
_TOUCH = Sql("""
    UPDATE api_key SET last_used_at = :at WHERE tenant_id = :tenant AND key_id = :key
""")
_DELETE_KEY = Sql("""
    DELETE FROM api_key WHERE tenant_id = :tenant AND key_id = :key RETURNING 1
""")


def set_password(
    account: AccountId, verifier: str, at: Moment, scram: bytes | None
) -> Steps[None]:
    if not (yield Run(_RAISE, {"account": account})):
        raise NotFound("there is no such account")
    params: Params = {
        "account": account,
        "credential": "password",
        "kind": CredentialKind.PASSWORD.value,
        "name": "",
        "verifier": verifier,
        "scopes": "",
        "at": at,
        "scram": scram,
    }
    yield Run(_PUT, params)


def create_app_password(credential: Credential) -> Steps[None]:
    params: Params = {
        "account": credential.account_id,
        "credential": credential.credential_id,
        "kind": credential.kind.value,
        "name": credential.name,
        "verifier": credential.verifier,
        "scopes": " ".join(sorted(credential.scopes)),
        "at": credential.created_at,
        "scram": credential.scram,
    }
    yield Run(_PUT, params)


def keep_scram(credential: Credential, scram: bytes) -> Steps[None]:
    params: Params = {
        "account": credential.account_id,
        "credential": credential.credential_id,
        "verifier": credential.verifier,
        "scram": scram,
    }
    yield Run(_KEEP_SCRAM, params)


def credentials(account: AccountId) -> Steps[tuple[Credential, ...]]:
    rows = yield Run(_OF_ACCOUNT, {"account": account})
    return tuple(_credential(row) for row in rows)


def revoke_credential(account: AccountId, credential_id: str) -> Steps[None]:
    if not (yield Run(_REVOKE, {"account": account, "credential": credential_id})):
        raise NotFound("there is no such app password")
    yield Run(_RAISE, {"account": account})


def credentials_of(address: str) -> Steps[tuple[Account, tuple[Credential, ...]] | None]:
    account = yield from find_account(address)
    if account is None:
        return None
    return account, (yield from credentials(account.account_id))


def create_api_key(key: ApiKey, token_hash: bytes) -> Steps[ApiKey]:
    params: Params = {
        "key": key.key_id,
        "tenant": key.tenant_id,
        "name": key.name,
        "hash": token_hash,
        "permission": key.permission.value,
        "domain": key.domain_id,
        "at": key.created_at,
    }
    yield Run(_ADD_KEY, params)
    return key


def api_keys(tenant: TenantId) -> Steps[tuple[ApiKey, ...]]:
    rows = yield Run(_KEYS, {"tenant": tenant})
    return tuple(_api_key(row) for row in rows)


def find_program(token_hash: bytes) -> Steps[Program | None]:
    row = one((yield Run(_PROGRAM, {"hash": token_hash})))
    if row is None:
        return None
    key = _api_key(row)
    return Program(key, key.tenant_id, AccountId(integer(row[7])))


def touch_api_key(tenant: TenantId, key_id: str, at: Moment) -> Steps[None]:
    yield Run(_TOUCH, {"tenant": tenant, "key": key_id, "at": at})


def delete_api_key(tenant: TenantId, key_id: str) -> Steps[None]:
    if not (yield Run(_DELETE_KEY, {"tenant": tenant, "key": key_id})):
        raise NotFound("API key not found")


def _credential(row: Row) -> Credential:
    return Credential(
        credential_id=text(row[0]),
        account_id=AccountId(integer(row[1])),
        kind=CredentialKind(row[2]),
        name=text(row[3]),
        verifier=text(row[4]),
        scopes=frozenset(text(row[5]).split()),
        created_at=Moment(integer(row[6])),
        scram=optional_octets(row[7]),
    )


def _api_key(row: Row) -> ApiKey:
    used = optional_integer(row[6])
    return ApiKey(
        key_id=text(row[0]),
        tenant_id=TenantId(integer(row[1])),
        name=text(row[2]),
        permission=KeyPermission(row[3]),
        domain_id=optional_text(row[4]),
        created_at=Moment(integer(row[5])),
        last_used_at=None if used is None else Moment(used),
    )
