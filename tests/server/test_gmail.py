"""X-GM-EXT-1 at the real server."""

import imaplib

from support.server import ALICE, running_server

MESSAGE = b"From: boss@example.test\r\nSubject: Budget\r\n\r\nNumbers\r\n"


def test_labels_and_searches() -> None:
    with running_server({"imap.gmail": True}) as server:
        where = "localhost", server.ports["imaps"]
        with imaplib.IMAP4_SSL(*where, ssl_context=server.tls()) as client:
            client.login(ALICE, server.passwords[ALICE])
            assert b"X-GM-EXT-1" in client.capability()[1][0].split()
            client.append("INBOX", "", "", MESSAGE)
            client.select("INBOX")
            for query, found in (("from:boss numbers", b"1"), ("subject:nothing", b"")):
                raw = f'"{query}"'
                assert client.search(None, "X-GM-RAW", raw) == ("OK", [found])
            _, stored = client.store("1", "+X-GM-LABELS", "(\\Sent)")
            assert stored == [b"1 (X-GM-LABELS (\\Inbox \\Sent))"]
            assert client.select("Sent") == ("OK", [b"1"])
