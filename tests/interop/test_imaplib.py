"""Python's own IMAP client."""

import imaplib
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from interop.inbox import logged_in
from support.server import ALICE, BOB, RunningServer

pytestmark = pytest.mark.real


@pytest.fixture
def client(shared_server: RunningServer) -> Iterator[imaplib.IMAP4_SSL]:
    """Alice, with an empty mailbox of a test's own selected."""
    with logged_in(shared_server, ALICE) as client:
        name = f"Test-{secrets.token_hex(6)}"
        _ok(client.create(name))
        _ok(client.select(name))
        client.mailbox_of_test = name  # type: ignore[attr-defined]  # to find it again below
        yield client


def _ok(answer: tuple[str, Any]) -> Any:  # lines, or pairs of a line and a literal
    assert answer[0] == "OK", answer
    return answer[1]


def _append(client: imaplib.IMAP4_SSL, subject: str, flags: str = "") -> None:
    text = f"From: {BOB}\r\nTo: {ALICE}\r\nSubject: {subject}\r\n\r\nThe text of {subject}\r\n"
    date = '"20-Nov-2026 10:00:00 +0000"'
    _ok(client.append(client.mailbox_of_test, flags, date, text.encode()))


def test_starttls_and_a_wrong_password(shared_server: RunningServer) -> None:
    with imaplib.IMAP4("localhost", shared_server.ports["imap"]) as client:
        assert "LOGINDISABLED" in client.capabilities
        with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):
            client.login(BOB, shared_server.passwords[BOB])
        client.starttls(shared_server.tls())
        assert "LOGINDISABLED" not in client.capabilities
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            client.login(BOB, "wrong")
        client.login(BOB, shared_server.passwords[BOB])


def test_authenticate_plain(shared_server: RunningServer) -> None:
    secret = f"\0{BOB}\0{shared_server.passwords[BOB]}".encode()
    with imaplib.IMAP4_SSL(
        "localhost", shared_server.ports["imaps"], ssl_context=shared_server.tls()
    ) as client:
        _ok(client.authenticate("PLAIN", lambda _: secret))
        assert client.state == "AUTH"


def test_append_search_fetch(client: imaplib.IMAP4_SSL) -> None:
    _append(client, "first", r"(\Seen)")
    _append(client, "second")
    _ok(client.noop())
    assert _ok(client.search(None, "UNSEEN")) == [b"2"]
    assert _ok(client.search(None, "SUBJECT", "first", "SINCE", "19-Nov-2026")) == [b"1"]
    assert _ok(client.search(None, "BODY", '"text of second"')) == [b"2"]
    got = _ok(client.fetch("1:*", "(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])"))
    assert b"\\Seen" in got[0][0]
    assert b'INTERNALDATE "20-Nov-2026 10:00:00 +0000"' in got[0][0]
    assert b"Subject: second" in got[2][1]
    text = _ok(client.uid("FETCH", "2", "(BODY[TEXT])"))
    assert text[0][1] == b"The text of second\r\n"
    assert _ok(client.search(None, "SEEN")) == [b"1 2"]


def test_store_copy_expunge(client: imaplib.IMAP4_SSL) -> None:
    for subject in ("a", "b", "c"):
        _append(client, subject)
    _ok(client.noop())
    assert b"$Work" in _ok(client.store("1:2", "+FLAGS", r"(\Flagged $Work)"))[0]
    _ok(client.store("1", "-FLAGS.SILENT", "($Work)"))
    assert _ok(client.search(None, "KEYWORD", "$Work")) == [b"2"]
    other = client.mailbox_of_test + "/Copies"
    assert client.copy("2", other)[0] == "NO"
    assert b"TRYCREATE" in client.response("TRYCREATE")[0].encode()
    _ok(client.create(other))
    _ok(client.copy("1:2", other))
    assert client.untagged_responses.get("COPYUID") or client.response("COPYUID")
    _ok(client.store("2", "+FLAGS", r"(\Deleted)"))
    assert _ok(client.expunge()) == [b"2"]
    assert _ok(client.status(other, "(MESSAGES UIDNEXT)"))[0].endswith(b"(MESSAGES 2 UIDNEXT 3)")


def test_mailboxes(client: imaplib.IMAP4_SSL) -> None:
    name = client.mailbox_of_test
    _ok(client.create(f"{name}/A/B"))
    _ok(client.rename(f"{name}/A", f"{name}/C"))
    _ok(client.subscribe(f"{name}/C/B"))
    listed = b"\n".join(one for one in _ok(client.list(f"{name}/", "*")) if isinstance(one, bytes))
    assert f"{name}/C/B".encode() in listed
    assert f"{name}/A".encode() not in listed
    assert any(f"{name}/C/B".encode() in one for one in _ok(client.lsub(f"{name}/", "*")))
    _ok(client.delete(f"{name}/C/B"))
    _ok(client.unsubscribe(f"{name}/C/B"))


def test_idle_by_hand(client: imaplib.IMAP4_SSL, shared_server: RunningServer) -> None:
    client.send(b"t1 IDLE\r\n")
    assert client.readline().startswith(b"+ ")
    with logged_in(shared_server, ALICE) as other:
        name = client.mailbox_of_test
        _ok(other.append(name, "", "", b"Subject: news\r\n\r\n"))
        lines = [client.readline()]
        while b"EXISTS" not in lines[-1]:
            lines.append(client.readline())
        assert lines[-1] == b"* 1 EXISTS\r\n"
        _ok(other.select(name))
        _ok(other.store("1", "+FLAGS", r"(\Flagged)"))
        while b"Flagged" not in lines[-1]:
            lines.append(client.readline())
        assert lines[-1].startswith(b"* 1 FETCH ")
    client.send(b"DONE\r\n")
    while not lines[-1].startswith(b"t1 "):
        lines.append(client.readline())
    assert lines[-1].startswith(b"t1 OK")
