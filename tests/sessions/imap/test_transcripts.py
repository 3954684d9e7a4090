"""Every conversation in transcripts/ must go as written."""

from pathlib import Path

import pytest

from sessions.imap.clients import Clients
from transcript import play

FILES = sorted((Path(__file__).parent / "transcripts").rglob("*.txt"))


_ABOUT_HEADERS = [path for path in FILES if path.stem in ("fetch", "thread", "header_fields")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_transcript(path: Path) -> None:
    clients = Clients()
    await play(path, clients.send, clients.prepare)


@pytest.mark.parametrize("path", _ABOUT_HEADERS, ids=lambda path: path.stem)
async def test_the_same_of_messages_whose_rows_are_old(path: Path) -> None:
    clients = Clients()

    async def prepare(text: str) -> None:
        await clients.prepare(text)
        await clients.prepare("old rows")

    await play(path, clients.send, prepare)
