"""Opening a file: ours, someone else's, a newer one, a damaged one, none at all."""

from pathlib import Path

import apsw
import pytest

from adapters.sql.sqlite.faulty_vfs import faulty_vfs
from postroad.adapters.sql.migrations import migrations
from postroad.adapters.sql.sqlite import engine as sqlite
from postroad.adapters.sql.sqlite.engine import SqliteEngine, migrate
from postroad.adapters.sql.statement import Run, Sql, Steps
from postroad.base.errors import Invalid, LowSpace, TryLater


def ask() -> Steps[int]:
    return len((yield Run(Sql("SELECT name FROM mailbox"), {})))


def test_once_is_enough(tmp_path: Path) -> None:
    assert migrate(tmp_path / "mail.db") == migrations()
    assert migrate(tmp_path / "mail.db") == []


def test_a_newer_database_is_refused(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("INSERT INTO migration VALUES (9999, 'future', 'x')")
    connection.close()
    with pytest.raises(Invalid, match="newer"):
        migrate(path)


def test_another_history_is_refused(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE migration SET checksum = 'other' WHERE number = 1")
    connection.close()
    with pytest.raises(Invalid, match="differs"):
        migrate(path)


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    octets = b"These are my notes.\n" * 300
    path.write_bytes(octets)
    with pytest.raises(Invalid, match=r"notes\.txt|not a database"):
        migrate(path)
    assert path.read_bytes() == octets


def test_a_database_of_another_program_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE mailbox (it_is_mine TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(Invalid, match="another program"):
        migrate(path)
    assert path.read_bytes() == before
    connection = apsw.Connection(str(path))
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema")]
    connection.close()
    assert names == ["mailbox"]


def test_a_damaged_file_is_said_to_be_damaged(path: Path) -> None:
    spoil(path, 100, 4096)  # the root of the schema, not the header
    with pytest.raises((TryLater, Invalid), match=r"malformed|corrupt|not a database"):
        migrate(path)


@pytest.mark.parametrize("place", ["missing/mail.db", "."])
def test_a_place_where_no_file_can_be(tmp_path: Path, place: str) -> None:
    with pytest.raises(Invalid, match="cannot be opened"):
        migrate(tmp_path / place)


def test_a_read_only_folder(tmp_path: Path) -> None:
    with faulty_vfs() as faults:
        faults.read_only = True
        with pytest.raises(Invalid, match="cannot be opened"):
            migrate(tmp_path / "mail.db", faults.name)


def test_a_full_disk(tmp_path: Path) -> None:
    with faulty_vfs() as faults:
        faults.full = True
        with pytest.raises(LowSpace):
            migrate(tmp_path / "mail.db", faults.name)


def test_a_locked_database(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_BUSY_MILLISECONDS", 10)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TryLater):
        migrate(path)
    other.execute("ROLLBACK")
    other.close()
    assert migrate(path) == []


async def test_an_engine_over_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    """It says so each time, and works as soon as it can."""
    path = tmp_path / "later" / "mail.db"
    engine = SqliteEngine(path)
    for call in (engine.read, engine.write, engine.read):
        with pytest.raises(TryLater):
            await call(ask)
    path.parent.mkdir()
    migrate(path)
    assert await engine.write(ask) == 0
    assert await engine.read(ask) == 0
    await engine.close()


async def test_an_engine_over_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"These are my notes.\n" * 300)
    engine = SqliteEngine(path)
    for call in (engine.read, engine.write):
        with pytest.raises(Invalid):
            await call(ask)
    await engine.close()


def spoil(path: Path, start: int, end: int) -> None:
    octets = bytearray(path.read_bytes())
    octets[start:end] = b"\xff" * len(octets[start:end])
    path.write_bytes(octets)


async def test_a_file_that_is_damaged_under_way(path: Path) -> None:
    spoil(path, 4096, 2**30)
    engine = SqliteEngine(path)
    with pytest.raises(TryLater):
        await engine.read(ask)
    assert await engine.check() != []
    await engine.close()
