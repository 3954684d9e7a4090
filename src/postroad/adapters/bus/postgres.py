"""The bus over LISTEN and NOTIFY of PostgreSQL, on a connection of its own.

It needs the server itself: a PgBouncer that pools transactions carries no notifications.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from postroad.adapters.bus.link import Heard, LinkLost, NodeLink, Publish

_CHANNEL = "postroad_news"
_SECONDS = 10
_TROUBLES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError)


class PostgresLink(NodeLink):
    def __init__(self, node: str, url: str) -> None:
        super().__init__(node)
        self._url = url

    @asynccontextmanager
    async def _connected(self, heard: Heard) -> AsyncIterator[Publish]:
        def hear(connection: Any, pid: int, channel: str, payload: str) -> None:
            try:
                heard(base64.b64decode(payload, validate=True))
            except ValueError:
                heard(b"")

        try:
            connection = await asyncpg.connect(
                self._url, timeout=_SECONDS, command_timeout=_SECONDS, statement_cache_size=0
            )
        except _TROUBLES as error:
            raise LinkLost(str(error) or type(error).__name__) from error
        try:
            await connection.add_listener(_CHANNEL, hear)

            async def publish(octets: bytes) -> None:
                text = base64.b64encode(octets).decode()
                await connection.execute("SELECT pg_notify($1, $2)", _CHANNEL, text)

            yield publish
        except _TROUBLES as error:
            raise LinkLost(str(error) or type(error).__name__) from error
        finally:
            connection.terminate()
            await asyncio.sleep(0)  # the connection's own callbacks
