"""Tenants, domains, accounts and aliases in memory."""

from collections.abc import Sequence
from dataclasses import replace

from postroad.adapters.memory.credentials import MemoryCredentials
from postroad.adapters.memory.mailboxes import create
from postroad.adapters.memory.state import MemoryState, Owner
from postroad.base.errors import AlreadyExists, InUse, NotFound
from postroad.base.moments import Moment
from postroad.model.directory import (
    Account,
    Alias,
    DkimKey,
    Domain,
    DomainStatus,
    Role,
    Tenant,
)
from postroad.model.ids import AccountId, MailboxName, TenantId
from postroad.model.quota import QuotaLimits
from postroad.stores.directory import NewAccount, Recipient


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


class MemoryDirectoryStore(MemoryCredentials):
    async def create_tenant(self, name: str, at: Moment) -> Tenant:
        for tenant in self._state.tenants.values():
            if tenant.name == name:
                return tenant
        tenant_id = TenantId(len(self._state.tenants) + 1)
        account = AccountId(self._state.next_number())
        # No address has a space, so nobody can be sent mail or log in under this name.
        address = f"sending account of {tenant_id}"
        self._add(
            Account(account, tenant_id, address, name, Role.MEMBER, False, 1, False, None, at)
        )
        made = self._state.tenants[tenant_id] = Tenant(tenant_id, name, account, at)
        return made

    async def tenants(self) -> tuple[Tenant, ...]:
        return tuple(self._state.tenants.values())

    async def find_tenant(self, tenant: TenantId) -> Tenant | None:
        return self._state.tenants.get(tenant)

    async def create_domain(
        self,
        tenant: TenantId,
        domain_id: str,
        name: str,
        keys: Sequence[DkimKey],
        at: Moment,
        instead_of: str | None = None,
    ) -> Domain:
        if tenant not in self._state.tenants:
            raise NotFound("there is no such tenant")
        there = self._state.domains.get(name)
        if there is not None:
            if there.domain_id != instead_of or there.was_verified:
                raise AlreadyExists(f"the domain {name} is here already")
            await self.delete_domain(there.tenant_id, there.domain_id)
        made = Domain(domain_id, tenant, name, DomainStatus.NOT_STARTED, None, at)
        self._state.domains[name] = made
        self._state.dkim_keys[name] = [replace(key, domain=name, created_at=at) for key in keys]
        return made

    async def domains(self, tenant: TenantId | None = None) -> tuple[Domain, ...]:
        found = sorted(self._state.domains.values(), key=lambda domain: domain.name)
        return tuple(domain for domain in found if tenant in (None, domain.tenant_id))

    async def find_domain(self, name: str) -> Domain | None:
        return self._state.domains.get(name)

    async def set_domain_status(
        self, tenant: TenantId, domain_id: str, status: DomainStatus
    ) -> None:
        domain = self._domain(tenant, domain_id)
        proven = domain.was_verified or status is DomainStatus.VERIFIED
        self._state.domains[domain.name] = replace(domain, status=status, was_verified=proven)

    async def set_catch_all(self, tenant: TenantId, domain_id: str, address: str | None) -> None:
        domain = self._domain(tenant, domain_id)
        self._state.domains[domain.name] = replace(domain, catch_all=address)

    async def delete_domain(self, tenant: TenantId, domain_id: str) -> None:
        domain = self._domain(tenant, domain_id)
        addresses = [account.address for account in self._state.accounts.values()]
        for address in (*addresses, *self._state.aliases):
            if domain_of(address) == domain.name:
                raise InUse(f"{address} still has an address in {domain.name}; remove it first")
        del self._state.domains[domain.name], self._state.dkim_keys[domain.name]

    async def dkim_keys(self, domain: str) -> tuple[DkimKey, ...]:
        keys = self._state.dkim_keys.get(domain, [])
        return tuple(sorted(keys, key=lambda key: key.selector))

    async def find_signing_domain(self, name: str) -> tuple[Domain, tuple[DkimKey, ...]] | None:
        found = self._state.domains.get(name)
        return None if found is None else (found, await self.dkim_keys(name))

    async def create_account(self, new: NewAccount, at: Moment) -> Account:
        self._check_address(new.tenant_id, new.address)
        account = Account(
            account_id=AccountId(self._state.next_number()),
            tenant_id=new.tenant_id,
            address=new.address,
            display_name=new.display_name,
            role=new.role,
            is_person=True,
            auth_version=1,
            disabled=False,
            quota_octets=new.quota_octets,
            created_at=at,
            is_shared=new.is_shared,
        )
        owner = self._add(account)
        for name, special_use in new.mailboxes:
            create(owner, MailboxName(name), special_use)
            owner.subscriptions.add(MailboxName(name))
        return account

    async def accounts(self, tenant: TenantId | None = None) -> tuple[Account, ...]:
        found = sorted(self._state.accounts.values(), key=lambda account: account.address)
        return tuple(
            account
            for account in found
            if account.is_person and tenant in (None, account.tenant_id)
        )

    async def find_account(self, address: str) -> Account | None:
        return self._by_address(address)

    async def load_account(self, account: AccountId) -> Account:
        return self._account(account)

    async def set_disabled(self, account: AccountId, *, disabled: bool) -> None:
        found = self._account(account)
        self._state.accounts[account] = replace(
            found, disabled=disabled, auth_version=found.auth_version + 1
        )

    async def set_account_quota(self, account: AccountId, limits: QuotaLimits) -> None:
        found = self._account(account)
        self._state.accounts[account] = replace(
            found,
            quota_octets=limits.octets,
            quota_messages=limits.messages,
            quota_mailboxes=limits.mailboxes,
        )
        self._state.owner(account).limits = limits

    async def delete_account(self, account: AccountId) -> None:
        found, state = self._account(account), self._state
        blobs = state.blobs_of(account)
        del state.accounts[account], state.owners[account]
        state.credentials.pop(account, None)
        _forget_rights(state, account)
        for key in [key for key in state.entries if key[0] == account]:
            del state.entries[key]
        for used in [used for used in state.used_keys if used[0] == account]:
            del state.used_keys[used]
        state.events = [one for one in state.events if one.account_id != account]
        state.dropped(account, blobs)
        for alias in list(state.aliases.values()):
            if alias.tenant_id == found.tenant_id and set(alias.targets) == {found.address}:
                del state.aliases[alias.address]

    async def find_recipient(self, local_part: str, domain: str) -> Recipient:
        found = self._state.domains.get(domain)
        if found is None:
            return Recipient(None, None, None, 0)
        addresses = [f"{name}@{domain}" for name in (local_part, local_part.split("+")[0]) if name]
        for address in (*addresses, found.catch_all or ""):
            account, alias = self._by_address(address), self._state.aliases.get(address)
            if account is not None:
                used = self._state.owner(account.account_id).quota.used
                return Recipient(found, account, None, used.octets, used.messages)
            if alias is not None:
                return Recipient(found, None, alias, 0)
        return Recipient(found, None, None, 0)

    async def create_alias(self, alias: Alias, at: Moment) -> None:
        self._check_address(alias.tenant_id, alias.address)
        self._state.aliases[alias.address] = alias

    async def aliases(self, tenant: TenantId | None = None) -> tuple[Alias, ...]:
        found = sorted(self._state.aliases.values(), key=lambda alias: alias.address)
        return tuple(alias for alias in found if tenant in (None, alias.tenant_id))

    async def delete_alias(self, tenant: TenantId, address: str) -> None:
        alias = self._state.aliases.get(address)
        if alias is None or alias.tenant_id != tenant:
            raise NotFound(f"there is no alias {address}")
        del self._state.aliases[address]

    async def setting(self, name: str) -> str | None:
        return self._state.settings.get(name)

    async def set_setting(self, name: str, value: str) -> None:
        self._state.settings[name] = value

    def _add(self, account: Account) -> Owner:
        self._state.accounts[account.account_id] = account
        owner = self._state.owners[account.account_id] = Owner(QuotaLimits(account.quota_octets))
        return owner

    def _domain(self, tenant: TenantId, domain_id: str) -> Domain:
        for domain in self._state.domains.values():
            if (domain.tenant_id, domain.domain_id) == (tenant, domain_id):
                return domain
        raise NotFound("there is no such domain")

    def _check_address(self, tenant: TenantId, address: str) -> None:
        """Raises `NotFound` without a domain of the tenant, `AlreadyExists` when it is taken."""
        domain = self._state.domains.get(domain_of(address))
        if domain is None or domain.tenant_id != tenant:
            raise NotFound(f"{domain_of(address)} is not a domain of this tenant")
        if address in self._state.aliases or self._by_address(address) is not None:
            raise AlreadyExists(f"the address {address} is taken")


def _forget_rights(state: MemoryState, account: AccountId) -> None:
    """Nobody who comes later may have what this person had."""
    for owner in state.owners.values():
        for box in owner.boxes.values():
            box.marks.pop(account, None)
            box.notes.pop(account, None)
            box.url_keys.pop(account, None)
            for negative in (False, True):
                box.acl.pop((account, negative), None)
