"""Substrings in messages: what is found, and that an index changes nothing but the time."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.search.world import ALICE, World
from postroad.adapters.fts.index import FtsSearchIndex
from postroad.adapters.memory.search import MemorySearchIndex
from postroad.base.errors import TryLater
from postroad.model.comparator import Comparator
from postroad.model.ids import AccountId, Uid
from postroad.stores.search import EVERYTHING, Candidates, Scope, SearchIndex

HELLO = (
    b"From: Alice <alice@x.org>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n"
    b"Hello, \r\nworld\r\n"
)
OTHER = b"From: bob@x.org\r\nSubject: Other\r\nX-Empty:\r\n\r\n<b>World</b> of mail\r\n"
THIRD = b"Subject: Third\r\nContent-Transfer-Encoding: base64\r\n\r\nVGhlIHdvcmxk\r\n"


@pytest.fixture(params=["without", "memory", "fts"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    index: SearchIndex | None = None
    if request.param == "memory":
        index = MemorySearchIndex()
    elif request.param == "fts":
        index = FtsSearchIndex(tmp_path)
    made = World(index)
    await made.add(HELLO, OTHER)
    if index is not None:
        await made.bring_forward()
    # One message always comes after the index.
    await made.add(THIRD)
    yield made
    if isinstance(index, FtsSearchIndex):
        await index.close()


async def test_bodies(world: World) -> None:
    assert await world.body("WORLD") == [1, 2, 3]
    assert await world.body("hello, world") == [1]
    assert await world.body("the w") == [3]
    assert await world.body("alice") == []
    assert await world.body("VGhl") == []
    assert await world.body("") == [1, 2, 3]


async def test_texts(world: World) -> None:
    assert await world.text("alice") == [1]
    assert await world.text("GRÜSSE") == [1]
    assert await world.text("gru\u0308") == [1]
    assert await world.text("world") == [1, 2, 3]
    assert await world.text("thir") == [3]
    assert await world.text("nothing of it") == []
    assert await world.text("@") == [1, 2]


async def test_header_fields(world: World) -> None:
    assert await world.header("from", "ALICE") == [1]
    assert await world.header("from", "x.org") == [1, 2]
    assert await world.header("to", "x.org") == []
    assert await world.header("subject", "grüße") == [1]
    assert await world.header("subject", "") == [1, 2, 3]
    assert await world.header("x-empty", "") == [2]
    assert await world.header("x-empty", "a") == []
    assert await world.header("bäh", "") == []


async def test_only_the_case_of_ascii_is_set_aside(world: World) -> None:
    """i;ascii-casemap (RFC 4790 section 9.2.1)."""
    how = Comparator.ASCII
    assert await world.header("subject", "GRüßE", how) == [1]
    assert await world.header("subject", "GRÜSSE", how) == []
    assert await world.header("from", "ALICE", how) == [1]
    assert await world.text("subject: gRüß", how) == [1]
    assert await world.text("u\u0308", how) == []
    assert await world.body("hello, \r\nWORLD", how) == [1]
    assert await world.body("hello, world", how) == []  # the line break is there


async def test_only_of_what_is_asked_for(world: World) -> None:
    found = await world.search.with_text(
        ALICE, world.inbox, [Uid(2), Uid(3), Uid(77)], "world", in_header=True
    )
    assert found == [2, 3]


async def test_a_message_that_cannot_be_read_matches_only_what_is_certain(world: World) -> None:
    del world.blobs.blobs[world.blob(1)]
    assert await world.body("hello, world") == []
    assert await world.body("world") == ([2, 3] if world.index is None else [1, 2, 3])
    assert await world.header("received", "") == []
    assert await world.header("subject", "gr") == ([] if world.index is None else [1])


async def test_an_account_that_is_behind_is_told_of() -> None:
    world = World(MemorySearchIndex())
    await world.add(HELLO)
    await world.body("world")
    assert world.behind == [ALICE]
    await world.bring_forward()
    await world.body("world")
    assert world.behind == [ALICE]


class Broken(MemorySearchIndex):
    async def candidates(
        self, account: AccountId, needle: str, scope: Scope, within: range = EVERYTHING
    ) -> Candidates | None:
        raise TryLater("for a test")


async def test_without_its_index_a_search_takes_longer_and_finds_the_same() -> None:
    world = World(Broken())
    await world.add(HELLO, OTHER)
    assert await world.text("other") == [2]


async def test_many_and_large_messages() -> None:
    world = World(None)
    large = b"Subject: large\r\n\r\n" + b"some words in a line\r\n" * 150_000
    await world.add(*[OTHER] * 700, large, large + b"needle\r\n", *[OTHER] * 300)
    assert await world.body("needle") == [702]
    assert len(await world.header("subject", "other")) == 1000


WORDS = st.text("aäß. -\n漢", max_size=12)
FIELD = st.text("ab@ .", max_size=8).map(lambda text: text.encode())
MESSAGE = st.builds(
    lambda subject, body: b"Subject: %b\r\n\r\n%b" % (subject, body.encode()), FIELD, WORDS
)
NEEDLE = st.text("aäßA. -@\n漢b", max_size=4)


@given(
    st.lists(MESSAGE, min_size=1, max_size=6),
    st.integers(0, 6),
    st.lists(NEEDLE, min_size=1, max_size=4),
)
@settings(max_examples=60, deadline=None)
def test_an_index_whole_or_half_built_changes_nothing(
    messages: list[bytes], half: int, needles: list[str]
) -> None:
    asyncio.run(_compare(messages, half, needles))


async def _compare(messages: list[bytes], half: int, needles: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        indexes = [FtsSearchIndex(Path(name, str(number))) for number in range(2)]
        scanned, whole, partial = World(None), World(indexes[0]), World(indexes[1])
        await scanned.add(*messages)
        await whole.add(*messages)
        await whole.bring_forward()
        await partial.add(*messages[:half])
        await partial.bring_forward()
        await partial.add(*messages[half:])
        for needle in needles:
            for world in (whole, partial):
                for how in Comparator:
                    assert await world.body(needle, how) == await scanned.body(needle, how)
                    assert await world.text(needle, how) == await scanned.text(needle, how)
                    found = await world.header("subject", needle, how)
                    assert found == await scanned.header("subject", needle, how)
        for index in indexes:
            await index.close()


async def test_addresses_without_their_comments(world: World) -> None:
    """RFC 9051 section 6.4.4: FROM and the like look at the field of the envelope."""
    await world.add(b"From: Eve (a (b)) <eve (comment)@ (comment) y.org>\r\n\r\nx\r\n")
    assert await world.header("from", "eve@y.org") == [4]
    assert await world.header("from", "<eve@y.org>") == [4]
    assert await world.header("from", "comment") == [4]
    assert await world.header("subject", "eve@y.org") == []


async def test_addresses_without_their_comments_in_an_index(tmp_path: Path) -> None:
    index = FtsSearchIndex(tmp_path)
    world = World(index)
    await world.add(b"From: <eve (comment)@ (comment) y.org>\r\n\r\nx\r\n", OTHER)
    await world.bring_forward()
    assert await world.header("from", "eve@y.org") == [1]
    await index.close()


ODD_FIELDS = (
    b"From: Eve (a (b)) <eve (comment)@ (comment) y.org>\r\n\r\nx\r\n",
    b"FROM: eve@y.org\r\nfrom: =?utf-8?q?J=C3=BCrgen?= <j@y.org>\r\n\r\nx\r\n",
    b"From:\r\nSubject: \r\n\r\nx\r\n",
    b"Subject: two\r\n lines\r\nTo: eve@y.org,\r\n\tx@y.org\r\n\r\nx\r\n",
    b"Subject: " + b"long " * 2000 + b"end\r\nBcc: eve\r\n\r\nx\r\n",
    b"no header at all",
)
FIELD_NEEDLES = (
    "eve", "eve@y.org", "<eve@y.org>", "comment", "j\u00dcRGEN", "two lines", "org, x", "end", "",
)  # fmt: skip


async def test_an_index_of_fields_changes_nothing(tmp_path: Path) -> None:
    index = FtsSearchIndex(tmp_path)
    scanned, *others = World(None), World(index), World(MemorySearchIndex())
    for world in (scanned, *others):
        await world.add(*ODD_FIELDS)
    for world in others:
        await world.bring_forward()
        await world.add(*ODD_FIELDS[:2])
    await scanned.add(*ODD_FIELDS[:2])
    for field in ("from", "to", "cc", "bcc", "subject", "x-other"):
        for needle in FIELD_NEEDLES:
            expected = await scanned.header(field, needle)
            assert [await world.header(field, needle) for world in others] == [expected] * 2
    assert await scanned.header("from", "eve@y.org") == [1, 2, 7, 8]
    await index.close()


async def test_an_index_is_asked_of_a_part_of_a_mailbox(tmp_path: Path) -> None:
    index = FtsSearchIndex(tmp_path)
    world, scanned = World(index), World(None)
    for each in (world, scanned):
        await each.add(*[HELLO, OTHER, THIRD] * 30)
    await world.bring_forward()
    for first in range(1, 91, 7):
        for each in (world, scanned):
            uids = [Uid(uid) for uid in range(first, first + 20)]
            found = await each.search.with_text(ALICE, each.inbox, uids, "hello", in_header=True)
            assert found == [uid for uid in uids if uid % 3 == 1 and uid <= 90]
            found = await each.search.with_header(ALICE, each.inbox, uids, "from", "bob")
            assert found == [uid for uid in uids if uid % 3 == 2 and uid <= 90]
    await index.close()
