"""LISTEN and NOTIFY as a bus."""

from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from adapters.bus.link_contract import LinkContract, MakeLink, listening, until
from postroad.adapters.bus.postgres import PostgresLink
from support.postgres import Server, postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

_END = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@pytest.fixture
def make_link(postgres_url: str) -> MakeLink:
    return lambda node: PostgresLink(node, postgres_url)


TestPostgresLink = LinkContract


async def test_a_connection_that_is_lost_is_made_again(
    make_link: MakeLink, postgres_url: str
) -> None:
    async with listening(make_link, "north", "south") as (north, south):
        north.bus.has_missed()
        admin = await asyncpg.connect(postgres_url)
        await admin.execute(_END)
        await admin.close()
        await until(lambda: not north.link.is_up)
        await north.is_up()
        assert north.bus.has_missed(), "what was told in between"
        await south.is_up()
        north.bus.announce_all()
        await until(lambda: north.link.is_up and south.link.is_up)
        north.bus.share_queue()
        await until(south.bus.queue.is_set)


async def test_while_it_is_down_everybody_looks_now_and_then(
    postgres_server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    link = PostgresLink("north", f"postgresql://x@/x?host={quote(str(tmp_path))}")
    assert link.has_missed()
    assert not link.has_missed(), "not all the time"


async def test_nonsense_is_logged(
    make_link: MakeLink, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(make_link, "north", "south") as (north, south):
        admin = await asyncpg.connect(postgres_url)
        for text in ("", "?", "AAAA", "k8DA"):
            await admin.execute("SELECT pg_notify('postroad_news', $1)", text)
        await admin.close()
        south.bus.share_queue()
        await until(north.bus.queue.is_set)
    assert "what cannot be understood" in caplog.text
