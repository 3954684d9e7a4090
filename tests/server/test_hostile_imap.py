"""IMAP clients that mean harm, or know no better, against the running server."""

import secrets
import socket
import time

import psutil

from server.talking import Talk, count, imap, talk, wait_until_closed
from support.ports import HOST
from support.server import ALICE, BOB, MakeServer, RunningServer


def test_an_endless_line_is_cut_off(shared_server: RunningServer) -> None:
    with talk(shared_server, "imap") as client:
        sent = 0
        try:
            while sent < 50_000_000:
                client.send(b"x" * 100_000)
                sent += 100_000
        except ConnectionError:
            pass
        assert sent < 50_000_000


def test_literals_are_refused_before_they_come(shared_server: RunningServer) -> None:
    with talk(shared_server, "imap") as client:
        client.send(b"t LOGIN {999999999}\r\n")
        assert client.line().startswith(b"t NO [TOOBIG]")
        client.send(b"t APPEND INBOX {10}\r\n")
        assert client.line().startswith(b"t BAD")
        client.send(b"t LOGIN {999999999+}\r\n")
        assert wait_until_closed(client).startswith(b"* BYE [TOOBIG]")


def test_a_message_that_is_too_large_is_refused_before_it_comes(
    shared_server: RunningServer,
) -> None:
    with imap(shared_server, ALICE) as client:
        before = count(client)
        client.send(b"t APPEND INBOX {99999999999}\r\n")
        assert client.line().startswith(b"t NO")
        client.send(b"t APPEND INBOX {99999999999+}\r\n")
        assert b"BYE [TOOBIG]" in wait_until_closed(client)
    with imap(shared_server, ALICE) as client:
        assert count(client) == before


def test_a_client_that_vanishes_in_a_message_leaves_nothing(shared_server: RunningServer) -> None:
    with imap(shared_server, ALICE) as reader:
        before = count(reader)
        with imap(shared_server, ALICE) as client:
            client.send(b"t APPEND INBOX {1000000}\r\n")
            assert client.line().startswith(b"+")
            client.send(b"Subject: gone\r\n\r\n" + b"x" * 900_000)
        with imap(shared_server, ALICE) as client:
            client.send(b"t APPEND INBOX {3}\r\n")
            assert client.line().startswith(b"+")
            client.send(b"abc")  # the line's end is missing
        time.sleep(0.2)
        assert count(reader) == before


def test_nothing_of_the_clear_text_survives_starttls(shared_server: RunningServer) -> None:
    with talk(shared_server, "imap") as client:
        client.send(b"t STARTTLS\r\nu NOOP\r\nv CAPABILITY\r\n")
        first = client.line()
        if not first.startswith(b"t OK"):
            assert b"v OK" not in wait_until_closed(client)
            return
        client.start_tls(shared_server)
        assert client.is_silent()
        assert client.do(b"NOOP").startswith(b"t OK")


def test_no_login_without_tls(shared_server: RunningServer) -> None:
    password = shared_server.passwords[BOB]
    with talk(shared_server, "imap") as client:
        answer = client.do(f'LOGIN {BOB} "{password}"'.encode())
        assert answer.startswith(b"t NO [PRIVACYREQUIRED]")
        assert client.do(b"AUTHENTICATE PLAIN").startswith(b"t NO")
        assert client.do(b"SELECT INBOX").startswith(b"t BAD")


def test_nonsense_ends_the_connection(shared_server: RunningServer) -> None:
    with talk(shared_server, "imap") as client:
        client.send(b"\r\n" * 5 + b"t \0\xff\r\n" * 5 + b"HELLO\r\n" * 200)
        lines = wait_until_closed(client).splitlines()
        assert b"* BYE" in lines[-1]
        assert len(lines) < 60


def test_many_commands_at_once_are_answered_in_order(shared_server: RunningServer) -> None:
    with imap(shared_server, BOB) as client:
        client.send(b"".join(b"n%d NOOP\r\n" % n for n in range(5_000)))
        tagged = [client.until(b"n%d OK" % n)[-1] for n in range(5_000)]
        assert len(tagged) == 5_000


def test_a_client_that_reads_nothing_harms_nobody(make_server: MakeServer) -> None:
    server = make_server()
    copies, message = 20, b"Subject: large\r\n\r\n" + (b"x" * 78 + b"\r\n") * 100_000
    with imap(server, ALICE) as client:
        client.send(b"t APPEND INBOX {%d+}\r\n%b\r\n" % (len(message), message))
        client.until(b"t OK")
        for _ in range(copies):
            client.do(b"COPY 1 INBOX")
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect((HOST, server.ports["imaps"]))
    lazy = Talk(slow)
    lazy.start_tls(server)
    lazy.until(b"* OK")
    lazy.do(f'LOGIN {ALICE} "{server.passwords[ALICE]}"'.encode())
    lazy.do(b"SELECT INBOX")
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    lazy.send(b"t FETCH 1:* BODY.PEEK[]\r\n")
    worst = 0.0
    with imap(server, BOB) as other:
        for _ in range(50):
            began = time.monotonic()
            assert other.do(b"NOOP").startswith(b"t OK")
            worst = max(worst, time.monotonic() - began)
            time.sleep(0.02)
    assert worst < 1
    assert process.memory_info().rss - before < 50_000_000
    lazy.socket.close()
    assert server.is_ready()


def test_mailbox_names_that_lead_elsewhere(shared_server: RunningServer) -> None:
    word = secrets.token_hex(4)
    with imap(shared_server, BOB) as client:
        for name in ("../../etc", "/etc/passwd", "a//b", "..", "%", "*", "", "x" * 10_000):
            answer = client.do(f'CREATE "{name}"'.encode())
            assert answer[:4] in (b"t OK", b"t NO", b"t BA")
        assert client.do(f"CREATE {word}/".encode() + b"&" + b"\r\n").startswith(b"t ")
        assert client.do(b"NOOP").startswith(b"t OK")


def test_searches_that_nest_without_end(shared_server: RunningServer) -> None:
    with imap(shared_server, BOB) as client:
        for command in (
            b"SEARCH " + b"(" * 20_000 + b"ALL" + b")" * 20_000,
            b"SEARCH " + b"NOT " * 10_000 + b"ALL",
            b"SEARCH " + b"OR ALL " * 8_000 + b"ALL",
            b"FETCH 1:4294967295,1:4294967295 FLAGS",
            b"FETCH 1:* (" + b"(" * 10_000,
        ):
            assert client.do(command)[:4] in (b"t OK", b"t NO", b"t BA")
        assert client.do(b"NOOP").startswith(b"t OK")
