"""Where mail for an address goes: accounts here, or addresses elsewhere."""

from dataclasses import dataclass, field

from postroad.base.errors import Invalid, NotFound, NotPermitted, OverQuota
from postroad.formats.mailaddress import normalise_domain, normalise_local_part, split_address
from postroad.model.directory import Account, Domain, Role
from postroad.model.ids import AccountId
from postroad.stores.directory import DirectoryStore, Recipient

# RFC 5321 section 4.5.1 and RFC 2142 section 4: every domain has them.
_ALWAYS = frozenset({"postmaster", "abuse"})
_MAX_HOPS = 10
_MAX_TARGETS = 1000


@dataclass(slots=True)
class Route:
    """All that one forward path expands to; no account and no address twice."""

    accounts: dict[AccountId, Account] = field(default_factory=dict)
    forward: dict[str, None] = field(default_factory=dict)  # addresses not on this server


class Router:
    def __init__(self, directory: DirectoryStore, hostname: str) -> None:
        """`hostname` is the server's own name, at which only the postmaster can be reached."""
        self._directory = directory
        self._hostname = hostname.lower()

    async def is_local(self, domain: str) -> bool:
        return await self._directory.find_domain(domain) is not None

    async def route(self, forward_path: str, size: int = 0) -> Route:
        """Expand a forward path, following aliases.

        Raises `NotPermitted` for a domain that is not ours (no relaying), `NotFound` for an
        unknown or disabled recipient, `OverQuota` when its mailbox has no room for `size` octets.
        """
        route = Route()
        await self._expand(forward_path, size, route, set(), first=True)
        return route

    async def _expand(
        self, address: str, size: int, route: Route, seen: set[str], *, first: bool
    ) -> None:
        local_part, domain_name = _parts(address)
        key = f"{local_part}@{domain_name}"
        if key in seen:
            return
        seen.add(key)
        if len(seen) > _MAX_TARGETS:
            raise Invalid(f"{address} leads to more than {_MAX_TARGETS} addresses")
        found = await self._find(local_part, domain_name)
        if found.domain is None:
            if first:
                raise NotPermitted(f"we do not relay to {domain_name}")
            route.forward[address] = None
        elif found.account is not None:
            self._add(found.account, found.used_octets, size, route, address)
        elif found.alias is not None:
            for target in found.alias.targets:
                await self._expand(target, size, route, seen, first=False)
        elif first:
            raise NotFound(f"there is no mailbox {address}")

    async def _find(self, local_part: str, domain: str) -> Recipient:
        found = await self._directory.find_recipient(local_part, domain)
        if found.domain is None and domain == self._hostname and local_part in _ALWAYS:
            domains = await self._directory.domains()
            if domains:
                found = Recipient(min(domains, key=lambda one: one.created_at), None, None, 0)
        nobody = found.account is None and found.alias is None
        if found.domain is not None and nobody and local_part in _ALWAYS:
            owner = await self._administrator(found.domain)
            return Recipient(found.domain, owner, None, 0)
        return found

    async def _administrator(self, domain: Domain) -> Account | None:
        """Who reads postmaster@ and abuse@ of a domain that names nobody for them."""
        people = await self._directory.accounts(domain.tenant_id)
        order = {Role.OWNER: 0, Role.ADMIN: 1, Role.MEMBER: 2}
        able = [person for person in people if not person.disabled]
        return min(able, key=lambda person: order[person.role], default=None)

    def _add(self, account: Account, used: int, size: int, route: Route, address: str) -> None:
        if account.disabled:
            raise NotFound(f"the mailbox {address} is disabled")
        if account.quota_octets is not None and used + size > account.quota_octets:
            raise OverQuota(f"the mailbox {address} is full")
        route.accounts[account.account_id] = account


def _parts(address: str) -> tuple[str, str]:
    local_part, domain = split_address(address)
    if domain.startswith("["):
        raise NotPermitted("we do not relay to address literals")
    try:
        return normalise_local_part(local_part), normalise_domain(domain)
    except Invalid as error:
        raise NotFound(str(error)) from error
