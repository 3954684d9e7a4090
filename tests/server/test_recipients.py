"""The running server and its recipients: every way that an address leads to a mailbox."""

import re
import secrets
import socket
import time
from pathlib import Path

import pytest

from server.talking import Talk, count, deliver, imap, plain, talk
from support.ports import HOST
from support.server import ALICE, BOB, DOMAIN, HOSTNAME, MakeServer, RunningServer

pytestmark = pytest.mark.slow


def _message(word: str, fields: bytes = b"") -> bytes:
    return fields + f"From: eve@elsewhere.test\r\nSubject: {word}\r\n\r\nText\r\n".encode()


def _has(server: RunningServer, who: str, word: str, mailbox: str = "INBOX") -> int:
    """How many messages with this subject are in the mailbox."""
    with imap(server, who, mailbox) as client:
        client.send(f"s SEARCH SUBJECT {word}\r\n".encode())
        (found,) = (line for line in client.until(b"s ") if line.startswith(b"* SEARCH"))
    return len(found.split()) - 2


def _rcpt(client: Talk, to: str) -> bytes:
    client.ask(b"EHLO elsewhere.test")
    client.ask(b"MAIL FROM:<eve@elsewhere.test>")
    return client.ask(f"RCPT TO:<{to}>".encode())


def test_every_way_that_an_address_leads(make_server: MakeServer) -> None:
    server = make_server()
    server.json("alias", "add", f"sales@{DOMAIN}", BOB, ALICE)
    for to, who in (
        (f"bob+lists.python@{DOMAIN}", BOB),
        (f"BOB@{DOMAIN.upper()}", BOB),
        (f"postmaster@{DOMAIN}", ALICE),
        (f"Abuse@{DOMAIN}", ALICE),
        (f"postmaster@{HOSTNAME}", ALICE),
        (f"sales@{DOMAIN}", BOB),
        (f"sales+now@{DOMAIN}", ALICE),
    ):
        word = secrets.token_hex(8)
        assert deliver(server, to, _message(word)).startswith(b"250"), to
        assert _has(server, who, word) == 1, to
    with talk(server, "smtp") as client:
        assert _rcpt(client, f"nobody@{DOMAIN}").startswith(b"550 5.1.1")
        assert client.ask(b"RCPT TO:<Postmaster>").startswith(b"250"), "RFC 5321 section 4.5.1"
    server.json("domain", "catch-all", DOMAIN, BOB)
    word = secrets.token_hex(8)
    assert deliver(server, f"nobody@{DOMAIN}", _message(word)).startswith(b"250")
    assert _has(server, BOB, word) == 1
    assert deliver(server, f"abuse@{DOMAIN}", _message(word)).startswith(b"250")


def test_one_transaction_brings_one_copy_to_each(make_server: MakeServer) -> None:
    server = make_server()
    server.json("alias", "add", f"all@{DOMAIN}", BOB, ALICE)
    word = secrets.token_hex(8)
    with talk(server, "smtp") as client:
        assert _rcpt(client, BOB).startswith(b"250")
        for to in (ALICE, f"bob+x@{DOMAIN}", f"all@{DOMAIN}"):
            assert client.ask(f"RCPT TO:<{to}>".encode()).startswith(b"250")
        client.ask(b"DATA")
        client.send(_message(word) + b".\r\n")
        assert client.reply().startswith(b"250")
    assert _has(server, BOB, word) == _has(server, ALICE, word) == 1


def test_a_full_mailbox_is_known_at_rcpt(make_server: MakeServer) -> None:
    server = make_server()
    small = f"small@{DOMAIN}"
    server.passwords[small] = "small-" + secrets.token_hex(8)
    password = server.passwords[small] + "\n"
    server.json("account", "add", small, "--quota", "4KiB", "--password-stdin", stdin=password)
    filler = _message("filler") + b"x" * 70 + b"\r\n"
    assert deliver(server, small, filler + (b"y" * 70 + b"\r\n") * 48).startswith(b"250")
    with talk(server, "smtp") as client:
        client.ask(b"EHLO elsewhere.test")
        client.ask(b"MAIL FROM:<eve@elsewhere.test> SIZE=1000")
        assert client.ask(f"RCPT TO:<{small}>".encode()).startswith(b"452 4.2.2")
        assert client.ask(f"RCPT TO:<{BOB}>".encode()).startswith(b"250")
        client.ask(b"DATA")
        client.send(_message("others") + b".\r\n")
        assert client.reply().startswith(b"250"), "the others get it"


def test_a_message_that_goes_in_circles(shared_server: RunningServer) -> None:
    """RFC 5321 section 6.3."""
    received = b"Received: from a.test by b.test; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    word = secrets.token_hex(8)
    answer = deliver(shared_server, BOB, _message(word, received * 101))
    assert answer.startswith(b"554 5.4.6"), answer
    assert _has(shared_server, BOB, word) == 0
    assert deliver(shared_server, BOB, _message(word, received * 30)).startswith(b"250")


def test_a_story_is_found_by_the_message_id(shared_server: RunningServer) -> None:
    message_id = f"<{secrets.token_hex(8)}.100%_x@Elsewhere.test>"
    for _ in range(2):
        field = f"Message-ID: {message_id}\r\n".encode()
        answer = deliver(shared_server, BOB, _message("story", field)).decode().split()
    told = shared_server.json("trace", message_id)
    assert isinstance(told, dict)
    assert told["trace_id"] == answer[-1], "the newest"
    assert told == shared_server.json("trace", message_id.strip("<>"))
    assert told["events"][0]["details"]["message_id"] == message_id
    assert shared_server.command("trace", message_id.lower()).code == 1


def test_content_without_lines_comes_back_as_it_was(shared_server: RunningServer) -> None:
    """RFC 3030 section 3, and BINARY of RFC 3516 on the other side."""
    word = secrets.token_hex(8)
    body = bytes(range(256)) * 40 + b"\n.\n\r\r\n.\r\n"
    header = (
        f"From: eve@elsewhere.test\r\nSubject: {word}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    ).encode()
    with talk(shared_server, "smtp") as client:
        client.ask(b"EHLO elsewhere.test")
        assert client.ask(b"MAIL FROM:<eve@elsewhere.test> BODY=BINARYMIME").startswith(b"250")
        client.ask(f"RCPT TO:<{BOB}>".encode())
        client.send(b"BDAT %d\r\n" % len(header) + header)
        assert client.reply().startswith(b"250")
        client.send(b"BDAT %d LAST\r\n" % len(body) + body)
        assert client.reply().startswith(b"250 2.0.0")
    with imap(shared_server, BOB) as reader:
        reader.send(b"f FETCH * (BINARY.PEEK[1] BINARY.SIZE[1])\r\n")
        found = b"".join(reader.until(b"f OK"))
    assert body in found
    assert b"BINARY.SIZE[1] %d" % len(body) in found


def test_addresses_in_utf_8(make_server: MakeServer) -> None:
    """RFC 6531: from an address in UTF-8 to one, and shown as RFC 9051 has it."""
    server = make_server()
    pele = f"pel\u00e9@{DOMAIN}"
    server.passwords[pele] = secrets.token_hex(8)
    server.json("account", "add", pele, "--password-stdin", stdin=server.passwords[pele] + "\n")
    word = secrets.token_hex(8)
    header = f"From: \u00e9ve@elsewhere.test\r\nTo: {pele}\r\nSubject: {word} gr\u00fc\u00dfe\r\n"
    with talk(server, "smtp") as client:
        client.ask(b"EHLO elsewhere.test")
        assert client.ask("MAIL FROM:<\u00e9ve@elsewhere.test>".encode()).startswith(b"5")
        mail = "MAIL FROM:<\u00e9ve@elsewhere.test> SMTPUTF8 BODY=8BITMIME"
        assert client.ask(mail.encode()).startswith(b"250")
        assert client.ask(f"RCPT TO:<{pele}>".encode()).startswith(b"250")
        client.ask(b"DATA")
        client.send(header.encode() + b"\r\nText\r\n.\r\n")
        assert client.reply().startswith(b"250")
    with talk(server, "imaps", tls=True) as reader:
        reader.send(plain(server, pele).replace(b"AUTH PLAIN", b"a AUTHENTICATE PLAIN") + b"\r\n")
        reader.until(b"a OK")
        assert reader.do(b"ENABLE UTF8=ACCEPT").startswith(b"t OK")
        assert reader.do(b"SELECT INBOX").startswith(b"t OK")
        reader.send(b"f FETCH 1 (ENVELOPE BODY.PEEK[HEADER])\r\n")
        found = b"".join(reader.until(b"f OK"))
    assert f"{word} gr\u00fc\u00dfe".encode() in found
    assert "Return-Path: <\u00e9ve@elsewhere.test>".encode() in found
    assert b"with UTF8SMTP " in found, "RFC 6531 section 4.3"


@pytest.mark.parametrize("service", ["smtp", "submissions", "imap", "imaps", "http"])
def test_ipv6(make_server: MakeServer, service: str) -> None:
    if not Path("/proc/net/if_inet6").read_text().strip():
        pytest.fail("IPv6 IS NOT TESTED: this machine has none")
    server = make_server()
    port = server.ports[service]
    server.stop()
    server.write_config({f"listen.{service}": [f"{HOST}:{port}", f"[::1]:{port}"]})
    server.start()
    for host in (HOST, "::1"):
        client = Talk(socket.create_connection((host, port), 10))
        if service.endswith("s"):
            client.start_tls(server)
        with client.socket:
            if service == "http":
                client.send(b"GET /healthz HTTP/1.0\r\n\r\n")
                assert client.line().startswith(b"HTTP/1.1 200")
            else:
                assert client.line()[:4] in (b"220 ", b"* OK")


def test_bare_newlines_are_repaired_where_it_is_set(make_server: MakeServer) -> None:
    """Security: what was repaired is content, whatever it looks like."""
    server = make_server({"smtp.bare_newlines": "repair"})
    word = secrets.token_hex(8)
    sent = _message(word).replace(b"\r\n", b"\n") + b"\n.\nMAIL FROM:<x@elsewhere.test>\r.\r\n"
    with talk(server, "smtp") as client:
        assert _rcpt(client, BOB).startswith(b"250")
        client.ask(b"DATA")
        client.send(sent + b".\r\n")
        assert client.reply().startswith(b"250 2.0.0")
        assert client.ask(b"NOOP").startswith(b"250"), "nothing of it was a command"
    with imap(server, BOB) as reader:
        assert count(reader) == 1
        reader.send(b"f FETCH 1 (BODY.PEEK[TEXT])\r\n")
        text = b"".join(reader.until(b"f OK"))
    assert b"Text\r\n\r\n.\r\nMAIL FROM:<x@elsewhere.test>\r\n.\r\n" in text
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", text)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _has(server, BOB, word) != 1:
        time.sleep(0.1)
    assert _has(server, BOB, word) == 1
