"""People: their accounts, aliases, passwords and app passwords."""

from collections.abc import Sequence
from dataclasses import replace

from postroad.base.errors import Invalid, NotFound
from postroad.base.identifiers import new_uuid
from postroad.base.secret import Secret
from postroad.core.auth.passwords import Passwords, app_password_verifier, new_app_password
from postroad.core.auth.scram import ScramVerifiers
from postroad.core.auth.sealing import Sealer
from postroad.formats.mailaddress import acceptable_address, normalise_address, split_address
from postroad.model.directory import Account, Alias, Credential, CredentialKind, Role, Tenant
from postroad.model.ids import AccountId, TenantId
from postroad.model.mailbox import SpecialUse
from postroad.model.quota import QuotaLimits
from postroad.ports.clock import Clock
from postroad.stores.directory import DirectoryStore, NewAccount

DEFAULT_MAILBOXES: tuple[tuple[str, SpecialUse | None], ...] = (
    ("INBOX", None),
    ("Archive", SpecialUse.ARCHIVE),
    ("Drafts", SpecialUse.DRAFTS),
    ("Junk", SpecialUse.JUNK),
    ("Sent", SpecialUse.SENT),
    ("Trash", SpecialUse.TRASH),
)
SCOPES = frozenset({"imap", "smtp", "http"})
_MAX_TARGETS = 500


class Accounts:
    def __init__(
        self,
        directory: DirectoryStore,
        passwords: Passwords,
        sealer: Sealer,
        clock: Clock,
        scram: ScramVerifiers,
    ) -> None:
        self._directory = directory
        self._passwords = passwords
        self._sealer = sealer
        self._scram = scram
        self._clock = clock

    async def create_tenant(self, name: str) -> Tenant:
        """The same name again gives the one there is."""
        return await self._directory.create_tenant(name, self._clock.now())

    async def create(
        self,
        address: str,
        password: Secret,
        *,
        display_name: str = "",
        role: Role = Role.MEMBER,
        quota_octets: int | None = None,
    ) -> Account:
        """An account with the mailboxes that every program expects.

        Raises `Invalid` (address, password), `NotFound` (its domain), `AlreadyExists`.
        """
        wanted, tenant = await self._new_address(address)
        verifier = await self._passwords.hash(password)  # before anything is made
        new = NewAccount(tenant, wanted, display_name, role, quota_octets, DEFAULT_MAILBOXES)
        account = await self._directory.create_account(new, self._clock.now())
        await self._keep_password(account, verifier, password)
        return await self._directory.load_account(account.account_id)

    async def create_shared(
        self, address: str, *, display_name: str = "", quota_octets: int | None = None
    ) -> Account:
        """An account that receives mail and that nobody logs in as: others get rights to it.

        Raises as `create`.
        """
        wanted, tenant = await self._new_address(address)
        boxes, role = DEFAULT_MAILBOXES, Role.MEMBER
        new = NewAccount(tenant, wanted, display_name, role, quota_octets, boxes, is_shared=True)
        return await self._directory.create_account(new, self._clock.now())

    async def _new_address(self, address: str) -> tuple[str, TenantId]:
        """Normalised, and the tenant of its domain. Raises `Invalid`, `NotFound`."""
        wanted = acceptable_address(address)
        name = split_address(wanted)[1]
        domain = await self._directory.find_domain(name)
        if domain is None:
            raise NotFound(f"{name} is not a domain of this server; add it with domain add {name}")
        return wanted, domain.tenant_id

    async def find(self, address: str) -> Account:
        """Raises `NotFound`."""
        found = await self._directory.find_account(normalise_address(address))
        if found is None or not found.is_person:
            raise NotFound(f"there is no account {address}")
        return found

    async def accounts(self, tenant: TenantId | None = None) -> Sequence[Account]:
        return await self._directory.accounts(tenant)

    async def set_password(self, address: str, password: Secret) -> Account:
        """Raises `NotFound`, `Invalid`. The old one opens nothing more; open sessions go on."""
        account = await self._find_login(address)
        verifier = await self._passwords.hash(password)
        await self._keep_password(account, verifier, password)
        return account

    async def _find_login(self, address: str) -> Account:
        """Raises `NotFound`, `Invalid` for a shared account."""
        account = await self.find(address)
        if not account.may_log_in:
            raise Invalid(f"{account.address} is a shared account: nobody logs in as it")
        return account

    async def _keep_password(self, account: Account, verifier: str, password: Secret) -> None:
        now = self._clock.now()
        credential = Credential(
            "password",
            account.account_id,
            CredentialKind.PASSWORD,
            "",
            verifier,
            frozenset(),
            now,
        )
        scram = await self._scram.make_if_wanted(account, credential, password)
        await self._directory.set_password(account.account_id, verifier, now, scram)

    async def set_disabled(self, address: str, *, disabled: bool) -> Account:
        account = await self.find(address)
        await self._directory.set_disabled(account.account_id, disabled=disabled)
        return account

    async def set_quota(self, address: str, limits: QuotaLimits) -> Account:
        """Raises `NotFound`."""
        account = await self.find(address)
        await self._directory.set_account_quota(account.account_id, limits)
        return await self._directory.load_account(account.account_id)

    async def delete(self, address: str) -> Account:
        account = await self.find(address)
        await self._directory.delete_account(account.account_id)
        return account

    # Aliases

    async def create_alias(self, address: str, targets: Sequence[str]) -> Alias:
        """Raises `Invalid`, `AlreadyExists`, `NotFound`."""
        wanted = acceptable_address(address)
        if not targets or len(targets) > _MAX_TARGETS:
            raise Invalid(f"an alias has 1 to {_MAX_TARGETS} targets")
        domain = await self._directory.find_domain(split_address(wanted)[1])
        if domain is None:
            raise NotFound(f"{split_address(wanted)[1]} is not a domain of this server")
        clean = tuple(dict.fromkeys(acceptable_address(target) for target in targets))
        if wanted in clean:
            raise Invalid("an alias cannot lead to itself")
        alias = Alias(wanted, domain.tenant_id, clean)
        await self._directory.create_alias(alias, self._clock.now())
        return alias

    async def aliases(self, tenant: TenantId | None = None) -> Sequence[Alias]:
        return await self._directory.aliases(tenant)

    async def delete_alias(self, address: str) -> Alias:
        wanted = normalise_address(address)
        for alias in await self._directory.aliases():
            if alias.address == wanted:
                await self._directory.delete_alias(alias.tenant_id, wanted)
                return alias
        raise NotFound(f"there is no alias {address}")

    # App passwords

    async def create_app_password(
        self, address: str, name: str, scopes: frozenset[str]
    ) -> tuple[Credential, Secret]:
        """A password that the server makes and shows once. No scopes: all protocols."""
        account = await self._find_login(address)
        if not name or len(name) > 100:
            raise Invalid("the name of an app password has 1 to 100 characters")
        if unknown := scopes - SCOPES:
            raise Invalid(
                f"{', '.join(sorted(unknown))} is no scope; there are {', '.join(sorted(SCOPES))}"
            )
        password = new_app_password()
        credential = Credential(
            credential_id=new_uuid(),
            account_id=account.account_id,
            kind=CredentialKind.APP_PASSWORD,
            name=name,
            verifier=app_password_verifier(self._sealer, password),
            scopes=scopes,
            created_at=self._clock.now(),
        )
        scram = await self._scram.make(account, credential, password)
        credential = replace(credential, scram=scram)
        await self._directory.create_app_password(credential)
        return credential, password

    async def app_passwords(self, address: str) -> Sequence[Credential]:
        account = await self.find(address)
        return [
            credential
            for credential in await self._directory.credentials(account.account_id)
            if credential.kind is CredentialKind.APP_PASSWORD
        ]

    async def revoke_app_password(self, address: str, credential_id: str) -> None:
        """Raises `NotFound`."""
        account = await self.find(address)
        known = {one.credential_id for one in await self.app_passwords(address)}
        if credential_id not in known:
            raise NotFound(f"{address} has no app password {credential_id}")
        await self._directory.revoke_credential(AccountId(account.account_id), credential_id)
