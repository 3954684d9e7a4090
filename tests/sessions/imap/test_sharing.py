"""Every conversation between people who share mailboxes must go as written."""

from pathlib import Path

import pytest

from postroad.adapters.sql.queue.store import SqlReferenceStore
from postroad.adapters.sql.sqlite.engine import SqliteEngine, migrate
from sessions.imap.neighbours import Neighbours, in_sql
from transcript import play

FILES = sorted((Path(__file__).parent / "sharing").glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_transcript(path: Path, tmp_path: Path) -> None:
    neighbours = await Neighbours(tmp_path).move_in()
    await play(path, neighbours.send, neighbours.prepare)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_transcript_on_sqlite(path: Path, tmp_path: Path) -> None:
    migrate(tmp_path / "mail.db")
    engine = SqliteEngine(tmp_path / "mail.db")
    try:
        neighbours = await Neighbours(tmp_path, in_sql(engine)).move_in()
        await play(path, neighbours.send, neighbours.prepare)
        assert await SqlReferenceStore(engine).check() == []
    finally:
        await engine.close()
