"""A server's way through a day: a full disk, an account that is shut, a restart in a message."""

import json
import os
import secrets
import signal
import sqlite3
import ssl
import threading
import time
import urllib.error
import urllib.request
from typing import Any

import pytest

from postroad.server.tls import make_self_signed
from server.talking import Talk, count, deliver, imap, plain, talk, wait_until_closed
from support.server import ALICE, BOB, MakeServer, RunningServer

pytestmark = pytest.mark.slow


def _send_by_rest(server: RunningServer, subject: str) -> tuple[int, dict[str, Any]]:  # JSON
    email = {"from": BOB, "to": ALICE, "subject": subject, "text": "Hello"}
    request = urllib.request.Request(  # noqa: S310  # our own server
        f"{server.http}/emails",
        json.dumps(email).encode(),
        {"Authorization": f"Bearer {server.api_key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310  # our own server
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_disk_that_is_nearly_full(make_server: MakeServer) -> None:
    server = make_server({"limits.free_disk_octets": 2**50})
    with talk(server, "smtp") as client:
        client.ask(b"EHLO elsewhere.test")
        assert client.ask(b"MAIL FROM:<eve@elsewhere.test>").startswith(b"452 4.3.1")
    with imap(server, ALICE) as reader:
        reader.send(b"t APPEND INBOX {3}\r\n")
        assert reader.line().startswith(b"t NO [")
        # What is there can be read, and deleted.
        assert reader.do(b"STATUS INBOX (MESSAGES)").startswith(b"t OK")
        assert reader.do(b"CREATE More").startswith(b"t OK")
    status, problem = _send_by_rest(server, "x")
    assert status == 503, problem
    server.write_config({"limits.free_disk_octets": 0})
    server.restart()
    assert deliver(server, ALICE, b"Subject: room\r\n\r\n").startswith(b"250")


def test_a_message_under_way_is_finished_before_the_end(make_server: MakeServer) -> None:
    server = make_server({"shutdown.grace": "15s"})
    with (
        talk(server, "smtp") as client,
        imap(server, ALICE) as idle,
        imap(server, ALICE) as other,
    ):
        other.send(b"t APPEND INBOX {40}\r\n")
        other.until(b"+")
        other.send(b"Subject: last too\r\n\r\n")
        idle.send(b"t IDLE\r\n")
        idle.until(b"+")
        client.ask(b"EHLO elsewhere.test")
        client.ask(b"MAIL FROM:<eve@elsewhere.test>")
        client.ask(f"RCPT TO:<{ALICE}>".encode())
        assert client.ask(b"DATA").startswith(b"354")
        client.send(b"Subject: last\r\n\r\nFirst half\r\n")
        server.terminate()
        assert b"* BYE" in wait_until_closed(idle)
        assert _is_refused(server, "smtp")
        other.send(b"x" * 17 + b"\r\n\r\n")
        assert b"* BYE" in other.until(b"t OK")[-1] + wait_until_closed(other)
        client.send(b"Second half\r\n.\r\n")
        assert client.reply().startswith(b"250")
        assert client.reply().startswith(b"421")
        assert client.rest() == b""
    assert server.wait() == 0
    server.start()
    with imap(server, ALICE) as reader:
        assert count(reader) == 2


def _is_refused(server: RunningServer, service: str) -> bool:
    try:
        with server.connect(service) as connection:
            return not connection.recv(100).startswith(b"220")
    except ConnectionError:
        return True


def test_a_client_that_dawdles_does_not_hold_up_the_end(make_server: MakeServer) -> None:
    server = make_server({"shutdown.grace": "1s"})
    with talk(server, "smtp") as client:
        client.ask(b"EHLO elsewhere.test")
        client.ask(b"MAIL FROM:<eve@elsewhere.test>")
        client.ask(f"RCPT TO:<{ALICE}>".encode())
        client.ask(b"DATA")
        server.terminate()
        assert server.wait(10) == 0
    server.start()


def test_what_got_250_survives_a_kill(make_server: MakeServer) -> None:
    server = make_server()
    sent: list[str] = []
    ended = threading.Event()

    def send() -> None:
        while not ended.is_set():
            word = secrets.token_hex(8)
            try:
                if deliver(server, ALICE, f"Subject: {word}\r\n\r\n".encode())[:3] == b"250":
                    sent.append(word)
            except (OSError, AssertionError):
                return

    senders = [threading.Thread(target=send) for _ in range(3)]
    for sender in senders:
        sender.start()
    time.sleep(1)
    server.kill()
    ended.set()
    for sender in senders:
        sender.join()
    server.start()
    with imap(server, ALICE) as reader:
        reader.send(b"t FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\n")
        found = b"".join(reader.until(b"t OK"))
    assert len(sent) > 10
    assert [word for word in sent if found.count(word.encode()) != 1] == []


def test_a_shut_account_is_out_at_once(make_server: MakeServer) -> None:
    server = make_server()
    with (
        imap(server, BOB) as reader,
        talk(server, "submission") as sender,
        imap(server, ALICE) as a,
    ):
        sender.ask(b"EHLO elsewhere.test")
        sender.ask(b"STARTTLS")
        sender.start_tls(server)
        sender.ask(b"EHLO elsewhere.test")
        assert sender.ask(plain(server, BOB)).startswith(b"235")
        server.json("account", "disable", BOB)
        assert b"* BYE" in wait_until_closed(reader)
        assert wait_until_closed(sender).startswith(b"421")
        assert a.do(b"NOOP").startswith(b"t OK")
    with talk(server, "imaps", tls=True) as client:
        login = f'LOGIN {BOB} "{server.passwords[BOB]}"'.encode()
        assert client.do(login).startswith(b"t NO")
        server.json("account", "disable", BOB, "--undo")
        time.sleep(1.2)
        assert client.do(login).startswith(b"t OK")


def test_a_new_password_ends_the_sessions_of_the_old_one(make_server: MakeServer) -> None:
    server = make_server()
    old = server.passwords[BOB]
    with imap(server, BOB) as reader, imap(server, ALICE) as other:
        server.json("account", "passwd", BOB, "--password-stdin", stdin="another-password-1\n")
        assert b"* BYE" in wait_until_closed(reader)
        assert other.do(b"NOOP").startswith(b"t OK")
    with talk(server, "imaps", tls=True) as client:
        assert client.do(f'LOGIN {BOB} "{old}"'.encode()).startswith(b"t NO")
        assert client.do(f'LOGIN {BOB} "another-password-1"'.encode()).startswith(b"t OK")


def test_a_certificate_is_taken_up_while_serving(make_server: MakeServer) -> None:
    server = make_server()
    before = _shown(server)
    key = server.certificate.with_suffix(".key")
    make_self_signed("mail.example.test", server.certificate, key)
    deadline = time.monotonic() + 20
    while _shown(server) == before:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def _shown(server: RunningServer) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(server.connect("imaps"), server_hostname="localhost") as client:
        return client.getpeercert(binary_form=True) or b""


def test_secrets_are_nowhere_in_the_clear(make_server: MakeServer) -> None:
    """Not in the log at its most talkative, not in the database, not in what commands print."""
    server = make_server({"log.level": "debug"})
    made = server.json("app-password", "create", BOB, "--name", "phone")
    assert isinstance(made, dict)
    app_password = str(made["password"])
    wrong = "wrong-" + secrets.token_hex(8)
    with imap(server, BOB) as reader:
        reader.do(b"NOOP")
    with talk(server, "imaps", tls=True) as client:
        client.do(f'LOGIN {BOB} "{wrong}"'.encode())
        client.do(f'LOGIN {BOB} "{app_password}"'.encode())
    with talk(server, "submissions", tls=True) as sender:
        sender.ask(b"EHLO elsewhere.test")
        sender.ask(plain(server, BOB))
        sender.ask(f"MAIL FROM:<{BOB}>".encode())
    with talk(server, "smtp") as confused:
        confused.ask(plain(server, BOB))
    assert _send_by_rest(server, "hello")[0] == 200
    bad = Talk(server.connect("http"))
    bad.send(f"GET /emails HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {wrong}\r\n\r\n".encode())
    bad.line()
    bad.socket.close()
    printed = "".join(
        server.command(*words).out + server.command(*words, "--json").out
        for words in (("account", "show", BOB), ("key", "list"), ("config", "show"),
                      ("domain", "show", "example.test"), ("domain", "dns", "example.test"))
    )  # fmt: skip
    server.stop()
    hidden = [*server.passwords.values(), app_password, app_password.replace("-", ""), wrong]
    hidden += [server.api_key, (server.data_dir / "master.key").read_text().strip(), "PRIVATE KEY"]
    hidden += [plain(server, BOB).decode().rpartition(" ")[2]]
    dump = server.data_dir / "postroad.db"
    with sqlite3.connect(dump) as database:
        rows = "\n".join(database.iterdump())
    database.close()
    for text in (server.log(), printed, rows):
        assert [one for one in hidden if one in text] == []


def test_the_log_tells_of_a_message_by_one_id(make_server: MakeServer) -> None:
    server = make_server({"log.format": "json"})
    assert deliver(server, ALICE, b"Subject: traced\r\n\r\n").startswith(b"250")
    assert _send_by_rest(server, "traced too")[0] == 200
    server.stop()
    lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    assert {line["level"] for line in lines} <= {"info", "warning"}
    server.start()


def test_an_interrupt_ends_it_in_good_order_too(make_server: MakeServer) -> None:
    server = make_server()
    os.kill(server.pid, signal.SIGINT)
    assert server.wait() == 0
    server.start()


def test_handshakes_that_fail_leave_no_connection_behind(make_server: MakeServer) -> None:
    server = make_server()
    for service, command in (("submission", b"STARTTLS\r\n"), ("imap", b"t STARTTLS\r\n")):
        for _ in range(10):
            with talk(server, service) as client:
                if service == "submission":
                    client.ask(b"EHLO elsewhere.test")
                client.send(command)
                client.line()
                client.send(b"this is no handshake at all\r\n")
                client.rest()
    with talk(server, "smtp"):
        assert b'connections{service="smtp"} 1.0' in _metrics(server)
    deadline = time.monotonic() + 10
    while b'connections{service="imap"}' in (metrics := _metrics(server)) or (
        b'connections{service="submission"}' in metrics
    ):
        assert time.monotonic() < deadline, metrics
        time.sleep(0.1)


def _metrics(server: RunningServer) -> bytes:
    url = f"{server.http}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # our own server
        return bytes(answer.read())


def test_changed_settings_are_taken_up_while_serving(make_server: MakeServer) -> None:
    server = make_server()
    server.write_config({"limits.connections": 1, "imap.literal": "LITERAL-"})
    os.kill(server.pid, signal.SIGHUP)
    deadline = time.monotonic() + 15
    while "settings reloaded" not in server.log():
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.1)
    assert "settings changed that need a restart  paths=imap.literal" in server.log()
    with talk(server, "smtp"):
        second = Talk(server.connect("smtp"))
        assert second.line().startswith(b"421")
        second.socket.close()
    server.config.write_text("limits: [nonsense]")
    os.kill(server.pid, signal.SIGHUP)
    while "the changed settings are not used" not in server.log():
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.1)
    assert server.is_ready()
    server.write_config({"limits.connections": 1000})
