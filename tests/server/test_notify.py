"""NOTIFY over a socket (RFC 5465): a client that says nothing hears at once."""

from server.talking import deliver, imap
from support.server import ALICE, BOB, RunningServer

_MESSAGE = b"Subject: news\r\n\r\nHello\r\n"


def test_mail_is_told_between_commands(shared_server: RunningServer) -> None:
    with imap(shared_server, BOB) as client:
        wanted = b"(SELECTED (MessageNew (UID BODY.PEEK[HEADER.FIELDS (Subject)]) MessageExpunge))"
        assert client.do(b"NOTIFY SET " + wanted).startswith(b"t OK")
        assert client.is_silent()
        assert deliver(shared_server, BOB, _MESSAGE).startswith(b"250")
        said = b"".join(client.until(b")"))
        assert b" EXISTS\r\n" in said
        assert b"Subject: news\r\n" in said
        assert client.do(b"NOTIFY NONE").startswith(b"t OK")
        assert deliver(shared_server, BOB, _MESSAGE).startswith(b"250")
        assert client.is_silent()


def test_other_mailboxes_and_annotations(shared_server: RunningServer) -> None:
    with imap(shared_server, ALICE, "Elsewhere") as client, imap(shared_server, ALICE) as other:
        wanted = (
            b"(PERSONAL (MessageNew MessageExpunge MailboxName MailboxMetadataChange"
            b" ServerMetadataChange))"
        )
        assert client.do(b"NOTIFY SET " + wanted).startswith(b"t OK")
        assert deliver(shared_server, ALICE, _MESSAGE).startswith(b"250")
        assert client.until(b"* STATUS")[-1].startswith(b"* STATUS INBOX (UIDNEXT ")
        assert other.do(b"CREATE Notified").startswith(b"t OK")
        assert b" Notified" in client.until(b"* LIST")[-1]
        assert other.do(b'SETMETADATA Notified (/shared/comment "x")').startswith(b"t OK")
        assert client.until(b"* METADATA")[-1] == b"* METADATA Notified /shared/comment\r\n"
        assert other.do(b'SETMETADATA "" (/private/comment "x")').startswith(b"t OK")
        assert client.until(b"* METADATA")[-1] == b'* METADATA "" /private/comment\r\n'
        assert other.do(b"DELETE Notified").startswith(b"t OK")
        assert b"\\NonExistent" in client.until(b"* LIST")[-1]
        assert client.do(b"NOOP").startswith(b"t OK")


def test_shared_annotations_wake_who_idles(shared_server: RunningServer) -> None:
    """Those of the server lie with an account that is nobody's."""
    with imap(shared_server, BOB) as client, imap(shared_server, ALICE) as administrator:
        assert client.do(b"ENABLE METADATA").startswith(b"t OK")
        client.send(b"t IDLE\r\n")
        client.until(b"+")
        answer = administrator.do(b'SETMETADATA "" (/shared/comment "maintenance at noon")')
        assert answer.startswith(b"t OK")
        assert client.until(b"* METADATA")[-1] == b'* METADATA "" /shared/comment\r\n'
        client.send(b"DONE\r\n")
        assert client.until(b"t ")[-1].startswith(b"t OK")
