"""swaks, the Swiss army knife for SMTP, as another server and as a person's mail program."""

import secrets

import pytest

from interop.inbox import arrived
from interop.programs import Done, need, run
from support.ports import HOST
from support.server import ALICE, BOB, RunningServer

pytestmark = pytest.mark.real


def _swaks(server: RunningServer, service: str, *words: str) -> Done:
    program = need("swaks", "swaks libnet-ssleay-perl libio-socket-ssl-perl")
    target = ["--server", HOST, "--port", str(server.ports[service]), "--timeout", "20"]
    return run([program, *target, *words])


def _login(server: RunningServer, who: str, mechanism: str = "PLAIN") -> list[str]:
    return ["--auth", mechanism, "--auth-user", who, "--auth-password", server.passwords[who]]


def test_another_server_brings_mail_with_tls(shared_server: RunningServer) -> None:
    word = secrets.token_hex(8)
    done = _swaks(
        shared_server, "smtp", "--tls", "--from", "eve@elsewhere.test", "--to", ALICE,
        "--ehlo", "mx.elsewhere.test", "--header", f"Subject: {word}",
    )  # fmt: skip
    assert done.code == 0, done.out
    message = arrived(shared_server, ALICE, word)
    assert message["Return-Path"] == "<eve@elsewhere.test>"
    received = str(message["Received"])
    assert "mx.elsewhere.test" in received
    assert "ESMTPS" in received


def test_another_server_without_tls(shared_server: RunningServer) -> None:
    word = secrets.token_hex(8)
    done = _swaks(
        shared_server, "smtp", "--from", "<>", "--to", ALICE, "--header", f"Subject: {word}",
        "--pipeline",
    )  # fmt: skip
    assert done.code == 0, done.out
    assert arrived(shared_server, ALICE, word)["Return-Path"] == "<>"


def test_nobody_relays(shared_server: RunningServer) -> None:
    done = _swaks(
        shared_server, "smtp", "--tls", "--from", "eve@elsewhere.test", "--to", "m@other.test"
    )
    assert done.code == 24, done.out  # swaks: no recipient was accepted
    assert "550 5.7.1" in done.out


def test_an_unknown_recipient_is_refused(shared_server: RunningServer) -> None:
    done = _swaks(
        shared_server, "smtp", "--from", "eve@elsewhere.test", "--to", "nobody@example.test"
    )
    assert "550 5.1.1" in done.out


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(
    ("service", "tls"), [("submission", "--tls"), ("submissions", "--tls-on-connect")]
)
def test_a_person_sends(
    shared_server: RunningServer, service: str, tls: str, mechanism: str
) -> None:
    word = secrets.token_hex(8)
    done = _swaks(
        shared_server, service, tls, "--from", BOB, "--to", ALICE, "--h-From", BOB,
        "--header", f"Subject: {word}", *_login(shared_server, BOB, mechanism),
    )  # fmt: skip
    assert done.code == 0, done.out
    received = arrived(shared_server, ALICE, word).get_all("Received", [])[-1]
    assert "ESMTPSA" in received


def test_a_wrong_password(shared_server: RunningServer) -> None:
    done = _swaks(
        shared_server, "submission", "--tls", "--from", BOB, "--to", ALICE,
        "--auth", "PLAIN", "--auth-user", BOB, "--auth-password", "wrong",
    )  # fmt: skip
    assert done.code == 28, done.out  # swaks: authentication failed
    assert "535 5.7.8" in done.out


def test_no_password_without_tls(shared_server: RunningServer) -> None:
    done = _swaks(
        shared_server, "submission", "--from", BOB, "--to", ALICE, *_login(shared_server, BOB)
    )
    assert done.code == 28, done.out
    assert shared_server.passwords[BOB] not in done.out


def test_nobody_sends_as_another(shared_server: RunningServer) -> None:
    done = _swaks(
        shared_server, "submission", "--tls", "--from", ALICE, "--to", BOB,
        *_login(shared_server, BOB),
    )  # fmt: skip
    assert done.code != 0
    assert "5.7.1" in done.out
