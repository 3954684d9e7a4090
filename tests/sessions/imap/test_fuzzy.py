"""SEARCH=FUZZY (RFC 6203) where there is an index: its ranking is the relevancy."""

from dataclasses import replace

import pytest

from core.search.world import Inline
from postroad.adapters.memory.search import MemorySearchIndex
from postroad.core.mailbox.cache import SnapshotCache
from postroad.core.search.indexer import Indexer
from postroad.core.search.service import TextSearch
from sessions.imap.clients import Clients
from sessions.imap.memory import ALICE

MAIL = (
    b"Subject: x\r\n\r\nit concatenates\r\n",
    b"Subject: x\r\n\r\na cat\r\n",
    b"From: Cat <cat@x.org>\r\nSubject: x\r\n\r\nnone\r\n",
    b"Subject: Re: cat\r\n\r\nnone\r\n",
    b"Subject: x\r\n\r\na dog\r\n",
)


@pytest.fixture
async def clients() -> Clients:
    made = Clients()
    index = MemorySearchIndex()
    store, blobs = made.mail, made.mail.blobs
    search = TextSearch(store, blobs, SnapshotCache(store), Inline(), index)
    made.services = replace(made.services, search=search)
    await made.prepare("mailbox INBOX")
    for octets in MAIL:
        await store.put(store.box().mailbox_id, octets)
    indexer = Indexer(store, blobs, index, Inline())
    indexer.wake(ALICE.account_id)
    await indexer.work()
    await made.send("", b"a SELECT INBOX\r\n")
    return made


async def _said(clients: Clients, command: bytes) -> bytes:
    return (await clients.send("", b"s %b\r\n" % command))[""]


async def test_relevancy_is_the_ranking_of_the_index(clients: Clients) -> None:
    clients.mail.blobs.blobs.clear()  # nothing is read
    said = await _said(clients, b"SEARCH RETURN (RELEVANCY ALL) FUZZY TEXT cat")
    assert said.startswith(b'* ESEARCH (TAG "s") ALL 1:4 RELEVANCY (1 23 69 100)\r\n')
    said = await _said(clients, b"UID SORT RETURN (PARTIAL 1:2) (RELEVANCY) UTF-8 FUZZY TEXT cat")
    assert b"PARTIAL (1:2 4,3)" in said
    said = await _said(clients, b"SEARCH FUZZY (OR BODY dog BODY cat) NOT FUZZY TEXT concatenates")
    assert said.startswith(b"* SEARCH 2 5\r\n")


async def test_an_exact_search_beside_it_is_verified(clients: Clients) -> None:
    said = await _said(clients, b'SEARCH FUZZY TEXT "cat a"')
    assert said.startswith(b"* SEARCH 1 2 3 4\r\n")
    said = await _said(clients, b'SEARCH TEXT "a cat" FUZZY TEXT "cat a"')
    assert said.startswith(b"* SEARCH 2\r\n")
