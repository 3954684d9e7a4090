"""Bringing the index forward."""

import logging
from collections.abc import Sequence

import pytest

from core.search.world import ALICE, World
from postroad.adapters.memory.search import MemorySearchIndex
from postroad.base.errors import LowSpace
from postroad.core.search import indexer as module
from postroad.model.ids import AccountId, EmailId
from postroad.stores.search import MessageText, Scope

MESSAGE = b"Subject: Cat\r\n\r\nA dog\r\n"


class Observed(MemorySearchIndex):
    """Counts batches, and fails as told."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.is_full = False
        self.loses_all = False

    async def index(
        self,
        account: AccountId,
        after: EmailId,
        texts: Sequence[MessageText],
        up_to: EmailId,
    ) -> EmailId:
        if self.is_full:
            raise LowSpace("for a test")
        if self.loses_all:
            self.loses_all = False
            await self.forget(account)
        self.batches.append(len(texts))
        return await super().index(account, after, texts, up_to)


def world_with() -> tuple[World, Observed, module.Indexer]:
    index = Observed()
    world = World(index)
    assert world.indexer is not None
    return world, index, world.indexer


async def candidates(index: MemorySearchIndex, needle: str, scope: Scope) -> int:
    found = await index.candidates(ALICE, needle, scope)
    assert found is not None
    return len(found.email_ids)


async def test_folded_texts_are_indexed_once() -> None:
    world, index, indexer = world_with()
    await world.add(*[MESSAGE] * 250)
    await indexer.work()
    assert index.batches == []
    await world.bring_forward()
    assert index.batches == [100, 100, 50]
    assert await candidates(index, "subject: cat", Scope.HEADER) == 250
    assert await candidates(index, "a dog", Scope.BODY) == 250
    assert await candidates(index, "cat", Scope.BODY) == 0
    await world.bring_forward()
    assert sum(index.batches) == 250
    await world.add(MESSAGE)
    await world.bring_forward()
    assert index.batches[3:] == [1]


async def test_few_new_messages_are_left_for_later() -> None:
    world, index, indexer = world_with()
    await world.add(*[MESSAGE] * 50)
    for _ in range(49):
        indexer.note(ALICE)
    await indexer.work()
    assert index.batches == []
    indexer.note(ALICE)
    await indexer.work()
    assert index.batches == [50]
    indexer.note(ALICE)
    await indexer.work()
    assert index.batches == [50]


async def test_batches_are_bounded_by_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH_OCTETS", 50)
    world, index, _ = world_with()
    await world.add(*[MESSAGE] * 5)
    await world.bring_forward()
    assert index.batches == [2, 2, 1]


async def test_a_message_with_much_text_is_always_a_candidate() -> None:
    world, index, _ = world_with()
    await world.add(MESSAGE + b"word\r\n" * 250_000 + b"end\r\n", MESSAGE)
    await world.add(MESSAGE + b"word\r\n" * 500_000 + b"end\r\n")
    await world.bring_forward()
    assert await candidates(index, "nowhere", Scope.ANYWHERE) == 2
    assert await world.body("end") == [1, 3]


async def test_a_message_that_cannot_be_read_is_always_a_candidate() -> None:
    world, index, _ = world_with()
    await world.add(MESSAGE, MESSAGE, MESSAGE)
    octets = world.blobs.blobs.pop(world.blob(2))
    await world.bring_forward()
    assert await candidates(index, "nowhere", Scope.BODY) == 1
    world.blobs.blobs[world.blob(2)] = octets
    assert await world.body("dog") == [1, 2, 3]


async def test_what_fails_waits_for_the_next_round(caplog: pytest.LogCaptureFixture) -> None:
    world, index, indexer = world_with()
    await world.add(MESSAGE)
    index.is_full = True
    with caplog.at_level(logging.WARNING):
        await world.bring_forward()
    assert "cannot be brought up to date" in caplog.text
    index.is_full = False
    await indexer.work()
    assert index.batches == [1]


async def test_an_index_that_is_lost_is_built_again() -> None:
    world, index, indexer = world_with()
    await world.add(MESSAGE, MESSAGE)
    await world.bring_forward()
    await world.add(MESSAGE)
    index.loses_all = True
    await world.bring_forward()
    assert await index.indexed_up_to(ALICE) == 0
    await indexer.work()
    assert await candidates(index, "dog", Scope.BODY) == 3


async def test_an_account_that_is_deleted() -> None:
    world, index, indexer = world_with()
    await world.add(MESSAGE)
    await world.bring_forward()
    indexer.wake(ALICE)
    await indexer.forget(ALICE)
    await indexer.work()
    assert await index.indexed_up_to(ALICE) == 0
    assert index.batches == [1]
