"""A copy of a database that others write to: one state, and equal blocks for equal pages."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from postroad.adapters.sql.sqlite import snapshot as module
from postroad.adapters.sql.sqlite.engine import SqliteEngine, connect
from postroad.adapters.sql.sqlite.snapshot import BLOCK_OCTETS, SqliteSnapshot, take_snapshot
from postroad.base.errors import MailError
from postroad.model.ids import BlobId
from stores.making import NOW, Stores, arrival, blob, email


@pytest.fixture
def busy(path: Path) -> Iterator[Path]:
    """Somebody who keeps two tables alike, in one transaction after the other."""
    with closing(connect(path, None, write=True)) as connection:
        connection.execute("CREATE TABLE a (n, t); CREATE TABLE b (n, t)")
        stop, begun = threading.Event(), threading.Event()

        def write() -> None:
            n = 0
            while not stop.is_set():
                n += 1
                connection.execute("BEGIN IMMEDIATE")
                for table in "ab":
                    connection.execute(f"INSERT INTO {table} VALUES (?, ?)", (n, "x" * 3000))  # noqa: S608
                connection.execute("COMMIT")
                begun.set()

        thread = threading.Thread(target=write)
        thread.start()
        assert begun.wait(20)
        yield path
        stop.set()
        thread.join()


async def _nothing(done: int, total: int) -> None:
    assert 0 <= done <= total


async def test_it_is_one_state(
    busy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGES_AT_ONCE", 3)
    seen = list[int]()
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        await take_snapshot(busy, folder, lambda: NOW, _nothing)
        with closing(apsw.Connection(str(folder / "snapshot.db"))) as copy:
            [(of_a, last_of_a)] = copy.execute("SELECT count(*), max(n) FROM a")
            [(of_b, last_of_b)] = copy.execute("SELECT count(*), max(n) FROM b")
            assert of_a == of_b == last_of_a == last_of_b
            seen.append(int(str(of_a)))
            assert list(copy.execute("PRAGMA integrity_check")) == [("ok",)]
        assert [file.name for file in folder.iterdir()] == ["snapshot.db"]
    assert seen == sorted(seen), "none is older than the one before"
    assert len(set(seen)) > 1, "there was writing between them"


async def test_its_blocks_are_the_file(path: Path, tmp_path: Path) -> None:
    with closing(connect(path, None, write=True)) as connection:
        connection.execute("CREATE TABLE a (t)")
        connection.execute("INSERT INTO a VALUES (?)", ("x" * 3 * BLOCK_OCTETS,))
    first = await _taken(path, tmp_path / "first")
    blocks = [block async for block in first.blocks()]
    assert b"".join(blocks) == (tmp_path / "first/snapshot.db").read_bytes()
    assert sum(map(len, blocks)) == first.octets
    assert {len(block) for block in blocks[:-1]} == {BLOCK_OCTETS}
    with closing(connect(path, None, write=True)) as connection:
        connection.execute("INSERT INTO lease VALUES ('a', 'b', 1)")
    second = [block async for block in (await _taken(path, tmp_path / "second")).blocks()]
    assert len(set(blocks) & set(second)) >= 2, "most of it is as it was"


async def test_its_references(
    stores: Stores, engine: SqliteEngine, path: Path, tmp_path: Path
) -> None:
    blobs = sorted(blob() for _ in range(5))
    for name in ("alice", "bob"):
        account = await stores.account(name)
        inbox = (await stores.mailbox(account)).mailbox_id
        emails = [arrival(email(blob_id=one)) for one in blobs]
        await stores.mail.append(account, inbox, emails)
    taken = await _taken(path, tmp_path / "taken")
    later = arrival(email(blob_id=blob()))
    await stores.mail.append(account, inbox, [later])
    assert await taken.references(BlobId(b""), 3) == blobs[:3], "each once"
    assert await taken.references(blobs[2], 3) == blobs[3:]
    assert await taken.references(blobs[4], 3) == []


async def test_what_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(MailError):
        await _taken(path, tmp_path / "taken")


async def _taken(path: Path, folder: Path) -> SqliteSnapshot:
    await asyncio.to_thread(folder.mkdir)
    return await take_snapshot(path, folder, lambda: NOW, _nothing)
