"""Outgoing mail: which host, which address, which connection. The servers are the test's own."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from postroad.base.errors import NotFound, TryLater
from postroad.base.secret import Secret
from postroad.model.queue import Needs
from postroad.ports.resolver import MailExchanger, Resolver
from postroad.ports.transport import (
    Accepted,
    Attempt,
    Outgoing,
    PermanentFailure,
    Result,
    TemporaryFailure,
)
from postroad.server.delivery import Relay, SmtpTransport
from postroad.server.tls import Certificates, make_self_signed
from postroad.sessions.smtp.client.settings import ClientSettings, TlsPolicy
from postroad.wire.sasl.plain import PlainCredentials

SETTINGS = ClientSettings(hostname="mail.example.test")


@dataclass
class Zone(Resolver):
    """What the DNS says; an error is raised instead of an answer."""

    exchangers: dict[str, Sequence[MailExchanger] | Exception] = field(default_factory=dict)
    hosts: dict[str, Sequence[str] | Exception] = field(default_factory=dict)

    async def mx(self, domain: str) -> tuple[MailExchanger, ...]:
        found = self.exchangers.get(domain, ())
        if isinstance(found, Exception):
            raise found
        return tuple(found)

    async def addresses(self, host: str) -> tuple[str, ...]:
        found = self.hosts.get(host, NotFound(f"no {host}"))
        if isinstance(found, Exception):
            raise found
        return tuple(found)

    async def txt(self, name: str) -> tuple[str, ...]:
        return ()


class Peer:
    """A small SMTP server; `replies` replaces what it says to a verb."""

    def __init__(self, replies: dict[str, str] | None = None) -> None:
        self.replies = {"greeting": "220 hi", "EHLO": "250 hi", **(replies or {})}
        self.tls: ssl.SSLContext | None = None
        self.messages: list[bytes] = []
        self.verbs: list[str] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(self.replies["greeting"].encode() + b"\r\n")
        try:
            while line := await reader.readline():
                verb = line.split()[0].decode().upper()
                self.verbs.append(verb)
                if verb == "DATA":
                    writer.write(b"354 go on\r\n")
                    self.messages.append(await reader.readuntil(b"\r\n.\r\n"))
                    verb = "."
                default = {"QUIT": "221 bye", "STARTTLS": "220 go on"}.get(verb, "250 ok")
                reply = self.replies.get(verb, default)
                if reply == "close":
                    break
                writer.write(reply.encode() + b"\r\n")
                if verb == "STARTTLS" and self.tls is not None:
                    await writer.start_tls(self.tls)
                elif verb in ("QUIT", "STARTTLS"):
                    break
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(*peers: Peer) -> AsyncIterator[None]:
    """All at one port, the first at 127.0.0.1, the next at 127.0.0.2."""
    servers: list[asyncio.Server] = []
    port = 0
    for number, peer in enumerate(peers, 1):
        server = await asyncio.start_server(peer.serve, f"127.0.0.{number}", port)
        port = peer.port = server.sockets[0].getsockname()[1]
        servers.append(server)
    try:
        yield
    finally:
        for server in servers:
            server.close()
        await asyncio.sleep(0.02)


def message(*forward_paths: str) -> Outgoing:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"Subject: x\r\n\r\nText\r\n"

    return Outgoing("a@example.test", forward_paths or ("b@there.test",), 20, Needs(), chunks)


async def deliver(transport: SmtpTransport, destination: str = "there.test") -> Attempt:
    attempt = await transport.send(destination, message())
    await transport.close()
    return attempt


def only(attempt: Attempt) -> Result:
    (result,) = attempt.results
    return result


async def test_a_message_goes_to_the_preferred_host() -> None:
    first, second = Peer(), Peer()
    zone = Zone(
        {"there.test": [MailExchanger(20, "two.test"), MailExchanger(10, "one.test")]},
        {"one.test": ["127.0.0.1"], "two.test": ["127.0.0.2"]},
    )
    async with listening(first, second):
        attempt = await deliver(SmtpTransport(zone, SETTINGS, port=first.port))
    assert isinstance(only(attempt), Accepted)
    assert attempt.remote == f"one.test [127.0.0.1]:{first.port}"
    assert len(first.messages) == 1
    assert second.connections == 0


async def test_hosts_of_equal_preference_share_the_work() -> None:
    """RFC 5321 section 5.1."""
    first, second = Peer(), Peer()
    zone = Zone(
        {"there.test": [MailExchanger(10, "one.test"), MailExchanger(10, "two.test")]},
        {"one.test": ["127.0.0.1"], "two.test": ["127.0.0.2"]},
    )
    async with listening(first, second):
        for _ in range(24):  # all to one of the two: once in eight million runs
            await deliver(SmtpTransport(zone, SETTINGS, port=first.port))
    assert first.messages
    assert second.messages


async def test_the_older_protocol_is_tried_where_the_newer_leads_nowhere() -> None:
    peer = Peer()
    zone = Zone({}, {"there.test": ["::1", "127.0.0.1"]})  # nobody listens at ::1
    async with listening(peer):
        attempt = await deliver(SmtpTransport(zone, SETTINGS, port=peer.port))
    assert isinstance(only(attempt), Accepted)
    assert "[127.0.0.1]" in attempt.remote


@pytest.mark.parametrize(
    "replies",
    [
        {"greeting": "421 4.3.2 not now"},
        {"EHLO": "421 4.3.2 not now"},
        {"MAIL": "421 4.3.2 not now"},
        {"EHLO": "close"},
    ],
)
async def test_a_host_that_puts_us_off_is_passed_over(replies: dict[str, str]) -> None:
    bad, good = Peer(replies), Peer()
    zone = Zone(
        {"there.test": [MailExchanger(10, "one.test"), MailExchanger(20, "two.test")]},
        {"one.test": ["127.0.0.1"], "two.test": ["127.0.0.2"]},
    )
    async with listening(bad, good):
        attempt = await deliver(SmtpTransport(zone, SETTINGS, port=bad.port))
    assert isinstance(only(attempt), Accepted)
    assert "two.test" in attempt.remote


async def test_all_addresses_of_a_host_are_tried() -> None:
    peer = Peer()
    zone = Zone({}, {"there.test": ["127.0.0.9", "127.0.0.1"]})  # no MX: RFC 5321 section 5.1
    async with listening(peer):
        attempt = await deliver(SmtpTransport(zone, SETTINGS, port=peer.port))
    assert isinstance(only(attempt), Accepted)


@pytest.mark.parametrize("verb", ["RCPT", "MAIL", "."])
async def test_a_refusal_is_final_and_nobody_else_is_asked(verb: str) -> None:
    bad, good = Peer({verb: "550 5.1.1 no"}), Peer()
    zone = Zone(
        {"there.test": [MailExchanger(10, "one.test"), MailExchanger(20, "two.test")]},
        {"one.test": ["127.0.0.1"], "two.test": ["127.0.0.2"]},
    )
    async with listening(bad, good):
        attempt = await deliver(SmtpTransport(zone, SETTINGS, port=bad.port))
    result = only(attempt)
    assert isinstance(result, PermanentFailure)
    assert (result.code, result.enhanced) == (550, "5.1.1")
    assert good.connections == 0


async def test_a_connection_that_ends_after_the_message_is_not_tried_elsewhere() -> None:
    """It may have arrived: another host now would double it."""
    bad, good = Peer({".": "close"}), Peer()
    zone = Zone(
        {"there.test": [MailExchanger(10, "one.test"), MailExchanger(20, "two.test")]},
        {"one.test": ["127.0.0.1"], "two.test": ["127.0.0.2"]},
    )
    async with listening(bad, good):
        attempt = await deliver(SmtpTransport(zone, SETTINGS, port=bad.port))
    assert isinstance(only(attempt), TemporaryFailure)
    assert good.connections == 0


@pytest.mark.parametrize(
    ("zone", "kind", "enhanced"),
    [
        (Zone({"there.test": NotFound("no domain")}), PermanentFailure, "5.1.2"),
        (Zone({"there.test": [MailExchanger(0, "")]}), PermanentFailure, "5.1.10"),  # RFC 7505
        (Zone({"there.test": TryLater("no answer")}), TemporaryFailure, "4.4.3"),
        (Zone({"there.test": [MailExchanger(1, "x.test")]}), PermanentFailure, "5.1.2"),
        (
            Zone({"there.test": [MailExchanger(1, "x.test")]}, {"x.test": TryLater("no")}),
            TemporaryFailure,
            "4.4.3",
        ),
        *(
            (
                Zone(
                    {"there.test": [MailExchanger(1, one), MailExchanger(2, other)]},
                    {"silent.test": TryLater("no"), "gone.test": NotFound("no such name")},
                ),
                TemporaryFailure,
                "4.4.3",
            )
            for one, other in (("silent.test", "gone.test"), ("gone.test", "silent.test"))
        ),
    ],
)
async def test_what_the_dns_says_decides(zone: Zone, kind: type[Result], enhanced: str) -> None:
    result = only(await deliver(SmtpTransport(zone, SETTINGS)))
    assert isinstance(result, kind)
    assert isinstance(result, PermanentFailure | TemporaryFailure)
    assert result.enhanced == enhanced


async def test_nobody_there_is_a_reason_to_try_again() -> None:
    async with listening(gone := Peer()):
        pass
    zone = Zone({}, {"there.test": ["127.0.0.1"]})
    result = only(await deliver(SmtpTransport(zone, SETTINGS, port=gone.port)))
    assert isinstance(result, TemporaryFailure)
    assert result.enhanced == "4.4.1"


async def test_addresses_that_are_not_allowed_are_not_connected_to() -> None:
    peer = Peer()
    zone = Zone({}, {"there.test": ["127.0.0.1"]})
    async with listening(peer):
        transport = SmtpTransport(zone, SETTINGS, port=peer.port, may_connect=lambda one: False)
        result = only(await deliver(transport))
    assert isinstance(result, PermanentFailure)
    assert peer.connections == 0


async def test_a_connection_serves_the_next_message_too() -> None:
    peer = Peer()
    zone = Zone({}, {"there.test": ["127.0.0.1"]})
    async with listening(peer):
        transport = SmtpTransport(zone, SETTINGS, port=peer.port)
        for _ in range(3):
            assert isinstance(only(await transport.send("there.test", message())), Accepted)
        await transport.drop_idle()  # too early
        assert peer.connections == 1
        await transport.close()
    assert peer.verbs[-1] == "QUIT"
    assert len(peer.messages) == 3


async def test_a_connection_that_was_closed_meanwhile_is_no_failure() -> None:
    peer = Peer()
    zone = Zone({}, {"there.test": ["127.0.0.1"]})
    async with listening(peer):
        transport = SmtpTransport(zone, SETTINGS, port=peer.port)
        assert isinstance(only(await transport.send("there.test", message())), Accepted)
        ((_, _, stream),) = transport._idle["there.test"]
        stream._writer.transport.abort()  # as a server that waited long enough does
        await asyncio.sleep(0.02)
        assert isinstance(only(await deliver(transport)), Accepted)
    assert peer.connections == 2


async def test_a_handshake_that_fails_is_no_reason_not_to_deliver() -> None:
    """RFC 3207 section 4.1, RFC 7435."""
    peer = Peer({"EHLO": "250-hi\r\n250 STARTTLS", "STARTTLS": "220 no, after all"})
    zone = Zone({}, {"there.test": ["127.0.0.1"]})
    async with listening(peer):
        attempt = await deliver(SmtpTransport(zone, SETTINGS, port=peer.port))
    assert isinstance(only(attempt), Accepted)
    assert attempt.tls == ""
    assert peer.connections == 2


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    make_self_signed("relay.test", certificate, key)
    return Certificates(certificate, key).context()


async def test_any_certificate_is_better_than_none(tls: ssl.SSLContext) -> None:
    peer = Peer({"EHLO": "250-hi\r\n250 STARTTLS"})
    peer.tls = tls
    zone = Zone({}, {"there.test": ["127.0.0.1"]})
    async with listening(peer):
        attempt = await deliver(SmtpTransport(zone, SETTINGS, port=peer.port))
    assert isinstance(only(attempt), Accepted)
    assert attempt.tls.startswith("TLSv1.3")


@pytest.mark.parametrize("offers", [True, False])
async def test_a_relay_with_a_login_wants_a_certificate_that_fits(
    tls: ssl.SSLContext, offers: bool
) -> None:
    peer = Peer({"EHLO": "250-hi\r\n250-AUTH PLAIN\r\n250 " + ("STARTTLS" if offers else "HELP")})
    peer.tls = tls
    relay = Relay(
        "127.0.0.2",  # not in the certificate
        0,
        implicit_tls=False,
        credentials=PlainCredentials("user", Secret("hidden")),
        tls=TlsPolicy.REQUIRED,
    )
    async with listening(Peer(), peer):
        there = Relay(relay.host, peer.port, False, relay.credentials, relay.tls)
        attempt = await deliver(SmtpTransport(Zone(), SETTINGS, relay=there), "anywhere.test")
    assert isinstance(only(attempt), TemporaryFailure | PermanentFailure)
    assert "AUTH" not in peer.verbs
    assert peer.messages == []
    assert "hidden" not in repr(attempt)


async def test_a_relay_may_be_in_the_systems_tables() -> None:
    peer = Peer()
    async with listening(peer):
        relay = Relay("localhost", peer.port, False, None, TlsPolicy.OPPORTUNISTIC)
        attempt = await deliver(SmtpTransport(Zone(), SETTINGS, relay=relay), "anywhere.test")
    assert isinstance(only(attempt), Accepted)


async def test_a_relay_that_has_no_address_bounces_nothing() -> None:
    relay = Relay("nowhere.invalid", 25, False, None, TlsPolicy.OPPORTUNISTIC)
    result = only(await deliver(SmtpTransport(Zone(), SETTINGS, relay=relay), "anywhere.test"))
    assert isinstance(result, TemporaryFailure)
    assert "nowhere.invalid" in result.reply
