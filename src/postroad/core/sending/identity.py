"""Which addresses somebody may send as."""

from postroad.base.errors import NotPermitted
from postroad.formats.mailaddress import normalise_address, split_address
from postroad.model.directory import Account, DkimKey, Domain, DomainStatus
from postroad.model.principal import Program
from postroad.stores.directory import DirectoryStore


class Identities:
    def __init__(self, directory: DirectoryStore, *, only_verified: bool) -> None:
        self._directory = directory
        self._only_verified = only_verified

    async def may_use(self, account: Account, address: str) -> bool:
        """Whether an address is the account's: its own, with a detail, or an alias to it."""
        if not address:
            return False
        wanted = normalise_address(address)
        if wanted == account.address:
            return True
        found = await self._directory.find_recipient(*split_address(wanted))
        if found.domain is None or found.domain.tenant_id != account.tenant_id:
            return False
        if found.account is not None:
            # A catch-all receives for names that it must not speak for.
            own_local, own_domain = split_address(account.address)
            local_part, domain = split_address(wanted)
            same = local_part.partition("+")[0] == own_local and domain == own_domain
            return found.account.account_id == account.account_id and same
        return found.alias is not None and account.address in map(
            normalise_address, found.alias.targets
        )

    async def domain_of_program(
        self, program: Program, address: str
    ) -> tuple[Domain, tuple[DkimKey, ...]]:
        """The domain that a program sends from, if it may, and the keys that sign for it.

        Raises `NotPermitted` for a domain of nobody or of somebody else, which look the same.
        """
        name = split_address(normalise_address(address))[1]
        found = await self._directory.find_signing_domain(name)
        if found is None or found[0].tenant_id != program.tenant_id:
            raise NotPermitted(f"The {name} domain is not verified. Please, add and verify it.")
        domain = found[0]
        if program.key.domain_id not in (None, domain.domain_id):
            raise NotPermitted(f"This API key may not send from the domain {name}.")
        if self._only_verified and domain.status is not DomainStatus.VERIFIED:
            raise NotPermitted(f"The {name} domain is not verified. Please, verify it first.")
        return found
