"""The DNS through dnspython, with its cache."""

from functools import cached_property

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.TXT
import dns.resolver

from postroad.base.errors import NotFound, TryLater
from postroad.ports.resolver import MailExchanger, Resolver

_CACHED_ANSWERS = 10_000
_SECONDS = 10.0


class DnsResolver(Resolver):
    """Uses the system's servers, or those given as ``address`` or ``address:port``."""

    def __init__(self, servers: tuple[str, ...] = ()) -> None:
        self._servers = servers

    async def mx(self, domain: str) -> tuple[MailExchanger, ...]:
        answer = await self._ask(domain, "MX")
        return tuple(
            MailExchanger(record.preference, record.exchange.to_text(omit_final_dot=True))
            if record.exchange != dns.name.root
            else MailExchanger(record.preference, "")
            for record in answer
            if isinstance(record, dns.rdtypes.ANY.MX.MX)
        )

    async def addresses(self, host: str) -> tuple[str, ...]:
        found: list[str] = []
        trouble: TryLater | None = None
        for kind in ("AAAA", "A"):
            try:
                found += [record.to_text() for record in await self._ask(host, kind)]
            except TryLater as error:  # Interop: some servers fail on one of the two kinds only
                trouble = error
        if trouble is not None and not found:
            raise trouble
        return tuple(found)

    async def txt(self, name: str) -> tuple[str, ...]:
        answer = await self._ask(name, "TXT")
        return tuple(
            b"".join(record.strings).decode("utf-8", "replace")
            for record in answer
            if isinstance(record, dns.rdtypes.ANY.TXT.TXT)
        )

    @cached_property
    def _resolver(self) -> dns.asyncresolver.Resolver:
        resolver = dns.asyncresolver.Resolver(configure=not self._servers)
        resolver.cache = dns.resolver.LRUCache(_CACHED_ANSWERS)
        resolver.lifetime = _SECONDS
        if self._servers:
            resolver.nameservers = [
                dns.nameserver.Do53Nameserver(*_address_and_port(server))
                for server in self._servers
            ]
        return resolver

    async def _ask(self, name: str, kind: str) -> list[dns.rdata.Rdata]:
        """Records of one kind; none where the name has no such record."""
        try:
            answer = await self._resolver.resolve(name, kind, search=False)
        except dns.resolver.NXDOMAIN as error:
            raise NotFound(f"there is no domain {name} in the DNS") from error
        except dns.resolver.NoAnswer:
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise TryLater(f"the DNS did not answer for {name}") from error
        return list(answer)


def _address_and_port(server: str) -> tuple[str, int]:
    """``address``, ``address:port`` or ``[v6]:port``."""
    if server.startswith("["):
        address, _, port = server[1:].partition("]")
        return address, int(port.removeprefix(":") or 53)
    if server.count(":") == 1:
        address, _, port = server.partition(":")
        return address, int(port)
    return server, 53
