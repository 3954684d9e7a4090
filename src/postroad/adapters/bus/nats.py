"""The bus over subjects of NATS. Their order and their loss do not matter, so no JetStream."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import nats
from nats.errors import Error as NatsError

from postroad.adapters.bus.link import Heard, LinkLost, NodeLink, Publish

SCHEMES = ("nats", "tls")
_SECONDS = 10
_TROUBLES = (NatsError, OSError, TimeoutError)


class NatsLink(NodeLink):
    """`nats://user:password@HOST:PORT`, with TLS `tls://`; several servers with commas between."""

    def __init__(self, node: str, url: str, installation: str) -> None:
        """Raises `ValueError` for what is no address of that kind."""
        super().__init__(node)
        self._servers = nats_servers(url)
        self._subject = f"postroad.{installation}.news"

    @asynccontextmanager
    async def _connected(self, heard: Heard) -> AsyncIterator[Publish]:
        async def hear(message: Any) -> None:
            heard(message.data)

        try:
            # It is made anew here, so that everybody is told; not behind our back.
            client = await nats.connect(
                self._servers,
                allow_reconnect=False,
                connect_timeout=_SECONDS,
                error_cb=_ignore,
                max_reconnect_attempts=1,
            )
        except _TROUBLES as error:
            raise LinkLost(str(error) or type(error).__name__) from error
        try:
            await client.subscribe(self._subject, cb=hear)

            async def publish(octets: bytes) -> None:
                await client.publish(self._subject, octets)
                await client.flush(_SECONDS)

            yield publish
        except _TROUBLES as error:
            raise LinkLost(str(error) or type(error).__name__) from error
        finally:
            await client.close()


async def _ignore(error: Exception) -> None:
    """The client tells its troubles here as well as to whoever asked it; once is enough."""


def nats_servers(url: str) -> list[str]:
    """Raises `ValueError`, without the URL's text, which may hold a password."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    if parts.scheme not in SCHEMES or not all(hosts.split(",")):
        raise ValueError("is not an address of NATS")
    return [f"{parts.scheme}://{user}{at}{host}" for host in hosts.split(",")]
