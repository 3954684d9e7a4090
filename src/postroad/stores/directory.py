"""What the core asks of the store of tenants, domains, accounts and keys."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

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
    Role,
    Tenant,
)
from postroad.model.ids import AccountId, TenantId
from postroad.model.mailbox import SpecialUse
from postroad.model.principal import Program
from postroad.model.quota import QuotaLimits


@dataclass(frozen=True, slots=True)
class NewAccount:
    tenant_id: TenantId
    address: str
    display_name: str
    role: Role
    quota_octets: int | None
    mailboxes: Sequence[tuple[str, SpecialUse | None]]  # made and subscribed with it
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """What one look-up tells of a local address: the answer to RCPT."""

    domain: Domain | None  # None: not one of ours
    account: Account | None
    alias: Alias | None
    used_octets: int
    used_messages: int = 0  # told only where there is a limit on them


class DirectoryStore(Protocol):
    """Each call is one transaction. Names of domains and addresses come normalised."""

    @abstractmethod
    async def create_tenant(self, name: str, at: Moment) -> Tenant:
        """A tenant with its sending account; the same name again gives the one there is."""
        ...

    @abstractmethod
    async def tenants(self) -> tuple[Tenant, ...]: ...

    @abstractmethod
    async def find_tenant(self, tenant: TenantId) -> Tenant | None: ...

    @abstractmethod
    async def create_domain(
        self,
        tenant: TenantId,
        domain_id: str,
        name: str,
        keys: Sequence[DkimKey],
        at: Moment,
        instead_of: str | None = None,
    ) -> Domain:
        """Raises `AlreadyExists`, also when another tenant has it.

        `instead_of` is the id of a domain of that name that was never verified: it goes in the
        same step. Raises `InUse` while it has addresses.
        """
        ...

    @abstractmethod
    async def domains(self, tenant: TenantId | None = None) -> tuple[Domain, ...]:
        """By name; of all tenants for the operator."""
        ...

    @abstractmethod
    async def find_domain(self, name: str) -> Domain | None: ...

    @abstractmethod
    async def set_domain_status(
        self, tenant: TenantId, domain_id: str, status: DomainStatus
    ) -> None: ...

    @abstractmethod
    async def set_catch_all(
        self, tenant: TenantId, domain_id: str, address: str | None
    ) -> None: ...

    @abstractmethod
    async def delete_domain(self, tenant: TenantId, domain_id: str) -> None:
        """Raises `NotFound`, and `InUse` while accounts or aliases have addresses in it."""
        ...

    @abstractmethod
    async def dkim_keys(self, domain: str) -> tuple[DkimKey, ...]: ...

    @abstractmethod
    async def find_signing_domain(self, name: str) -> tuple[Domain, tuple[DkimKey, ...]] | None:
        """A domain with its `dkim_keys`, in one hop."""
        ...

    @abstractmethod
    async def create_account(self, new: NewAccount, at: Moment) -> Account:
        """Raises `AlreadyExists` (also for an alias's address), `NotFound` without its domain."""
        ...

    @abstractmethod
    async def accounts(self, tenant: TenantId | None = None) -> tuple[Account, ...]:
        """The people, by address."""
        ...

    @abstractmethod
    async def find_account(self, address: str) -> Account | None: ...

    @abstractmethod
    async def load_account(self, account: AccountId) -> Account:
        """Raises `NotFound`."""
        ...

    @abstractmethod
    async def set_disabled(self, account: AccountId, *, disabled: bool) -> None:
        """Raises the `auth_version`."""
        ...

    @abstractmethod
    async def set_account_quota(self, account: AccountId, limits: QuotaLimits) -> None:
        """What is there already stays, however much it is. Raises `NotFound`."""
        ...

    @abstractmethod
    async def delete_account(self, account: AccountId) -> None:
        """Remove an account, its mailboxes, credentials and the aliases to it alone."""
        ...

    @abstractmethod
    async def find_recipient(self, local_part: str, domain: str) -> Recipient:
        """Look an address up: exactly, then without its ``+detail`` (RFC 5233), then catch-all.

        `local_part` is in lower case. One hop.
        """
        ...

    @abstractmethod
    async def create_alias(self, alias: Alias, at: Moment) -> None:
        """Raises `AlreadyExists`, `NotFound` without its domain."""
        ...

    @abstractmethod
    async def aliases(self, tenant: TenantId | None = None) -> tuple[Alias, ...]: ...

    @abstractmethod
    async def delete_alias(self, tenant: TenantId, address: str) -> None:
        """Raises `NotFound`."""
        ...

    @abstractmethod
    async def set_password(
        self, account: AccountId, verifier: str, at: Moment, scram: bytes | None = None
    ) -> None:
        """Replace the account's password, and what is kept of it; raise its `auth_version`."""
        ...

    @abstractmethod
    async def keep_scram(self, credential: Credential, scram: bytes) -> None:
        """Add the sealed keys of SCRAM to a credential, unless it was changed or revoked."""
        ...

    @abstractmethod
    async def create_app_password(self, credential: Credential) -> None: ...

    @abstractmethod
    async def credentials(self, account: AccountId) -> tuple[Credential, ...]: ...

    @abstractmethod
    async def revoke_credential(self, account: AccountId, credential_id: str) -> None:
        """Raises `NotFound`; raises the account's `auth_version`."""
        ...

    @abstractmethod
    async def credentials_of(self, address: str) -> tuple[Account, tuple[Credential, ...]] | None:
        """The account of an address and all that proves it, in one hop."""
        ...

    @abstractmethod
    async def create_api_key(
        self,
        tenant: TenantId,
        key_id: str,
        name: str,
        token_hash: bytes,
        permission: KeyPermission,
        domain_id: str | None,
        at: Moment,
    ) -> ApiKey: ...

    @abstractmethod
    async def api_keys(self, tenant: TenantId) -> tuple[ApiKey, ...]:
        """Newest first."""
        ...

    @abstractmethod
    async def find_program(self, token_hash: bytes) -> Program | None:
        """The program whose API key this is."""
        ...

    @abstractmethod
    async def touch_api_key(self, tenant: TenantId, key_id: str, at: Moment) -> None: ...

    @abstractmethod
    async def delete_api_key(self, tenant: TenantId, key_id: str) -> None:
        """Raises `NotFound`."""
        ...

    @abstractmethod
    async def setting(self, name: str) -> str | None:
        """A value that the server keeps for itself, such as the fingerprint of the master key."""
        ...

    @abstractmethod
    async def set_setting(self, name: str, value: str) -> None: ...
