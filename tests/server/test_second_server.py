"""Two of our own servers: one relays through the other, or finds it by the DNS."""

import secrets
import time
from urllib.parse import quote

import pytest

from server.talking import imap, plain, talk
from support.dnsserver import DnsServer
from support.ports import HOST
from support.server import ALICE, BOB, MakeServer, RunningServer

pytestmark = pytest.mark.slow

_PATIENCE_SECONDS = 20


def _submit(server: RunningServer, to: str, word: str, *, utf8: bool = False) -> str:
    """Send as Alice; the trace id."""
    with talk(server, "submissions", tls=True) as client:
        client.ask(b"EHLO here.test")
        assert client.ask(plain(server, ALICE)).startswith(b"235")
        client.ask(f"MAIL FROM:<{ALICE}>{' SMTPUTF8' if utf8 else ''}".encode())
        assert client.ask(f"RCPT TO:<{to}>".encode()).startswith(b"250")
        client.ask(b"DATA")
        client.send(f"From: {ALICE}\r\nTo: {to}\r\nSubject: {word}\r\n\r\nText\r\n.\r\n".encode())
        answer = client.reply().decode().strip()
        assert answer.startswith("250"), answer
    return answer.rpartition(" ")[2]


def _wait_for(server: RunningServer, who: str, mailbox: str, word: str) -> bytes:
    """The header of the message, once it is there."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with imap(server, who, mailbox) as client:
        while time.monotonic() < deadline:
            client.send(b"f FETCH 1:* (BODY.PEEK[HEADER])\r\n")
            found = b"".join(client.until(b"f "))
            if word.encode() in found:
                return found
            time.sleep(0.1)
            client.do(b"NOOP")
    raise AssertionError(f"{word} did not come to {mailbox} of {who}")


def _relays_to(server: RunningServer, url: str, trusted: RunningServer) -> None:
    server.stop()
    server.environ = {"SSL_CERT_FILE": str(trusted.certificate)}
    server.write_config(
        {
            "delivery.mode": "live",
            "delivery.relay": url,
            "delivery.private_networks": True,
            "delivery.queue.first_retry": "1h",
        }
    )
    server.start()


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_relay_with_a_login(make_server: MakeServer, scheme: str) -> None:
    relay, server = make_server(), make_server()
    service = {"smtp": "submission", "smtps": "submissions"}[scheme]
    password = relay.passwords[ALICE]
    user = quote(ALICE, safe="")
    address = f"localhost:{relay.ports[service]}"
    _relays_to(server, f"{scheme}://{user}:{password}@{address}", relay)
    word = secrets.token_hex(8)
    trace = _submit(server, "carol@elsewhere.test", word)
    header = _wait_for(relay, ALICE, "Sandbox", word)
    assert b"with ESMTPSA " in header, "RFC 3848: with TLS and a login"
    story = server.command("trace", trace).out
    assert "delivered" in story
    assert "AUTH PLAIN" in story
    assert password not in story + server.log()


def test_a_relay_that_does_not_know_our_password_bounces_nothing(make_server: MakeServer) -> None:
    relay, server = make_server(), make_server()
    wrong = "wrong-" + secrets.token_hex(8)
    address = f"localhost:{relay.ports['submission']}"
    _relays_to(server, f"smtp://{quote(ALICE, safe='')}:{wrong}@{address}", relay)
    _submit(server, "carol@elsewhere.test", secrets.token_hex(8))
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while "535" not in (listed := server.command("queue", "list").out):
        assert time.monotonic() < deadline, listed
        time.sleep(0.1)
    (entry,) = _listed(server)
    (recipient,) = entry["recipients"]
    assert (recipient["state"], recipient["attempts"]) == ("queued", 1)
    assert wrong not in listed + server.log() + server.command("config", "show").out


def test_utf_8_all_the_way(make_server: MakeServer, dns_server: DnsServer) -> None:
    """RFC 6531 between two servers, found by their MX; the certificate is not asked for."""
    there = make_server()
    there.json("domain", "add", "there.test")
    pele = "pel\u00e9@there.test"
    there.passwords[pele] = secrets.token_hex(8)
    there.json("account", "add", pele, "--password-stdin", stdin=there.passwords[pele] + "\n")
    there.json("alias", "add", "all@there.test", pele, BOB)
    dns_server.add("there.test", "MX", "10 mx.there.test.")
    dns_server.add("mx.there.test", "A", HOST)
    here = make_server(
        {
            "delivery.mode": "live",
            "delivery.port": there.ports["smtp"],
            "delivery.private_networks": True,
            "dns.servers": [dns_server.address],
        }
    )
    word = "gr\u00fc\u00dfe-" + secrets.token_hex(8)
    trace = _submit(here, pele, word, utf8=True)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while "delivered" not in (story := here.command("trace", trace).out):
        assert time.monotonic() < deadline, story
        time.sleep(0.1)
    assert "SMTPUTF8" in story
    assert "TLSv1.3" in story
    word = secrets.token_hex(8)
    _submit(here, "all@there.test", word)
    header = _wait_for(there, BOB, "INBOX", word)
    assert b"with ESMTPS " in header
    assert header.count(b"DKIM-Signature:") == 2


def _listed(server: RunningServer) -> list[dict[str, list[dict[str, object]]]]:
    found = server.json("queue", "list")
    assert isinstance(found, list)
    return found
