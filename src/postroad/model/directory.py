"""Who there is: tenants, domains, accounts, their credentials and keys."""

from dataclasses import dataclass
from enum import Enum

from postroad.base.moments import Moment
from postroad.model.ids import AccountId, TenantId


class Role(Enum):
    """What a person may do (DESIGN.md section 7)."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class DomainStatus(Enum):
    """As the Resend API names them."""

    NOT_STARTED = "not_started"
    PENDING = "pending"
    VERIFIED = "verified"
    FAILED = "failed"


class CredentialKind(Enum):
    PASSWORD = "password"  # noqa: S105  # a kind, not a password
    APP_PASSWORD = "app_password"  # noqa: S105


class KeyPermission(Enum):
    FULL = "full_access"
    SENDING = "sending_access"


@dataclass(frozen=True, slots=True)
class Tenant:
    tenant_id: TenantId
    name: str
    sending_account: AccountId  # owns what programs send: API rows, queue entries
    created_at: Moment


@dataclass(frozen=True, slots=True)
class Domain:
    domain_id: str  # a UUID
    tenant_id: TenantId
    name: str  # A-labels, lower case
    status: DomainStatus
    catch_all: str | None  # normalised address that gets what no one else does
    created_at: Moment
    was_verified: bool = False  # ever, whatever `status` says now


@dataclass(frozen=True, slots=True)
class DkimKey:
    domain: str
    selector: str
    algorithm: str  # "rsa-sha256" or "ed25519-sha256"
    sealed_key: bytes  # PEM (PKCS 8), sealed with the master key
    public_record: str  # the text of the TXT record
    created_at: Moment


@dataclass(frozen=True, slots=True)
class Account:
    """A person with mailboxes, or a tenant's sending account (`is_person` False).

    A shared account counts as a person who never logs in; others have rights to its mailboxes.
    """

    account_id: AccountId
    tenant_id: TenantId
    address: str  # normalised, unique over the server
    display_name: str
    role: Role
    is_person: bool
    auth_version: int  # grows with each change of credentials; older verified ones are void
    disabled: bool
    quota_octets: int | None
    created_at: Moment
    is_shared: bool = False
    quota_messages: int | None = None
    quota_mailboxes: int | None = None

    @property
    def may_log_in(self) -> bool:
        """Whether anybody ever logs in as this account; `disabled` is looked at besides."""
        return self.is_person and not self.is_shared


@dataclass(frozen=True, slots=True)
class Credential:
    credential_id: str
    account_id: AccountId
    kind: CredentialKind
    name: str
    verifier: str  # Argon2id, or a keyed hash for app passwords
    scopes: frozenset[str]  # protocols: "imap", "smtp"...; empty means all
    created_at: Moment
    scram: bytes | None = None  # sealed keys of SCRAM; None: it opens nothing by SCRAM


@dataclass(frozen=True, slots=True)
class ApiKey:
    key_id: str  # a UUID
    tenant_id: TenantId
    name: str
    permission: KeyPermission
    domain_id: str | None  # may send from this domain only
    created_at: Moment
    last_used_at: Moment | None


@dataclass(frozen=True, slots=True)
class Alias:
    address: str
    tenant_id: TenantId
    targets: tuple[str, ...]
