"""The store of tenants, domains, accounts and keys, as operations on an engine."""

from collections.abc import Sequence

from postroad.adapters.sql.directory import accounts, credentials, tenants
from postroad.adapters.sql.engine import Engine
from postroad.base.moments import Moment
from postroad.model.directory import (
    Account,
    Alias,
    ApiKey,
    Credential,
    DkimKey,
    Domain,
    DomainStatus,
    KeyPermission,
    Tenant,
)
from postroad.model.ids import AccountId, TenantId
from postroad.model.principal import Program
from postroad.model.quota import QuotaLimits
from postroad.stores.directory import DirectoryStore, NewAccount, Recipient


class SqlDirectoryStore(DirectoryStore):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def create_tenant(self, name: str, at: Moment) -> Tenant:
        return await self._engine.write(lambda: tenants.create_tenant(name, at))

    async def tenants(self) -> tuple[Tenant, ...]:
        return await self._engine.read(tenants.tenants)

    async def find_tenant(self, tenant: TenantId) -> Tenant | None:
        return await self._engine.look_up(lambda: tenants.find_tenant(tenant))

    async def create_domain(
        self,
        tenant: TenantId,
        domain_id: str,
        name: str,
        keys: Sequence[DkimKey],
        at: Moment,
        instead_of: str | None = None,
    ) -> Domain:
        return await self._engine.write(
            lambda: tenants.create_domain(tenant, domain_id, name, keys, at, instead_of)
        )

    async def domains(self, tenant: TenantId | None = None) -> tuple[Domain, ...]:
        return await self._engine.read(lambda: tenants.domains(tenant))

    async def find_domain(self, name: str) -> Domain | None:
        return await self._engine.look_up(lambda: tenants.find_domain(name))

    async def set_domain_status(
        self, tenant: TenantId, domain_id: str, status: DomainStatus
    ) -> None:
        await self._engine.write(lambda: tenants.set_domain_status(tenant, domain_id, status))

    async def set_catch_all(self, tenant: TenantId, domain_id: str, address: str | None) -> None:
        await self._engine.write(lambda: tenants.set_catch_all(tenant, domain_id, address))

    async def delete_domain(self, tenant: TenantId, domain_id: str) -> None:
        await self._engine.write(lambda: tenants.delete_domain(tenant, domain_id))

    async def dkim_keys(self, domain: str) -> tuple[DkimKey, ...]:
        return await self._engine.look_up(lambda: tenants.dkim_keys(domain))

    async def find_signing_domain(self, name: str) -> tuple[Domain, tuple[DkimKey, ...]] | None:
        return await self._engine.look_up(lambda: tenants.find_signing_domain(name))

    async def create_account(self, new: NewAccount, at: Moment) -> Account:
        return await self._engine.write(lambda: accounts.create_account(new, at))

    async def accounts(self, tenant: TenantId | None = None) -> tuple[Account, ...]:
        return await self._engine.read(lambda: accounts.people(tenant))

    async def find_account(self, address: str) -> Account | None:
        return await self._engine.look_up(lambda: accounts.find_account(address))

    async def load_account(self, account: AccountId) -> Account:
        return await self._engine.look_up(lambda: accounts.load_account(account))

    async def set_disabled(self, account: AccountId, *, disabled: bool) -> None:
        await self._engine.write(lambda: accounts.set_disabled(account, disabled=disabled))

    async def set_account_quota(self, account: AccountId, limits: QuotaLimits) -> None:
        await self._engine.write(lambda: accounts.set_account_quota(account, limits))

    async def delete_account(self, account: AccountId) -> None:
        await self._engine.write(lambda: accounts.delete_account(account))

    async def find_recipient(self, local_part: str, domain: str) -> Recipient:
        return await self._engine.look_up(lambda: accounts.find_recipient(local_part, domain))

    async def create_alias(self, alias: Alias, at: Moment) -> None:
        await self._engine.write(lambda: accounts.create_alias(alias, at))

    async def aliases(self, tenant: TenantId | None = None) -> tuple[Alias, ...]:
        return await self._engine.read(lambda: accounts.aliases(tenant))

    async def delete_alias(self, tenant: TenantId, address: str) -> None:
        await self._engine.write(lambda: accounts.delete_alias(tenant, address))

    async def set_password(
        self, account: AccountId, verifier: str, at: Moment, scram: bytes | None = None
    ) -> None:
        await self._engine.write(lambda: credentials.set_password(account, verifier, at, scram))

    async def keep_scram(self, credential: Credential, scram: bytes) -> None:
        await self._engine.write(lambda: credentials.keep_scram(credential, scram))

    async def create_app_password(self, credential: Credential) -> None:
        await self._engine.write(lambda: credentials.create_app_password(credential))

    async def credentials(self, account: AccountId) -> tuple[Credential, ...]:
        return await self._engine.read(lambda: credentials.credentials(account))

    async def revoke_credential(self, account: AccountId, credential_id: str) -> None:
        await self._engine.write(lambda: credentials.revoke_credential(account, credential_id))

    async def credentials_of(self, address: str) -> tuple[Account, tuple[Credential, ...]] | None:
        return await self._engine.look_up(lambda: credentials.credentials_of(address))

    async def create_api_key(
        self,
        tenant: TenantId,
        key_id: str,
        name: str,
        token_hash: bytes,
        permission: KeyPermission,
        domain_id: str | None,
        at: Moment,
    ) -> ApiKey:
        key = ApiKey(key_id, tenant, name, permission, domain_id, at, None)
        return await self._engine.write(lambda: credentials.create_api_key(key, token_hash))

    async def api_keys(self, tenant: TenantId) -> tuple[ApiKey, ...]:
        return await self._engine.read(lambda: credentials.api_keys(tenant))

    async def find_program(self, token_hash: bytes) -> Program | None:
        return await self._engine.look_up(lambda: credentials.find_program(token_hash))

    async def touch_api_key(self, tenant: TenantId, key_id: str, at: Moment) -> None:
        await self._engine.write(lambda: credentials.touch_api_key(tenant, key_id, at))

    async def delete_api_key(self, tenant: TenantId, key_id: str) -> None:
        await self._engine.write(lambda: credentials.delete_api_key(tenant, key_id))

    async def setting(self, name: str) -> str | None:
        return await self._engine.look_up(lambda: tenants.setting(name))

    async def set_setting(self, name: str, value: str) -> None:
        await self._engine.write(lambda: tenants.set_setting(name, value))
