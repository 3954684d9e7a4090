"""The bus over PUBLISH and SUBSCRIBE of Redis or Valkey, also behind Sentinel or in a cluster."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import RedisError

from postroad.adapters.bus.link import Heard, LinkLost, NodeLink, Publish

SCHEMES = ("redis", "rediss", "redis+sentinel", "rediss+sentinel")
_SECONDS = 10
_SENTINEL_PORT = 26379
_TROUBLES = (RedisError, OSError, TimeoutError)


class RedisLink(NodeLink):
    """`redis://HOST`; a cluster, all of whose nodes carry what one is told: any one of them.

    `redis+sentinel://HOST,HOST/SERVICE` asks sentinels for the primary.
    """

    def __init__(self, node: str, url: str, installation: str) -> None:
        """Raises `ValueError` for what is no address of that kind."""
        super().__init__(node)
        self._url = url
        self._channel = f"postroad:{installation}:news"
        check_redis(url)

    @asynccontextmanager
    async def _connected(self, heard: Heard) -> AsyncIterator[Publish]:
        try:
            async with (
                _client(self._url) as client,
                client.pubsub(ignore_subscribe_messages=True) as subscribed,
            ):
                await subscribed.subscribe(self._channel)

                async def publish(octets: bytes) -> None:
                    await client.publish(self._channel, octets)

                async with asyncio.TaskGroup() as group:
                    listening = group.create_task(_listen(subscribed, heard))
                    yield publish
                    listening.cancel()
        except* _TROUBLES as group_of:
            raise LinkLost(_first(group_of)) from group_of


async def _listen(subscribed: Any, heard: Heard) -> None:  # Any: a client without full types
    while True:
        message = await subscribed.get_message(timeout=_SECONDS)
        if message is not None and isinstance(message["data"], bytes):
            heard(message["data"])


def _first(group: BaseExceptionGroup[BaseException]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


def check_redis(url: str) -> None:
    """Raises `ValueError`, without the URL's text, which may hold a password."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.netloc.rpartition("@")[2]:
        raise ValueError("is not an address of Redis")
    if "sentinel" in parts.scheme:
        _sentinels(url)
        service, _, database = parts.path.strip("/").partition("/")
        if not service:
            raise ValueError("names sentinels but no service: redis+sentinel://HOST,HOST/SERVICE")
        if database and not database.isdecimal():
            raise ValueError("names a database that is no number")


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[Redis]:
    options: dict[str, Any] = {  # Any: options of many types
        "socket_timeout": _SECONDS,
        "socket_connect_timeout": _SECONDS,
    }
    parts = urlsplit(url)
    if "sentinel" not in parts.scheme:
        async with Redis.from_url(url, **options) as client:
            yield client
        return
    if parts.scheme.startswith("rediss"):
        options["ssl"] = True
    service, _, database = parts.path.strip("/").partition("/")
    async with AsyncExitStack() as stack:
        sentinel: Any = Sentinel(  # type: ignore[no-untyped-call]
            _sentinels(url),
            sentinel_kwargs=options,
            username=parts.username,
            password=parts.password,
            db=int(database or 0),
            **options,
        )
        for one in sentinel.sentinels:
            stack.push_async_callback(one.aclose)
        primary: Redis = sentinel.master_for(service)
        yield await stack.enter_async_context(primary)


def _sentinels(url: str) -> list[tuple[str, int]]:
    found = []
    for host in urlsplit(url).netloc.rpartition("@")[2].split(","):
        one = urlsplit(urlunsplit(("redis", host, "", "", "")))
        if not one.hostname:
            raise ValueError("names a sentinel without a host")
        found.append((one.hostname, one.port or _SENTINEL_PORT))
    return found
