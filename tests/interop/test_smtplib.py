"""Python's own SMTP client."""

import secrets
import smtplib
from email.message import EmailMessage

import pytest

from interop.inbox import arrived
from support.ports import HOST
from support.server import ALICE, BOB, RunningServer

pytestmark = pytest.mark.real


def _client(server: RunningServer, service: str) -> smtplib.SMTP:
    if service == "submissions":
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            "localhost", server.ports[service], context=server.tls(), timeout=30
        )
    else:
        client = smtplib.SMTP("localhost", server.ports[service], timeout=30)
        client.starttls(context=server.tls())
    return client


@pytest.mark.parametrize("service", ["submission", "submissions"])
def test_every_mechanism_that_is_announced(shared_server: RunningServer, service: str) -> None:
    with _client(shared_server, service) as client:
        client.ehlo()
        announced = client.esmtp_features["auth"].split()
        assert "PLAIN" in announced
    for mechanism in announced:
        with _client(shared_server, service) as client:
            client.ehlo()
            client.esmtp_features["auth"] = mechanism
            client.login(BOB, shared_server.passwords[BOB])


def test_a_text_in_eight_bits(shared_server: RunningServer) -> None:
    word = secrets.token_hex(8)
    octets = (
        f"From: {BOB}\r\nTo: {ALICE}\r\nSubject: {word}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        "Gr\u00fc\u00dfe\r\n"
    ).encode()
    with _client(shared_server, "submission") as client:
        client.login(BOB, shared_server.passwords[BOB])
        assert client.sendmail(BOB, [ALICE], octets, ["BODY=8BITMIME"]) == {}
    assert arrived(shared_server, ALICE, word).get_content() == "Gr\u00fc\u00dfe\r\n"


def test_addresses_and_fields_in_utf_8(shared_server: RunningServer) -> None:
    word = secrets.token_hex(8)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = BOB, ALICE, f"Gr\u00fc\u00dfe {word}"
    message.set_content("Hallo")
    with _client(shared_server, "submission") as client:
        client.login(BOB, shared_server.passwords[BOB])
        refused = client.send_message(message, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    assert refused == {}
    assert arrived(shared_server, ALICE, word)["Subject"] == f"Gr\u00fc\u00dfe {word}"


def test_some_recipients_are_refused(shared_server: RunningServer) -> None:
    word = secrets.token_hex(8)
    with smtplib.SMTP(HOST, shared_server.ports["smtp"], timeout=30) as client:
        refused = client.sendmail(
            "eve@elsewhere.test",
            [ALICE, "nobody@example.test"],
            f"Subject: {word}\r\n\r\nHello\r\n",
        )
    assert list(refused) == ["nobody@example.test"]
    assert arrived(shared_server, ALICE, word)


def test_many_messages_on_one_connection(shared_server: RunningServer) -> None:
    words = [secrets.token_hex(8) for _ in range(20)]
    with _client(shared_server, "submissions") as client:
        client.login(BOB, shared_server.passwords[BOB])
        for word in words:
            client.sendmail(BOB, [ALICE], f"From: {BOB}\r\nSubject: {word}\r\n\r\n{word}\r\n")
            client.rset()
    for word in words:
        arrived(shared_server, ALICE, word)


def test_commands_sent_together_are_answered_in_order(shared_server: RunningServer) -> None:
    word = secrets.token_hex(8)
    with smtplib.SMTP(HOST, shared_server.ports["smtp"], timeout=30) as client:
        client.ehlo("elsewhere.test")
        assert client.has_extn("pipelining")
        client.send(
            f"MAIL FROM:<e@elsewhere.test>\r\nRCPT TO:<{ALICE}>\r\n"
            f"RCPT TO:<no@example.test>\r\nRCPT TO:<{BOB}>\r\nDATA\r\n"
        )
        assert [client.getreply()[0] for _ in range(5)] == [250, 250, 550, 250, 354]
        client.send(f"Subject: {word}\r\n\r\n.\r\n.\r\nNOOP\r\n".replace("\n.\r\n.", "\n..\r\n."))
        assert [client.getreply()[0] for _ in range(2)] == [250, 250]
    for who in (ALICE, BOB):
        assert arrived(shared_server, who, word).get_content() == ".\r\n"


def test_a_size_that_is_announced_too_large(shared_server: RunningServer) -> None:
    with smtplib.SMTP(HOST, shared_server.ports["smtp"], timeout=30) as client:
        client.ehlo("elsewhere.test")
        limit = int(client.esmtp_features["size"])
        code, text = client.mail("e@elsewhere.test", [f"SIZE={limit + 1}"])
    assert (code, text[:5]) == (552, b"5.3.4")
