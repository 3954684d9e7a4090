"""Every conversation in transcripts/ must go as written."""

from pathlib import Path

import pytest

from sessions.imap.clients import Clients
from transcript import play

FILES = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_transcript(path: Path) -> None:
    clients = Clients()
    await play(path, clients.send, clients.prepare)
