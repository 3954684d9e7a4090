"""Virtual mailboxes at the real server."""

import imaplib
from collections.abc import Iterator

import pytest

from support.server import ALICE, RunningServer, running_server

MESSAGE = b"From: boss@example.test\r\nSubject: %b\r\n\r\nThe budget\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server({"imap.virtual": True}) as one:
        yield one


def test_all_mail_and_a_saved_search(server: RunningServer) -> None:
    made = server.command(
        "mailbox", "virtual", "add", ALICE, "Budget", "--search", "TEXT budget FROM boss@"
    )
    assert "Virtual/Budget added" in made.out
    with imaplib.IMAP4_SSL("localhost", server.ports["imaps"], ssl_context=server.tls()) as client:
        client.login(ALICE, server.passwords[ALICE])
        client.append("INBOX", "", "", MESSAGE % b"one")
        client.append("Sent", "(\\Flagged)", "", MESSAGE % b"two")
        client.append("Trash", "", "", MESSAGE % b"three")
        for name, count in (("All Mail", b"2"), ("Budget", b"2"), ("Starred", b"1")):
            assert client.select(f'"Virtual/{name}"') == ("OK", [count])
        _, found = client.uid("FETCH", "1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        assert b"Subject: two" in found[0][1]
        assert client.copy("1", '"Virtual/All Mail"')[0] == "NO"
