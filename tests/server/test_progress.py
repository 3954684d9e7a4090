"""INPROGRESS (RFC 9585) on a connection: it leaves while the command goes on."""

import asyncio
from collections.abc import Sequence

import pytest

from postroad.core.search.service import TextSearch
from postroad.model.ids import AccountId, MailboxId, Uid
from postroad.server.connection import Connection
from postroad.server.imap import ImapConversation, ImapPatience
from postroad.server.tasks import ServerTasks
from postroad.sessions.imap.session import ImapSession
from postroad.sessions.imap.settings import Peer
from server.test_connection import Pipe, World, settle
from sessions.imap.clients import Clients


async def test_a_client_hears_of_its_search_before_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clients, go_on = Clients(), asyncio.Event()
    await clients.prepare("mailbox INBOX 3")

    async def slowly(
        _: TextSearch,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        *more: object,
        in_header: bool,
    ) -> list[Uid]:
        await go_on.wait()
        return list(uids)

    monkeypatch.setattr(TextSearch, "with_text", slowly)
    session = ImapSession(
        clients.settings, Peer("192.0.2.1"), clients.services, has_tls=True, can_start_tls=False
    )
    async with ServerTasks() as tasks:
        pipe, host = Pipe(), World(tasks).host
        connection = Connection(host, lambda _: ImapConversation(session, ImapPatience()))
        connection.connection_made(pipe)
        connection.data_received(b"a LOGIN alice@example.org secret\r\nb SELECT INBOX\r\n")
        await settle()
        assert b"b OK" in pipe.written
        pipe.written = b""
        began = asyncio.get_running_loop().time()
        connection.data_received(b"n NOOP\r\ns SEARCH TEXT x\r\n")
        await settle()
        assert pipe.written == b""  # gathered, to be written with what follows
        connection.check(began + 11)
        told = b'n OK That was nothing\r\n* OK [INPROGRESS ("s" NIL NIL)] Still working\r\n'
        assert pipe.written == told
        go_on.set()
        await settle()
        assert pipe.written.startswith(told + b"* SEARCH 1 2 3\r\ns OK ")
        connection.connection_lost(None)
        await settle()
