"""The names in `imap.workarounds` reach the sessions."""

import pytest

from server.talking import imap
from support.server import ALICE, MakeServer

pytestmark = pytest.mark.slow


def test_settings_of_workarounds(make_server: MakeServer) -> None:
    server = make_server({"imap.workarounds": ["delay-newmail", "tb-extra-mailbox-sep"]})
    with imap(server, ALICE) as client, imap(server, ALICE, "Work/") as other:
        client.do(b"APPEND INBOX {3+}\r\na\r\n")
        other.do(b"APPEND INBOX {3+}\r\na\r\n")
        client.send(b"n1 STATUS Work/ (MESSAGES)\r\nn2 NOOP\r\n")
        told = b"".join(client.until(b"n2 "))
        assert told.index(b"n1 OK") < told.index(b"* 2 EXISTS")
