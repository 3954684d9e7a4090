"""The index over FTS5: the contract, and what a file of its own can go through."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from postroad.adapters.fts import database, shelf
from postroad.adapters.fts.index import FtsSearchIndex
from postroad.base.errors import LowSpace, TryLater
from postroad.model.ids import AccountId, EmailId
from postroad.stores.search import MessageText, Scope
from stores.search_contract import ALICE, NONE, SearchIndexContract, fill, found, text


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[FtsSearchIndex]:
    made = FtsSearchIndex(tmp_path / "search", max_open=2)
    yield made
    await made.close()
    await made.close()


class TestFtsSearchIndex(SearchIndexContract):
    async def test_it_is_there_after_a_restart(self, tmp_path: Path) -> None:
        first = FtsSearchIndex(tmp_path)
        await fill(first, text(1, "", "cat"))
        await first.close()
        with pytest.raises(TryLater):
            await first.indexed_up_to(ALICE)
        second = FtsSearchIndex(tmp_path)
        assert await second.indexed_up_to(ALICE) == 1
        assert await found(second, "cat") == {1}
        await second.close()

    async def test_a_question_makes_no_file(self, index: FtsSearchIndex, tmp_path: Path) -> None:
        assert await index.candidates(ALICE, "cat", Scope.BODY) is None
        await index.remove(ALICE, [EmailId(1)])
        assert list((tmp_path / "search").iterdir()) == []

    @pytest.mark.parametrize("garbage", [b"no database at all" * 500, b"SQLite format 3\0" * 500])
    async def test_a_damaged_file_is_begun_anew(
        self, tmp_path: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / f"{ALICE}.db").write_bytes(garbage)
        index = FtsSearchIndex(tmp_path)
        with caplog.at_level(logging.WARNING):
            assert await index.indexed_up_to(ALICE) == NONE
        assert "made anew" in caplog.text
        await fill(index, text(1, "", "cat"))
        assert await found(index, "cat") == {1}
        await index.close()

    async def test_damage_inside_of_a_file(self, tmp_path: Path) -> None:
        index = FtsSearchIndex(tmp_path)
        numbers = range(1, 2000)
        await fill(index, *(text(n, "", f"word{n} " * 5) for n in numbers))
        await index.close()
        path = tmp_path / f"{ALICE}.db"
        octets = path.read_bytes()
        path.write_bytes(octets[:8192] + bytes(len(octets) - 8192))
        index = FtsSearchIndex(tmp_path)
        # The rows of the index are gone, so it says that it knows nothing.
        candidates = await index.candidates(ALICE, "word1999", Scope.BODY)
        assert candidates is not None
        assert candidates.indexed_up_to == NONE
        # And a batch that would follow on the old state is refused.
        assert await index.index(ALICE, EmailId(1999), [], EmailId(2000)) == NONE
        await index.close()

    async def test_a_file_of_another_version_is_begun_anew(self, tmp_path: Path) -> None:
        connection = apsw.Connection(str(tmp_path / f"{ALICE}.db"))
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        index = FtsSearchIndex(tmp_path)
        assert await index.indexed_up_to(ALICE) == NONE
        await index.close()

    async def test_a_file_deleted_while_it_is_open(
        self, index: FtsSearchIndex, tmp_path: Path
    ) -> None:
        await fill(index, text(1, "", "cat"))
        (tmp_path / "search" / f"{ALICE}.db").unlink()
        assert await index.indexed_up_to(ALICE) == NONE
        await fill(index, text(1, "", "cat"))
        assert await found(index, "cat") == {1}

    async def test_few_files_are_open(self, tmp_path: Path) -> None:
        index = FtsSearchIndex(tmp_path, max_open=2, threads=4)
        accounts = [AccountId(number) for number in range(1, 9)]
        for number in (1, 2, 3):
            await asyncio.gather(
                *(fill(index, text(number, "", "cat"), account=each) for each in accounts)
            )
            assert len(index._shelf._slots) <= 2
        for account in accounts:
            assert await found(index, "cat", account=account) == {1, 2, 3}
        await index.close()

    async def test_searches_beside_a_batch(self, index: FtsSearchIndex) -> None:
        texts = [text(number, "", "some words " * 50) for number in range(1, 500)]
        await fill(index, text(1, "", "cat"))
        results = await asyncio.gather(
            index.index(ALICE, EmailId(1), texts[1:], EmailId(499)),
            *(found(index, "cat") for _ in range(5)),
        )
        assert results == [499, *[{1}] * 5]

    async def test_a_batch_is_all_or_nothing(self, index: FtsSearchIndex) -> None:
        await fill(index, text(1, "", "cat"))
        bad = MessageText(EmailId(3), "", "\ud800")
        with pytest.raises(UnicodeEncodeError):
            await index.index(ALICE, EmailId(1), [text(2, "", "cat"), bad], EmailId(3))
        assert await index.indexed_up_to(ALICE) == 1
        assert await found(index, "cat") == {1}

    async def test_too_many_terms_and_messages_are_not_named(
        self, index: FtsSearchIndex, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await fill(index, *(text(n, "", f"word{n} same") for n in range(1, 1200)))
        assert len(await found(index, "word")) == 1199
        monkeypatch.setattr(database, "_MOST_CANDIDATES", 1000)
        assert await index.candidates(ALICE, "same", Scope.BODY) is None
        monkeypatch.setattr(database, "_MOST_TERMS", 1000)
        assert await index.candidates(ALICE, "word", Scope.BODY) is None
        assert await found(index, "word1199 s") == {1199}

    @pytest.mark.parametrize(
        ("error", "told"),
        [(apsw.FullError, LowSpace), (apsw.IOError, TryLater), (apsw.CorruptError, TryLater)],
    )
    async def test_errors_in_the_words_of_the_domain(
        self,
        index: FtsSearchIndex,
        monkeypatch: pytest.MonkeyPatch,
        error: type[Exception],
        told: type[Exception],
    ) -> None:
        def fail(path: Path) -> None:
            raise error("for a test")

        monkeypatch.setattr(shelf, "Database", fail)
        with pytest.raises(told):
            await index.index(ALICE, NONE, [], EmailId(1))

    async def test_what_another_connection_indexed_is_found(self, tmp_path: Path) -> None:
        """Terms are kept in memory, but not longer than they are true."""
        first, second = FtsSearchIndex(tmp_path), FtsSearchIndex(tmp_path)
        await fill(first, text(1, "", "cat"))
        assert await found(first, "at") == {1}
        await fill(second, text(2, "", "rat"))
        assert await found(first, "at") == {1, 2}
        await fill(first, text(3, "", "bat"))
        assert await found(first, "at") == {1, 2, 3}
        assert await found(second, "at") == {1, 2, 3}
        await first.close()
        await second.close()

    async def test_a_large_vocabulary_stays_in_the_file(
        self, index: FtsSearchIndex, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "LARGEST_OCTETS", 10)
        await fill(index, text(1, "", "word cat"), text(2, "", "weird rat"))
        for _ in range(2):
            assert await found(index, "rd ") == {1, 2}
            assert await found(index, "ird r") == {2}
            assert await found(index, "ird") == {2}
        with index._shelf.borrow(ALICE) as file:
            assert file._known_terms() is None
