"""Postfix sends to us."""

import secrets

import pytest

from interop.inbox import arrived, wait_for
from interop.postfix import DOMAIN, HOSTNAME, postfix
from support.ports import HOST
from support.server import ALICE, RunningServer

pytestmark = pytest.mark.real

CAROL = f"carol@{DOMAIN}"


def test_mail_arrives_with_tls(shared_server: RunningServer) -> None:
    word = secrets.token_hex(8)
    port = shared_server.ports["smtp"]
    with postfix(f"relayhost = [{HOST}]:{port}") as peer:
        peer.start()
        text = f"From: {CAROL}\nTo: {ALICE}\nSubject: {word}\n\nGr\u00fc\u00dfe\n.\n..\n"
        peer.send(CAROL, ALICE, text.encode())
        try:
            message = arrived(shared_server, ALICE, word)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{peer.log()}") from None
        wait_for(lambda: "status=sent (250 2." in peer.log(), "Postfix's success")
    assert message["Return-Path"] == f"<{CAROL}>"
    received = str(message["Received"])
    assert HOSTNAME in received
    assert "with ESMTPS" in received
    assert "TLSv1.3" in received
    assert message.as_bytes().endswith("\r\n\r\nGr\u00fc\u00dfe\r\n.\r\n..\r\n".encode())


def test_a_refusal_makes_postfix_bounce(shared_server: RunningServer) -> None:
    port = shared_server.ports["smtp"]
    with postfix(f"relayhost = [{HOST}]:{port}") as peer:
        peer.start()
        peer.send(CAROL, "nobody@example.test", b"Subject: x\n\nText\n")
        (report,) = wait_for(lambda: peer.mail("carol"), "a report to carol")
        assert b"550 5.1.1" in report
        assert "status=bounced" in peer.log()
