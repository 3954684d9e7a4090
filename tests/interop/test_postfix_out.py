"""We send to Postfix: TLS, DKIM, refusals, retries, and what it does not offer."""

import secrets
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import dkim
import pytest

from interop.inbox import arrived, parsed, wait_for
from interop.postfix import DOMAIN, HOSTNAME, Postfix, postfix
from support.dnsserver import DnsServer
from support.server import BOB, MakeServer, RunningServer
from support.server import DOMAIN as OURS

pytestmark = pytest.mark.real

CAROL = f"carol@{DOMAIN}"


@pytest.fixture
def peer(request: pytest.FixtureRequest) -> Iterator[Postfix]:
    """Not started yet; a test's parameter gives it more settings."""
    with postfix(*getattr(request, "param", ())) as made:
        yield made


@pytest.fixture
def server(make_server: MakeServer, dns_server: DnsServer, peer: Postfix) -> RunningServer:
    dns_server.add(DOMAIN, "MX", f"10 {HOSTNAME}.").add(HOSTNAME, "A", "127.0.0.1")
    made = make_server(
        {
            "delivery.mode": "live",
            "delivery.port": peer.port,
            "delivery.private_networks": True,
            "delivery.queue.first_retry": "1s",
            "delivery.queue.growth": 1.0,
            "dns.servers": [dns_server.address],
        }
    )
    _publish_keys(made, dns_server)
    return made


def test_a_message_arrives_with_tls_and_both_signatures(
    server: RunningServer, peer: Postfix, dns_server: DnsServer
) -> None:
    peer.start()
    word = secrets.token_hex(8)
    _send(server, _message(word))
    octets = _came(peer, "carol", word)
    message = parsed(octets)
    assert message["Return-Path"] == f"<{BOB}>"
    assert "TLSv1.3" in str(message["Received"])
    assert "Anonymous TLS connection established from" in peer.log()
    _verify(octets, dns_server)
    assert server.json("queue", "list") == []


def test_several_recipients_and_messages_share_connections(
    server: RunningServer, peer: Postfix
) -> None:
    peer.start()
    words = [secrets.token_hex(8) for _ in range(5)]
    for word in words:
        _send(server, _message(word), [CAROL, f"dave@{DOMAIN}"])
    for word in words:
        _came(peer, "carol", word)
        _came(peer, "dave", word)
    assert len(peer.mail("carol")) == len(peer.mail("dave")) == len(words)


def test_a_refused_recipient_gives_a_report_to_the_sender(
    server: RunningServer, peer: Postfix
) -> None:
    peer.start()
    word = secrets.token_hex(8)
    _send(server, _message(word), [f"nobody-{word}@{DOMAIN}", CAROL])
    report = arrived(server, BOB, f"nobody-{word}@{DOMAIN}")
    assert report["Return-Path"] == "<>"
    assert report.get_content_type() == "multipart/report"
    status = report.get_payload()[1].get_payload()  # type: ignore[index, union-attr]  # parts
    assert status[1]["Action"] == "failed"  # type: ignore[index]  # parts
    assert status[1]["Status"] == "5.1.1"  # type: ignore[index]  # parts
    assert "550 5.1.1" in status[1]["Diagnostic-Code"]  # type: ignore[index]  # parts
    _came(peer, "carol", word)


def test_a_server_that_is_down_is_tried_again(server: RunningServer, peer: Postfix) -> None:
    word = secrets.token_hex(8)
    _send(server, _message(word))
    (entry,) = wait_for(lambda: _tried(server), "a failed attempt")
    (recipient,) = entry["recipients"]
    assert recipient["state"] == "queued"
    assert "could not connect" in recipient["last_reply"]
    server.restart()
    peer.start()
    _came(peer, "carol", word)
    wait_for(lambda: server.json("queue", "list") == [], "an empty queue")
    assert len(peer.mail("carol")) == 1
    shown = server.command("queue", "show", entry["id"])
    assert "delivered" in shown.out
    story = server.command("trace", entry["trace_id"])
    assert "250 2.0.0" in story.out


def test_a_server_that_puts_us_off_gets_it_later(server: RunningServer, peer: Postfix) -> None:
    main = peer.folder / "conf/main.cf"
    kept = main.read_text()
    main.write_text(kept + "smtpd_recipient_restrictions = defer_if_permit, defer\n")
    peer.start()
    word = secrets.token_hex(8)
    _send(server, _message(word))
    (entry,) = wait_for(lambda: _tried(server), "a failed attempt")
    assert entry["recipients"][0]["last_reply"].startswith("45")
    peer.stop()
    main.write_text(kept)
    peer.start()
    _came(peer, "carol", word)


_NO_8BIT = ("smtpd_discard_ehlo_keywords = 8bitmime, smtputf8, chunking",)


@pytest.mark.parametrize("peer", [_NO_8BIT], indirect=True)
def test_eight_bits_are_converted_and_signed_anew(
    server: RunningServer, peer: Postfix, dns_server: DnsServer
) -> None:
    peer.start()
    word = secrets.token_hex(8)
    octets = (
        f"From: {BOB}\r\nTo: {CAROL}\r\nSubject: {word}\r\nMIME-Version: 1.0\r\n"
        "Date: Fri, 20 Nov 2026 10:00:00 +0000\r\nMessage-ID: <8bit@example.test>\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f"Gr\u00fc\u00dfe {word}\r\n"
    ).encode()
    with _client(server) as client:
        client.sendmail(BOB, [CAROL], octets, ["BODY=8BITMIME"])
    came = _came(peer, "carol", word)
    assert came.isascii()
    assert parsed(came).get_content().splitlines() == [f"Gr\u00fc\u00dfe {word}"]
    _verify(came, dns_server)


@pytest.mark.parametrize("peer", [_NO_8BIT], indirect=True)
def test_utf_8_in_the_header_cannot_be_sent_without_smtputf8(
    server: RunningServer, peer: Postfix
) -> None:
    peer.start()
    word = secrets.token_hex(8)
    octets = (
        f"From: J\u00f6rg <{BOB}>\r\nTo: {CAROL}\r\nSubject: {word}\r\n"
        f"Message-ID: <{word}@example.test>\r\n\r\nHello\r\n"
    ).encode()
    with _client(server) as client:
        client.sendmail(BOB, [CAROL], octets, ["SMTPUTF8", "BODY=8BITMIME"])
    report = arrived(server, BOB, "5.6.7")
    assert report["Return-Path"] == "<>"
    assert CAROL in report.as_string()
    assert peer.mail("carol") == []


def _client(server: RunningServer) -> smtplib.SMTP:
    client = smtplib.SMTP("localhost", server.ports["submission"], timeout=30)
    client.starttls(context=server.tls())
    client.login(BOB, server.passwords[BOB])
    return client


def _send(server: RunningServer, message: EmailMessage, to: list[str] | None = None) -> None:
    with _client(server) as client:
        client.sendmail(BOB, to or [CAROL], message.as_bytes(policy=SMTP))


def _message(word: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"Bob <{BOB}>", CAROL, f"About {word}"
    message.set_content("Hello, Carol.\n\n.\nFrom here.\n")
    return message


def _came(peer: Postfix, who: str, word: str) -> bytes:
    def look() -> list[bytes]:
        return [one for one in peer.mail(who) if word.encode() in one]

    try:
        (octets,) = wait_for(look, f"{word} for {who}")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{peer.log()}") from None
    return octets


def _tried(server: RunningServer) -> list[Any]:  # JSON
    waiting = server.json("queue", "list")
    assert isinstance(waiting, list)
    return [one for one in waiting if one["recipients"][0]["attempts"]]


def _publish_keys(server: RunningServer, dns_server: DnsServer) -> None:
    records = server.json("domain", "dns", OURS)
    assert isinstance(records, dict)
    keys = [one for one in records["records"] if "_domainkey" in one["name"]]
    assert len(keys) == 2, records
    for one in keys:
        dns_server.add_text(one["name"].rstrip("."), one["value"])


def _verify(octets: bytes, dns_server: DnsServer) -> None:
    """Each of the two signatures, with the keys that the DNS has."""
    octets = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def look_up(name: bytes, timeout: int = 5) -> bytes | None:
        found = dns_server.texts(name.decode())
        return found[0] if found else None

    verifier = dkim.DKIM(octets)
    signatures = [value for name, value in verifier.headers if name.lower() == b"dkim-signature"]
    assert len(signatures) == 2
    assert {b"ed25519" in one for one in signatures} == {True, False}
    for index in range(2):
        assert dkim.DKIM(octets).verify(idx=index, dnsfunc=look_up), signatures[index]
