"""Words found fuzzily: the index alone says where they are, and only what it lacks is read."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from core.search.world import ALICE, World
from postroad.adapters.fts.index import FtsSearchIndex
from postroad.adapters.memory.search import MemorySearchIndex
from postroad.base.errors import TryLater
from postroad.model.ids import AccountId
from postroad.stores.search import Ranked, SearchIndex

MAIL = (
    b"Subject: the cat sleeps\r\n\r\nnone\r\n",
    b"Subject: none\r\n\r\nThe cat sleeps\r\n",
    b"Subject: none\r\n\r\nIt sleeps, says concatenate\r\n",
    b"Subject: dog\r\n\r\ndog\r\n",
)


@pytest.fixture(params=["memory", "fts"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    index: SearchIndex = (
        MemorySearchIndex() if request.param == "memory" else FtsSearchIndex(tmp_path)
    )
    made = World(index)
    await made.add(*MAIL)
    await made.bring_forward()
    yield made
    if isinstance(index, FtsSearchIndex):
        await index.close()


async def _words(world: World, text: str, *, in_header: bool = True) -> dict[int, float]:
    found = await world.search.with_words(
        ALICE, world.inbox, world.uids(), text, in_header=in_header
    )
    return {int(uid): score for uid, score in found.items()}


async def test_no_message_is_read_that_the_index_knows(world: World) -> None:
    world.mail.blobs.blobs.clear()
    found = await _words(world, "SLEEPS  cat")
    assert sorted(found, key=found.__getitem__) == [3, 2, 1]
    assert found[1] == 1
    assert found.keys() == (await _words(world, "Cat sleeps cat")).keys()
    assert (await _words(world, "cat", in_header=False)).keys() == {2, 3}
    assert await _words(world, "cat dog") == {}
    assert await _words(world, "nobody") == {}


async def test_what_came_after_the_index_is_read(world: World) -> None:
    await world.add(*MAIL)
    found = await _words(world, "cat sleeps")
    assert found.keys() == {1, 2, 3, 5, 6, 7}
    # What was read is ranked too: the whole text before its words alone.
    assert found[5] == found[6] > found[7] > 0
    assert world.behind == [ALICE]


async def test_what_the_index_knows_in_part_is_read(world: World) -> None:
    long = b"Subject: long\r\n\r\n" + b"dull words\r\n" * 300_000 + b"hamster\r\n"
    await world.add(long)
    await world.bring_forward()
    assert (await _words(world, "hamster")).keys() == {5}
    assert (await _words(world, "dull words")).keys() == {5}


async def test_texts_without_words(world: World) -> None:
    assert (await _words(world, "")).keys() == {1, 2, 3, 4}
    assert (await _words(world, ",")).keys() == {3}  # it has to be read
    assert (await _words(world, "sleeps ,")).keys() == {1, 2, 3}  # or is passed over
    assert await _words(world, "word " * 100) == {}


class Broken(MemorySearchIndex):
    async def ranked(
        self, account: AccountId, words: Sequence[str], *, in_header: bool
    ) -> Ranked | None:
        raise TryLater("for a test")


@pytest.mark.parametrize("index", [None, Broken()])
async def test_without_an_index_messages_are_read(index: SearchIndex | None) -> None:
    world = World(index)
    await world.add(*MAIL)
    found = await _words(world, "cat sleeps")
    assert found.keys() == {1, 2, 3}
    assert found[1] == found[2] > found[3]
    assert (await _words(world, "cat", in_header=False)).keys() == {2, 3}
