"""Handing messages to other servers: which host, over which connection, with what TLS."""

import asyncio
import ipaddress
import random
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from socket import SOCK_STREAM

from postroad.base.errors import NotFound, TryLater
from postroad.ports.resolver import MailExchanger, Resolver
from postroad.ports.transport import (
    Attempt,
    MailTransport,
    Outgoing,
    PermanentFailure,
    Result,
    TemporaryFailure,
)
from postroad.server.peer import PeerStream, connect
from postroad.sessions.smtp.client.connection import Ready, SmtpClient
from postroad.sessions.smtp.client.settings import ClientSettings, TlsPolicy
from postroad.wire.sasl.plain import PlainCredentials

_MAX_HOSTS = 5  # tried in one attempt
_IDLE_SECONDS = 30.0
_IDLE_CONNECTIONS = 50


@dataclass(frozen=True, slots=True)
class Relay:
    """The one server that takes all our mail, where one is configured."""

    host: str
    port: int
    implicit_tls: bool
    credentials: PlainCredentials | None
    tls: TlsPolicy


@dataclass(frozen=True, slots=True)
class _Next:
    """A host to try: its name, its addresses, and the port."""

    host: str
    addresses: Sequence[str]
    port: int


_Kept = tuple[float, SmtpClient, PeerStream]  # since when nobody uses it


class _NullMx(NotFound):
    """The domain says that it takes no mail (RFC 7505 section 3)."""


class SmtpTransport(MailTransport):
    """Direct to the MX of each domain (RFC 5321 section 5.1), or all to a relay.

    A connection that has just been used serves the next message for the same destination.
    """

    def __init__(
        self,
        resolver: Resolver,
        settings: ClientSettings,
        *,
        relay: Relay | None = None,
        port: int = 25,
        may_connect: Callable[[str], bool] = lambda address: True,
    ) -> None:
        """`may_connect` says which addresses mail may be sent to when no relay is configured."""
        self._resolver = resolver
        self._settings = settings
        self._relay = relay
        self._port = port
        self._may_connect = may_connect
        self._idle: dict[str, list[_Kept]] = {}
        self._leaving: list[_Kept] = []

    async def send(self, destination: str, message: Outgoing) -> Attempt:
        reused = await self._send_reusing(destination, message)
        if reused is not None:
            return reused
        try:
            hosts = await self._hosts(destination)
        except _NullMx:
            text = f"{destination} takes no mail (null MX, RFC 7505)"
            return _all(message, PermanentFailure(text, 556, "5.1.10"))
        except NotFound as error:
            return _all(message, PermanentFailure(str(error), 550, "5.1.2"))
        except TryLater as error:
            return _all(message, TemporaryFailure(str(error), 0, "4.4.3"))
        last: Attempt | None = None
        for host in hosts[:_MAX_HOSTS]:
            for address in host.addresses:
                last = await self._send_to(destination, host, address, message)
                if not _is_to_be_tried_elsewhere(last):
                    return last
        nobody = TemporaryFailure(f"no server of {destination} could be reached", 0, "4.4.1")
        return last or _all(message, nobody)

    async def close(self) -> None:
        """Say goodbye on the connections that were kept."""
        idle, self._idle = self._idle, {}
        await self._quit_leaving()
        for kept in idle.values():
            await _quit(kept)

    async def drop_idle(self) -> None:
        """End connections that nobody used for a while; to be called now and then."""
        await self._quit_leaving()
        now = asyncio.get_running_loop().time()
        for destination, kept in list(self._idle.items()):
            old = [one for one in kept if now - one[0] > _IDLE_SECONDS]
            kept[:] = [one for one in kept if one not in old]
            if not kept:
                del self._idle[destination]
            await _quit(old)

    async def _hosts(self, destination: str) -> list[_Next]:
        """Where to go, best first. Raises `_NullMx`, `NotFound` (no such domain), `TryLater`."""
        if self._relay is not None:
            addresses = await self._relay_addresses(self._relay.host)
            return [_Next(self._relay.host, addresses, self._relay.port)]
        exchangers = list(await self._resolver.mx(destination))
        if not exchangers:
            exchangers = [MailExchanger(0, destination)]  # RFC 5321 section 5.1: implicit MX
        if [one.host for one in exchangers] == [""]:
            raise _NullMx(destination)
        random.shuffle(exchangers)  # spreads over those of equal preference
        exchangers.sort(key=lambda one: one.preference)
        hosts = list[_Next]()
        trouble: NotFound | TryLater | None = None
        for exchanger in filter(lambda one: one.host, exchangers):
            try:
                addresses = await self._addresses(exchanger.host)
            except TryLater as error:
                trouble = error
                continue
            except NotFound as error:
                trouble = trouble or error  # while one does not answer, nothing is final
                continue
            hosts.append(_Next(exchanger.host, addresses, self._port))
        if not any(host.addresses for host in hosts):
            raise trouble or NotFound(f"no server of {destination} has an address")
        return hosts

    async def _relay_addresses(self, host: str) -> list[str]:
        """Raises `TryLater`: a relay that has no address is our mistake, and bounces nothing.

        What the DNS does not know, such as localhost, may be in the system's own tables.
        """
        try:
            found = await self._addresses(host)
        except NotFound:
            found = []
        if found:
            return found
        try:
            system = await asyncio.get_running_loop().getaddrinfo(host, 0, type=SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise TryLater(f"the relay {host} has no address") from error
        return list(dict.fromkeys(str(one[4][0]) for one in system))

    async def _addresses(self, host: str) -> list[str]:
        try:
            literal = str(ipaddress.ip_address(host))
        except ValueError:
            found = await self._resolver.addresses(host)
        else:
            found = (literal,)
        if self._relay is not None:
            return list(found)
        return [address for address in found if self._may_connect(address)]

    async def _send_reusing(self, destination: str, message: Outgoing) -> Attempt | None:
        """Send over a connection that is open already; None when there is none that works."""
        kept = self._idle.get(destination, [])
        while kept:
            _, client, stream = kept.pop()
            stream.is_kept = False
            async with _closing_unless_kept(stream):
                attempt = await client.send(message)
                # That the other side has closed meanwhile is no failure of the message.
                if not client.is_usable and _never_spoke(attempt):
                    continue
                self._keep(destination, client, stream)
            return attempt
        return None

    async def _send_to(
        self, destination: str, host: _Next, address: str, message: Outgoing
    ) -> Attempt:
        settings = self._client_settings()
        attempt, tls_failed = await self._try(destination, host, address, message, settings)
        if tls_failed and settings.tls is TlsPolicy.OPPORTUNISTIC:
            # RFC 3207 section 4.1: a handshake that fails is no reason not to deliver.
            settings = replace(settings, tls=TlsPolicy.NEVER)
            attempt, _ = await self._try(destination, host, address, message, settings)
        return attempt

    async def _try(
        self,
        destination: str,
        host: _Next,
        address: str,
        message: Outgoing,
        settings: ClientSettings,
    ) -> tuple[Attempt, bool]:
        remote = f"{host.host} [{address}]:{host.port}"
        implicit = self._relay is not None and self._relay.implicit_tls
        try:
            stream = await connect(
                address, host.port, host.host, client_tls(settings.tls), implicit_tls=implicit
            )
        except (OSError, TimeoutError) as error:
            text = f"could not connect to {remote}: {error or 'timed out'}"
            return _all(message, TemporaryFailure(text, 0, "4.4.1"), remote), False
        client = SmtpClient(
            stream,
            settings,
            remote=remote,
            is_loopback=ipaddress.ip_address(address).is_loopback,
            tls=stream.tls,
        )
        async with _closing_unless_kept(stream):
            opened = await client.open()
            if not isinstance(opened, Ready):
                attempt = _all(message, opened.failure, remote, opened.transcript)
                return attempt, opened.tls_failed
            attempt = await client.send(message)
            self._keep(destination, client, stream)
        return attempt, False

    def _keep(self, destination: str, client: SmtpClient, stream: PeerStream) -> None:
        """Keep a connection for the next message, or end it."""
        kept = self._idle.setdefault(destination, [])
        if client.is_usable and sum(map(len, self._idle.values())) < _IDLE_CONNECTIONS:
            kept.append((asyncio.get_running_loop().time(), client, stream))
            stream.is_kept = True
        elif client.is_usable:
            # The goodbye waits for `drop_idle`: what became of the message is recorded first.
            self._leaving.append((asyncio.get_running_loop().time(), client, stream))
            stream.is_kept = True

    async def _quit_leaving(self) -> None:
        leaving, self._leaving = self._leaving, []
        await _quit(leaving)

    def _client_settings(self) -> ClientSettings:
        if self._relay is None:
            return self._settings
        return replace(self._settings, tls=self._relay.tls, credentials=self._relay.credentials)


async def _quit(kept: Sequence[_Kept]) -> None:
    for _, client, stream in kept:
        async with _closing_unless_kept(stream):
            stream.is_kept = False
            await client.quit()


@asynccontextmanager
async def _closing_unless_kept(stream: PeerStream) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if not stream.is_kept:
            stream.close()


@cache
def client_tls(policy: TlsPolicy) -> ssl.SSLContext:
    """Opportunistic TLS takes any certificate, as it would take no TLS either (RFC 7435).

    Made once: reading the system's authorities holds the loop for tens of milliseconds.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if policy is TlsPolicy.REQUIRED:
        context.load_default_certs()
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _all(
    message: Outgoing, result: Result, remote: str = "", transcript: Sequence[str] = ()
) -> Attempt:
    return Attempt([result for _ in message.forward_paths], remote, "", transcript)


def _is_to_be_tried_elsewhere(attempt: Attempt) -> bool:
    """Whether another host may do better: this one could not be spoken to, or put us off.

    RFC 5321 section 5.1 asks to try the other addresses and hosts. A recipient that was refused
    alone, or a content that was, is settled with this host.
    """
    return all(
        isinstance(result, TemporaryFailure)
        and (result.code in (0, 421) or result.enhanced.startswith("4.4"))
        and "may have arrived" not in result.reply
        for result in attempt.results
    )


def _never_spoke(attempt: Attempt) -> bool:
    return all(
        isinstance(result, TemporaryFailure)
        and result.code == 0
        and "may have arrived" not in result.reply
        for result in attempt.results
    )
