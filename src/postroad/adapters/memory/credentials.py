"""Passwords, app passwords and API keys in memory."""

from dataclasses import replace

from postroad.adapters.memory.state import MemoryState
from postroad.base.errors import NotFound
from postroad.base.moments import Moment
from postroad.model.directory import Account, ApiKey, Credential, CredentialKind, KeyPermission
from postroad.model.ids import AccountId, TenantId
from postroad.model.principal import Program
from postroad.stores.directory import DirectoryStore


class MemoryCredentials(DirectoryStore):
    """The part of the directory that is about proving who one is."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def set_password(
        self, account: AccountId, verifier: str, at: Moment, scram: bytes | None = None
    ) -> None:
        self._raise_version(account)
        kind = CredentialKind.PASSWORD
        self._put(Credential("password", account, kind, "", verifier, frozenset(), at, scram))

    async def keep_scram(self, credential: Credential, scram: bytes) -> None:
        for one in self._credentials(credential.account_id):
            same = one.credential_id == credential.credential_id
            if same and one.verifier == credential.verifier:
                self._put(replace(one, scram=scram))

    async def create_app_password(self, credential: Credential) -> None:
        self._put(credential)

    async def credentials(self, account: AccountId) -> tuple[Credential, ...]:
        return self._credentials(account)

    async def revoke_credential(self, account: AccountId, credential_id: str) -> None:
        held = self._state.credentials.get(account, {})
        if credential_id not in held:
            raise NotFound("there is no such app password")
        del held[credential_id]
        self._raise_version(account)

    async def credentials_of(self, address: str) -> tuple[Account, tuple[Credential, ...]] | None:
        account = self._by_address(address)
        return None if account is None else (account, self._credentials(account.account_id))

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
        self._state.api_keys[token_hash] = key
        return key

    async def api_keys(self, tenant: TenantId) -> tuple[ApiKey, ...]:
        mine = [key for key in self._state.api_keys.values() if key.tenant_id == tenant]
        return tuple(sorted(mine, key=lambda key: key.key_id, reverse=True))

    async def find_program(self, token_hash: bytes) -> Program | None:
        key = self._state.api_keys.get(token_hash)
        if key is None:
            return None
        tenant = self._state.tenants[key.tenant_id]
        return Program(key, tenant.tenant_id, tenant.sending_account)

    async def touch_api_key(self, tenant: TenantId, key_id: str, at: Moment) -> None:
        for token_hash, key in self._state.api_keys.items():
            if (key.tenant_id, key.key_id) == (tenant, key_id):
                self._state.api_keys[token_hash] = replace(key, last_used_at=at)

    async def delete_api_key(self, tenant: TenantId, key_id: str) -> None:
        for token_hash, key in self._state.api_keys.items():
            if (key.tenant_id, key.key_id) == (tenant, key_id):
                del self._state.api_keys[token_hash]
                return
        raise NotFound("API key not found")

    def _account(self, account: AccountId) -> Account:
        """Raises `NotFound`."""
        if account not in self._state.accounts:
            raise NotFound("there is no such account")
        return self._state.accounts[account]

    def _by_address(self, address: str) -> Account | None:
        accounts = self._state.accounts.values()
        return next((account for account in accounts if account.address == address), None)

    def _raise_version(self, account: AccountId) -> None:
        found = self._account(account)
        self._state.accounts[account] = replace(found, auth_version=found.auth_version + 1)

    def _put(self, credential: Credential) -> None:
        held = self._state.credentials.setdefault(credential.account_id, {})
        held[credential.credential_id] = credential

    def _credentials(self, account: AccountId) -> tuple[Credential, ...]:
        held = self._state.credentials.get(account, {}).values()
        return tuple(sorted(held, key=lambda one: (one.created_at, one.credential_id)))
