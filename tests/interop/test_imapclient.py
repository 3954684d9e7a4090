"""IMAPClient: CONDSTORE, IDLE, MOVE, special-use mailboxes."""

import secrets
from collections.abc import Iterator
from typing import Any

import imapclient
import pytest

from support.server import ALICE, RunningServer

pytestmark = pytest.mark.real

Client = Any  # the library is not typed


def _client(server: RunningServer) -> Client:
    made = imapclient.IMAPClient(
        "localhost", server.ports["imaps"], ssl_context=server.tls(), timeout=20
    )
    made.login(ALICE, server.passwords[ALICE])
    return made


@pytest.fixture
def client(shared_server: RunningServer) -> Iterator[Client]:
    made = _client(shared_server)
    yield made
    made.logout()


@pytest.fixture
def mailbox(client: Client) -> str:
    """An empty mailbox with a name beyond ASCII, selected."""
    name = f"\u6536\u4ef6 & \u00fc {secrets.token_hex(4)}"
    client.create_folder(name)
    client.select_folder(name)
    return name


def _subjects(client: Client) -> list[bytes]:
    got = client.fetch(client.search(), ["ENVELOPE"])
    return [one[b"ENVELOPE"].subject for one in got.values()]


def test_names_beyond_ascii(client: Client, mailbox: str) -> None:
    assert mailbox in [name for _, _, name in client.list_folders()]
    client.rename_folder(mailbox, mailbox + "!")
    assert client.folder_exists(mailbox + "!")
    client.delete_folder(mailbox + "!")
    assert not client.folder_exists(mailbox + "!")


def test_special_mailboxes(client: Client) -> None:
    for flag, name in ((b"\\Sent", "Sent"), (b"\\Trash", "Trash"), (b"\\Drafts", "Drafts")):
        assert client.find_special_folder(flag) == name


def test_condstore(client: Client, mailbox: str) -> None:
    for subject in ("one", "two"):
        client.append(mailbox, f"Subject: {subject}\r\n\r\n".encode())
    client.noop()
    got = client.fetch([1, 2], ["MODSEQ", "FLAGS"])
    highest = max(one[b"MODSEQ"][0] for one in got.values())
    client.add_flags([2], [imapclient.FLAGGED, b"$Later"])
    changed = client.fetch([1, 2], ["FLAGS"], modifiers=[f"CHANGEDSINCE {highest}"])
    assert list(changed) == [2]
    told = set(changed[2][b"FLAGS"]) - {imapclient.RECENT}
    assert told == {imapclient.FLAGGED, b"$Later"}
    assert client.search(["MODSEQ", str(highest + 1)]) == [2]
    assert client.folder_status(mailbox, ["HIGHESTMODSEQ"])[b"HIGHESTMODSEQ"] > highest


def test_move(client: Client, mailbox: str) -> None:
    target = f"Target-{secrets.token_hex(4)}"
    client.create_folder(target)
    for subject in ("one", "two", "three"):
        client.append(mailbox, f"Subject: {subject}\r\n\r\n".encode())
    client.noop()
    client.move([1, 3], target)
    assert _subjects(client) == [b"two"]
    client.select_folder(target, readonly=True)
    assert _subjects(client) == [b"one", b"three"]


def test_idle_tells_of_a_change_by_another(
    client: Client, mailbox: str, shared_server: RunningServer
) -> None:
    other = _client(shared_server)
    client.idle()
    other.append(mailbox, b"Subject: x\r\n\r\n")
    told: list[Any] = []
    while (1, b"EXISTS") not in told:
        news = client.idle_check(timeout=10)
        assert news, told
        told += news
    other.select_folder(mailbox)
    other.delete_messages([1])
    other.expunge()
    while (1, b"EXPUNGE") not in told:
        news = client.idle_check(timeout=10)
        assert news, told
        told += news
    client.idle_done()
    other.logout()


def test_gather_facts_of_a_nested_message(client: Client, mailbox: str) -> None:
    octets = (
        b"Subject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHi\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nDeep\r\n--b--\r\n"
    )
    client.append(mailbox, octets)
    client.noop()
    got = client.fetch([1], ["BODYSTRUCTURE", "BODY[2.HEADER]", "BODY[2.TEXT]", "RFC822"])[1]
    assert got[b"BODYSTRUCTURE"].is_multipart
    assert got[b"BODY[2.HEADER]"] == b"Subject: inner\r\n\r\n"
    assert got[b"BODY[2.TEXT]"] == b"Deep"
    assert got[b"RFC822"] == octets
