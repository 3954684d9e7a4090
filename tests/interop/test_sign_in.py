"""Signing in by SCRAM and by token at a real server: our own clients, gsasl and curl."""

import imaplib
import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop.programs import Done, need, run
from support.issuer import AUDIENCE, Issuer, running_issuer
from support.scram import ScramClient
from support.server import ALICE, BOB, RunningServer, running_server

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with running_issuer() as one:
        yield one


@pytest.fixture(scope="module")
def server(issuer: Issuer) -> Iterator[RunningServer]:
    settings = {
        "auth.scram": "all",
        "auth.cleartext": "loopback",  # gsasl does not see STARTTLS in the last line of EHLO
        "auth.oauth.issuer": issuer.url,
        "auth.oauth.audience": AUDIENCE,
        "auth.oauth.jwks": f"{issuer.url}/jwks",
        "auth.oauth.private_networks": True,
    }
    with running_server(settings) as one:
        password = one.passwords[ALICE]  # set anew, so that its keys are there
        one.json("account", "passwd", ALICE, "--password-stdin", stdin=password + "\n")
        yield one


def app_password(server: RunningServer, *scopes: str) -> str:
    words = [word for scope in scopes for word in ("--scope", scope)]
    made = server.json("app-password", "create", ALICE, "--name", "phone", *words)
    assert isinstance(made, dict)
    return str(made["password"])


@pytest.mark.parametrize("digest", ["SHA-1", "SHA-256"])
@pytest.mark.parametrize("kind", ["account", "app"])
def test_scram_with_pythons_clients(server: RunningServer, digest: str, kind: str) -> None:
    password = server.passwords[ALICE] if kind == "account" else app_password(server)
    mechanism, name = f"SCRAM-{digest}", digest.replace("-", "").lower()
    with imaplib.IMAP4_SSL("localhost", server.ports["imaps"], ssl_context=server.tls()) as client:
        assert f"AUTH={mechanism}" in client.capabilities
        knows = ScramClient(ALICE, password, name)
        client.authenticate(mechanism, knows.respond)
        assert knows.is_convinced
        assert client.select("INBOX")[0] == "OK"
    with smtplib.SMTP_SSL(
        "localhost", server.ports["submissions"], context=server.tls()
    ) as sender:
        sender.ehlo()
        assert mechanism in sender.esmtp_features["auth"].split()
        knows = ScramClient(ALICE, password, name)
        answers = iter([b""])

        def respond(challenge: bytes | None = None) -> str:
            return knows.respond(next(answers, challenge) or b"").decode()

        assert sender.auth(mechanism, respond)[0] == 235
        assert knows.is_convinced


def test_a_password_from_before_opens_after_it_was_shown_once(server: RunningServer) -> None:
    def try_scram() -> None:
        knows = ScramClient(BOB, server.passwords[BOB])
        with imaplib.IMAP4_SSL(
            "localhost", server.ports["imaps"], ssl_context=server.tls()
        ) as client:
            client.authenticate("SCRAM-SHA-256", knows.respond)

    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        try_scram()
    with imaplib.IMAP4_SSL("localhost", server.ports["imaps"], ssl_context=server.tls()) as client:
        client.login(BOB, server.passwords[BOB])
    try_scram()


def _gsasl(server: RunningServer, service: str, mechanism: str, password: str) -> Done:
    protocol = "--imap" if service == "imap" else "--smtp"
    return run(
        [
            need("gsasl", "gsasl"), protocol, "--connect", f"localhost:{server.ports[service]}",
            "--hostname", "localhost", "--x509-ca-file", str(server.certificate),
            "--authentication-id", ALICE, "--password", password,
            "--mechanism", mechanism, "--no-cb",
            *(["--no-starttls"] if service == "submission" else []),
        ],
        seconds=30,
    )  # fmt: skip


@pytest.mark.parametrize("service", ["imap", "submission"])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN"])
def test_gsasl(server: RunningServer, service: str, mechanism: str) -> None:
    done = _gsasl(server, service, mechanism, app_password(server))
    assert done.code == 0, done.out
    wrong = _gsasl(server, service, mechanism, "wrong")
    assert wrong.code != 0, wrong.out


def _curl(server: RunningServer, url: str, token: str, *words: str) -> Done:
    return run(
        [
            need("curl", "curl"), "-sS", "--max-time", "30", "--cacert", str(server.certificate),
            url, "-u", f"{ALICE}:", "--oauth2-bearer", token, *words,
        ]
    )  # fmt: skip


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_curl_with_a_token(
    server: RunningServer, issuer: Issuer, tmp_path: Path, mechanism: str
) -> None:
    message = tmp_path / "message"
    message.write_text(f"From: {ALICE}\r\nTo: {BOB}\r\n\r\nA line.\r\n")
    option = ["--login-options", f"AUTH={mechanism}"]
    url = f"imaps://localhost:{server.ports['imaps']}/"
    done = _curl(server, url, issuer.token(ALICE), *option)
    assert done.code == 0, done.out
    assert "INBOX" in done.out
    for refused in (issuer.token(ALICE, exp=1), issuer.token(BOB)):
        done = _curl(server, url, refused, *option)
        assert done.code == 67, done.out
    token = issuer.token(ALICE, x="y" * 900)
    sent = _curl(
        server, f"smtps://localhost:{server.ports['submissions']}", token,
        *option, "--sasl-ir", "--mail-from", ALICE, "--mail-rcpt", BOB,
        "-T", str(message),
    )  # fmt: skip
    assert sent.code == 0, sent.out


def test_no_token_is_logged(server: RunningServer, issuer: Issuer) -> None:
    token = issuer.token(ALICE, exp=1)
    _curl(server, f"imaps://localhost:{server.ports['imaps']}/", token)
    assert "a token was refused" in server.log()
    assert token not in server.log()
    assert token.split(".")[2] not in server.log()
    assert server.passwords[ALICE] not in server.log()
