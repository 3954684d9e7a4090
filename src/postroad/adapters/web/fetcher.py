"""Files from the web, guarded against requests that aim at our own network (SSRF)."""

import ipaddress
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import quote, unquote, urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from postroad.base.errors import Invalid, NotFound, TooLarge, TryLater
from postroad.base.secret import Secret
from postroad.ports.fetcher import FetchedFile, Fetcher
from postroad.ports.resolver import Resolver

_SECONDS = 20.0
_MAX_REDIRECTS = 3
_MAX_URL = 2048
_CHUNK = 65_536
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = frozenset({80, 443})
_SCHEMES = frozenset({"http", "https"})


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet; also asked of what IPv6 wraps."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is not None:
            found = inner
    return found.is_global and not found.is_multicast


class WebFetcher(Fetcher):
    """A connection of its own for each file; nothing of one request reaches another."""

    def __init__(
        self,
        resolver: Resolver,
        *,
        may_connect: Callable[[str], bool] = is_public,
        ports: frozenset[int] | None = _PORTS,
        schemes: frozenset[str] = _SCHEMES,
    ) -> None:
        """Of any port without `ports`; `schemes` holds for redirects as well."""
        self._schemes = schemes
        self._resolver = resolver
        self._may_connect = may_connect
        self._ports = ports

    async def fetch(self, url: str, max_octets: int) -> FetchedFile:
        async with self._session(url) as session:
            return await self._follow(session, url, max_octets)

    async def post_form(
        self, url: str, fields: Mapping[str, str], user: str, password: Secret, max_octets: int
    ) -> bytes:
        """The answer to a form, sent with HTTP's Basic authentication; redirects are refused.

        Raises `Invalid`, `TooLarge`, `TryLater`.
        """
        self._check(url)
        plain = f"{quote(user, safe='')}:{quote(password.reveal(), safe='')}"  # RFC 6749 2.3.1
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Authorization": f"Basic {b64encode(plain.encode()).decode()}",
        }
        async with (
            self._session(url) as session,
            session.post(
                url, data=dict(fields), headers=headers, allow_redirects=False
            ) as response,
        ):
            if response.status != 200:
                raise Invalid(f"{_host(url)} answered {response.status}")
            return await _body(response, max_octets)

    @asynccontextmanager
    async def _session(self, url: str) -> AsyncIterator[aiohttp.ClientSession]:
        connector = aiohttp.TCPConnector(
            resolver=_GuardedResolver(self._resolver, self._may_connect), use_dns_cache=False
        )
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        try:
            async with aiohttp.ClientSession(
                connector=connector, timeout=timeout, auto_decompress=False
            ) as session:
                yield session
        except TimeoutError as error:
            raise TryLater(f"{_host(url)} did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            # Security: not the error's own text, which may tell of our network.
            raise Invalid(f"{_host(url)} could not be reached") from error

    async def _follow(
        self, session: aiohttp.ClientSession, url: str, max_octets: int
    ) -> FetchedFile:
        for _ in range(_MAX_REDIRECTS + 1):
            self._check(url)
            async with session.get(
                url, allow_redirects=False, headers={"Accept-Encoding": "identity"}
            ) as response:
                if response.status in _REDIRECTS and "Location" in response.headers:
                    url = urljoin(url, response.headers["Location"])
                    continue
                if response.status != 200:
                    raise Invalid(f"{_host(url)} answered {response.status}")
                return FetchedFile(
                    await _body(response, max_octets), _media_type(response), _filename(url)
                )
        raise Invalid(f"{_host(url)} redirects more than {_MAX_REDIRECTS} times")

    def _check(self, url: str) -> None:
        """Refuse what must not be asked for, before a connection is made."""
        if len(url) > _MAX_URL:
            raise Invalid(f"a URL has at most {_MAX_URL} characters")
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as error:
            raise Invalid("this is not a URL") from error
        if parts.scheme not in self._schemes or not parts.hostname:
            wanted = " and ".join(sorted(self._schemes))
            raise Invalid(f"only {wanted} URLs can be fetched")
        if parts.username is not None:
            raise Invalid("a URL with a name or password is not fetched")
        if self._ports is not None and port not in self._ports:
            raise Invalid(f"port {port} is not fetched from")
        # A literal address never reaches the resolver. inet_aton knows odd forms such as 0x7f.1.
        literal = _literal(parts.hostname)
        if literal is not None and not self._may_connect(literal):
            raise Invalid(f"{parts.hostname} is not a public address")


class _GuardedResolver(AbstractResolver):
    """Gives aiohttp only addresses that may be connected to: those, and no later answer."""

    def __init__(self, resolver: Resolver, may_connect: Callable[[str], bool]) -> None:
        self._resolver = resolver
        self._may_connect = may_connect

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        try:
            found = await self._resolver.addresses(host)
        except (NotFound, TryLater) as error:
            raise OSError(str(error)) from error
        allowed = [address for address in found if self._may_connect(address)]
        if not allowed:
            raise OSError(f"{host} has no address that may be connected to")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in allowed
        ]

    async def close(self) -> None:
        return


async def _body(response: aiohttp.ClientResponse, max_octets: int) -> bytes:
    if response.content_length is not None and response.content_length > max_octets:
        raise TooLarge(f"the file has more than {max_octets} octets")
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > max_octets:
            raise TooLarge(f"the file has more than {max_octets} octets")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Invalid("the file comes compressed, though it was asked for as it is")
    return bytes(body)


def _media_type(response: aiohttp.ClientResponse) -> str | None:
    named = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return named if named.count("/") == 1 and named.isascii() else None


def _filename(url: str) -> str | None:
    return unquote(urlsplit(url).path.rpartition("/")[2])[:255] or None


def _literal(host: str) -> str | None:
    """The address that a host is, in whatever form it is written."""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _host(url: str) -> str:
    """The host of a URL, for messages: nothing secret is in it."""
    try:
        return urlsplit(url).hostname or "the URL"
    except ValueError:
        return "the URL"
