"""Every conversation between people who share mailboxes must go as written."""

from pathlib import Path

import pytest

from sessions.imap.neighbours import Neighbours
from transcript import play

FILES = sorted((Path(__file__).parent / "sharing").glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_transcript(path: Path, tmp_path: Path) -> None:
    neighbours = await Neighbours(tmp_path).move_in()
    await play(path, neighbours.send, neighbours.prepare)
