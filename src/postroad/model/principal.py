"""Who asks, once it is proven."""

from dataclasses import dataclass

from postroad.model.directory import Account, ApiKey, KeyPermission
from postroad.model.ids import AccountId, TenantId


@dataclass(frozen=True, slots=True)
class Principal:
    """A person's account, and which credential proved it."""

    account: Account
    credential_id: str

    @property
    def account_id(self) -> AccountId:
        return self.account.account_id


@dataclass(frozen=True, slots=True)
class Program:
    """A program with an API key: it acts for its tenant's sending account."""

    key: ApiKey
    tenant_id: TenantId
    sending_account: AccountId

    @property
    def may_manage(self) -> bool:
        return self.key.permission is KeyPermission.FULL
