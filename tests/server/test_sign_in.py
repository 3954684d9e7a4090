"""Certificates and channel binding at the real server."""

import imaplib
import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.authority import Authority
from support.scram import ScramClient
from support.server import ALICE, BOB, RunningServer, running_server


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[RunningServer]:
    settings = {
        "auth.scram": "app_passwords",
        "auth.client_certificates.ca": str(authority.path),
    }
    with running_server(settings) as one:
        yield one


def tls(server: RunningServer, own: Path | None = None) -> ssl.SSLContext:
    context = server.tls()
    if own is not None:
        context.load_cert_chain(own)
    return context


def imaps(server: RunningServer, context: ssl.SSLContext) -> imaplib.IMAP4_SSL:
    return imaplib.IMAP4_SSL("localhost", server.ports["imaps"], ssl_context=context)


def test_a_certificate_logs_in_by_imap_with_either_tls(
    server: RunningServer, authority: Authority
) -> None:
    own = authority.certificate(ALICE)
    with imaps(server, tls(server, own)) as client:
        assert "AUTH=EXTERNAL" in client.capabilities
        client.authenticate("EXTERNAL", lambda _: b"")
        assert client.select("INBOX")[0] == "OK"
    with imaplib.IMAP4("localhost", server.ports["imap"]) as plain:
        assert "AUTH=EXTERNAL" not in plain.capabilities
        plain.starttls(tls(server, own))
        assert "AUTH=EXTERNAL" in plain.capabilities
        with pytest.raises(imaplib.IMAP4.error, match="AUTHORIZATIONFAILED"):
            plain.authenticate("EXTERNAL", lambda _: BOB.encode())
        plain.authenticate("EXTERNAL", lambda _: ALICE.encode())


def test_a_certificate_logs_in_for_submission(server: RunningServer, authority: Authority) -> None:
    own = authority.certificate(ALICE)
    with smtplib.SMTP("localhost", server.ports["submission"]) as client:
        client.starttls(context=tls(server, own))
        client.ehlo()
        assert "EXTERNAL" in client.esmtp_features["auth"].split()
        assert client.docmd("AUTH EXTERNAL", "=")[0] == 235
        assert client.mail(ALICE)[0] == 250


def test_who_has_none_is_not_asked_for_it(server: RunningServer) -> None:
    with imaps(server, tls(server)) as client:
        assert "AUTH=EXTERNAL" not in client.capabilities
        client.login(BOB, server.passwords[BOB])


def test_a_certificate_of_somebody_else_does_not_connect(
    server: RunningServer, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger").certificate(ALICE)
    with (
        pytest.raises((ssl.SSLError, ConnectionError, imaplib.IMAP4.abort)),
        imaps(server, tls(server, stranger)),
    ):
        pass


def test_other_mail_servers_are_not_asked(server: RunningServer, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger").certificate("postmaster@else.example")
    with smtplib.SMTP("localhost", server.ports["smtp"]) as client:
        client.starttls(context=tls(server, stranger))
        assert client.ehlo()[0] == 250


def test_a_channel_of_tls_1_2_is_bound(server: RunningServer) -> None:
    made = server.json("app-password", "create", ALICE, "--name", "phone")
    assert isinstance(made, dict)
    context = tls(server)
    with imaps(server, context) as client:
        assert "AUTH=SCRAM-SHA-256" in client.capabilities
        assert "AUTH=SCRAM-SHA-256-PLUS" not in client.capabilities  # TLS 1.3
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with imaps(server, context) as client:
        assert "AUTH=SCRAM-SHA-256-PLUS" in client.capabilities
        assert isinstance(client.sock, ssl.SSLSocket)
        unique = client.sock.get_channel_binding("tls-unique")
        assert unique is not None
        knows = ScramClient(ALICE, str(made["password"]), header="p=tls-unique,,", binding=unique)
        client.authenticate("SCRAM-SHA-256-PLUS", knows.respond)
        assert knows.is_convinced
    with smtplib.SMTP("localhost", server.ports["submission"]) as sender:
        sender.starttls(context=context)
        sender.ehlo()
        assert "SCRAM-SHA-256-PLUS" in sender.esmtp_features["auth"].split()
