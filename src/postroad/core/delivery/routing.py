"""Where mail for an address goes: accounts here, or addresses elsewhere."""

from dataclasses import dataclass, field

from postroad.base.errors import Invalid, NotFound, NotPermitted, OverQuota
from postroad.formats.mailaddress import normalise_domain, normalise_local_part, split_address
from postroad.model.directory import Account, Domain, DomainStatus, Role
from postroad.model.ids import AccountId, TenantId
from postroad.stores.directory import DirectoryStore, Recipient

# RFC 5321 section 4.5.1 and RFC 2142 section 4: every domain has them.
_ALWAYS = frozenset({"postmaster", "abuse"})
_MAX_HOPS = 10
_MAX_TARGETS = 1000


@dataclass(slots=True)
class Route:
    """All that one forward path expands to; no account and no address twice."""

    accounts: dict[AccountId, Account] = field(default_factory=dict)
    full: set[AccountId] = field(default_factory=set)  # those that have no room now
    forward: dict[str, None] = field(default_factory=dict)  # addresses not on this server


class Router:
    def __init__(
        self, directory: DirectoryStore, hostname: str, *, only_verified: bool = False
    ) -> None:
        """`hostname` is the server's own name, at which only the postmaster can be reached.

        With `only_verified`, mail that is sent from here stays here only for domains that their
        owners have proven to be theirs: see `is_local`.
        """
        self._directory = directory
        self._hostname = hostname.lower()
        self._only_verified = only_verified

    async def is_local(self, domain: str, sender: TenantId) -> bool:
        """Whether mail of a tenant to a domain is delivered here, and not where its MX points.

        Security: a tenant that claims a domain of others must not get the mail to it of everybody
        on this server. Its own mail is its own affair.
        """
        found = await self._directory.find_domain(domain)
        if found is None:
            return False
        proven = found.status is DomainStatus.VERIFIED or not self._only_verified
        return proven or found.tenant_id == sender

    async def route(self, forward_path: str, size: int = 0) -> Route:
        """Expand a forward path, following aliases.

        Raises `NotPermitted` for a domain that is not ours (no relaying), `NotFound` for an
        unknown or disabled recipient and an alias that leads to nobody, `OverQuota` when no
        mailbox that it leads to has room for `size` octets. One member of an alias that is
        disabled or full is no reason to refuse it for the others.
        """
        route = Route()
        await self._expand(forward_path, size, route, set(), first=True)
        if not route.accounts and not route.forward:
            raise NotFound(f"the mailbox {forward_path} is disabled, or an alias for nobody")
        if not route.forward and len(route.full) == len(route.accounts):
            raise OverQuota(f"the mailbox {forward_path} is full")
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
            _add(found.account, found, size, route)
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


def _add(account: Account, found: Recipient, size: int, route: Route) -> None:
    if account.disabled:
        return
    octets, messages = account.quota_octets, account.quota_messages
    too_large = octets is not None and found.used_octets + size > octets
    if too_large or (messages is not None and found.used_messages >= messages):
        route.full.add(account.account_id)
    route.accounts[account.account_id] = account


def _parts(address: str) -> tuple[str, str]:
    local_part, domain = split_address(address)
    if domain.startswith("["):
        raise NotPermitted("we do not relay to address literals")
    try:
        return normalise_local_part(local_part), normalise_domain(domain)
    except Invalid as error:
        raise NotFound(str(error)) from error
