"""SMTP clients that mean harm, or know no better, against the running server."""

import secrets
import socket
import time

import pytest

from server.talking import Talk, count, deliver, imap, plain, talk, wait_until_closed
from support.server import ALICE, BOB, RunningServer


def _ready_for_data(client: Talk) -> None:
    client.ask(b"EHLO elsewhere.test")
    client.ask(b"MAIL FROM:<eve@elsewhere.test>")
    client.ask(f"RCPT TO:<{ALICE}>".encode())
    assert client.ask(b"DATA").startswith(b"354")


def test_an_endless_line_is_cut_off(shared_server: RunningServer) -> None:
    with talk(shared_server, "smtp") as client:
        sent = 0
        try:
            while sent < 50_000_000:
                client.send(b"x" * 100_000)
                sent += 100_000
        except ConnectionError:
            pass
        assert sent < 50_000_000
        assert shared_server.is_ready()


def test_a_long_line_is_refused_and_the_next_command_works(shared_server: RunningServer) -> None:
    with talk(shared_server, "smtp") as client:
        assert client.ask(b"NOOP " + b"x" * 13000).startswith(b"500 5.5.6")
        assert client.ask(b"NOOP").startswith(b"250")


@pytest.mark.parametrize("end", [b"\n", b"\r"])
def test_only_crlf_ends_a_command(shared_server: RunningServer, end: bytes) -> None:
    with talk(shared_server, "smtp") as client:
        client.send(b"EHLO elsewhere.test" + end)
        assert client.is_silent()
        assert client.ask(b"").startswith(b"50")


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n"]
)
def test_only_crlf_dot_crlf_ends_a_message(shared_server: RunningServer, end: bytes) -> None:
    word = secrets.token_hex(8).encode()
    with imap(shared_server, ALICE) as reader, talk(shared_server, "smtp") as client:
        before = count(reader)
        _ready_for_data(client)
        client.send(b"Subject: " + word + b"\r\n\r\nText" + end)
        client.send(b"MAIL FROM:<smuggled@elsewhere.test>\r\n")
        assert client.is_silent()
        client.send(b"\r\n.\r\n")
        assert client.reply().startswith(b"550 5.6.11")
        assert count(reader) == before


def test_a_half_closed_connection_still_gets_its_replies(shared_server: RunningServer) -> None:
    with imap(shared_server, ALICE) as reader, talk(shared_server, "smtp") as client:
        before = count(reader)
        _ready_for_data(client)
        client.send(b"Subject: half\r\n\r\nText\r\n.\r\nNOOP\r\n")
        client.end_sending()
        replies = client.rest().splitlines()
        assert [line[:3] for line in replies] == [b"250", b"250"]
        assert count(reader) == before + 1


def test_a_client_that_vanishes_in_a_message_leaves_nothing(shared_server: RunningServer) -> None:
    with imap(shared_server, ALICE) as reader:
        before = count(reader)
        for end in (b"", b"\r\n", b"\r\n.", b"\r\n.\r"):
            with talk(shared_server, "smtp") as client:
                _ready_for_data(client)
                client.send(b"Subject: gone\r\n\r\nText" + end)
        with talk(shared_server, "smtp") as client:
            _ready_for_data(client)
            client.send(b"Subject: gone\r\n\r\n" + b"x" * 500_000)
            client.end_sending()
            client.rest()
        assert count(reader) == before


def test_nothing_of_the_clear_text_survives_starttls(shared_server: RunningServer) -> None:
    with talk(shared_server, "submission") as client:
        client.ask(b"EHLO elsewhere.test")
        client.send(b"STARTTLS\r\nEHLO injected.test\r\nNOOP\r\n")
        # Either the command is refused, or the handshake follows and nothing else is answered.
        first = client.reply()
        if not first.startswith(b"220"):
            assert b"NOOP" not in first
            assert wait_until_closed(client) == b""
            return
        client.start_tls(shared_server)
        assert client.is_silent()


def test_starttls_forgets_who_greeted(shared_server: RunningServer) -> None:
    with talk(shared_server, "submission") as client:
        client.ask(b"EHLO elsewhere.test")
        assert client.ask(b"STARTTLS").startswith(b"220")
        client.start_tls(shared_server)
        assert client.ask(f"MAIL FROM:<{BOB}>".encode()).startswith(b"503")


def test_clear_text_where_a_handshake_belongs(shared_server: RunningServer) -> None:
    with talk(shared_server, "submission") as client:
        client.ask(b"EHLO elsewhere.test")
        assert client.ask(b"STARTTLS").startswith(b"220")
        client.send(b"EHLO elsewhere.test\r\n")
        assert b"250" not in wait_until_closed(client)
    for service in ("submissions", "imaps", "https"):
        connection = Talk(shared_server.connect(service))
        connection.send(b"EHLO elsewhere.test\r\n" * 10)
        assert b"250" not in wait_until_closed(connection)
        connection.socket.close()


def test_no_login_without_tls(shared_server: RunningServer) -> None:
    with talk(shared_server, "submission") as client:
        client.ask(b"EHLO elsewhere.test")
        assert client.ask(plain(shared_server, BOB))[:3] in (b"530", b"538")
        assert client.ask(f"MAIL FROM:<{BOB}>".encode()).startswith(b"530")
    with talk(shared_server, "smtp") as client:
        client.send(b"EHLO elsewhere.test\r\n")
        assert b"AUTH" not in b"".join(client.until(b"250 "))


def test_too_many_errors_end_the_connection(shared_server: RunningServer) -> None:
    with talk(shared_server, "smtp") as client:
        client.send(b"NONSENSE\r\n" * 100)
        lines = wait_until_closed(client).splitlines()
        assert lines[-1].startswith(b"421 4.7.0")
        assert len(lines) < 30


def test_two_hundred_connections_at_once(shared_server: RunningServer) -> None:
    connections = [Talk(shared_server.connect("smtp")) for _ in range(200)]
    for client in connections:
        assert client.reply().startswith(b"220")
    for client in connections:
        client.send(b"EHLO elsewhere.test\r\nNOOP\r\n")
    for client in connections:
        assert client.reply().startswith(b"250")
        assert client.reply().startswith(b"250")
    began = time.monotonic()
    assert shared_server.is_ready()
    assert time.monotonic() - began < 2
    for client in connections:
        client.socket.close()


def test_connections_that_are_reset(shared_server: RunningServer) -> None:
    for service in ("smtp", "submissions", "imap", "imaps", "http", "https"):
        for _ in range(5):
            connection = shared_server.connect(service)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
    assert shared_server.is_ready()


def test_a_header_of_a_megabyte(shared_server: RunningServer) -> None:
    to = ", ".join(f"person{n}@elsewhere.test" for n in range(20_000)).replace(", p", ",\r\n p")
    junk = "".join(f"X-Field-{n}: {'y' * 60}\r\n" for n in range(10_000))
    message = f"Subject: large\r\nTo: {to}\r\n{junk}\r\nText\r\n".encode()
    assert len(message) > 1_000_000
    with imap(shared_server, ALICE) as reader:
        before = count(reader)
        assert deliver(shared_server, ALICE, message)[:3] in (b"250", b"554", b"552")
        if count(reader) > before:
            reader.do(b"NOOP")
            assert reader.do(b"FETCH * (ENVELOPE BODYSTRUCTURE)").startswith(b"t OK")
            assert reader.do(b"FETCH * (BODY.PEEK[HEADER.FIELDS (SUBJECT)])").startswith(b"t OK")


def test_ten_thousand_nested_parts(shared_server: RunningServer) -> None:
    opening = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(10_000)
    )
    message = b"Subject: nested\r\nMIME-Version: 1.0\r\n" + opening + b"\r\nCore\r\n"
    with imap(shared_server, ALICE) as reader:
        before = count(reader)
        assert deliver(shared_server, ALICE, message).startswith(b"250")
        assert count(reader) == before + 1
        reader.do(b"NOOP")
        assert reader.do(b"FETCH * (BODYSTRUCTURE ENVELOPE)").startswith(b"t OK")
        reader.send(b"t FETCH * (BODY.PEEK[])\r\n")
        assert b"".join(reader.until(b"t OK")).count(b"multipart/mixed") == 10_000
        assert reader.do(b"FETCH * (BODY.PEEK[1.1.1.1.1.1.1.1])").startswith(b"t OK")
        assert reader.do(b"SEARCH TEXT Core").startswith(b"t OK")


def test_ten_thousand_parts_side_by_side(shared_server: RunningServer) -> None:
    part = b"--b\r\nContent-Type: text/plain\r\n\r\nText\r\n"
    message = (
        b"Subject: wide\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        + part * 10_000
        + b"--b--\r\n"
    )
    with imap(shared_server, ALICE) as reader:
        assert deliver(shared_server, ALICE, message).startswith(b"250")
        reader.do(b"NOOP")
        assert reader.do(b"FETCH * (BODYSTRUCTURE)").startswith(b"t OK")


def test_octets_that_are_no_text(shared_server: RunningServer) -> None:
    message = (
        b"Subject: " + bytes(n for n in range(1, 256) if n not in (10, 13)) + b"\r\n\r\n\0\xff\r\n"
    )
    with imap(shared_server, ALICE) as reader:
        assert deliver(shared_server, ALICE, message)[:3] in (b"250", b"550", b"554")
        reader.do(b"NOOP")
        assert reader.do(b"FETCH * (ENVELOPE BODYSTRUCTURE BODY.PEEK[])").startswith(b"t OK")
