"""Redis as a bus."""

import pytest

from adapters.bus.link_contract import LinkContract, MakeLink, listening, loses_and_finds
from postroad.adapters.bus.redis import RedisLink, check_redis
from support.ports import HOST
from support.services import Service, redis_server, sentinel

__all__ = ["redis_server", "sentinel"]


@pytest.fixture
def make_link(redis_server: Service) -> MakeLink:
    return lambda node: RedisLink(node, f"redis://{HOST}:{redis_server.port}", "house")


TestRedisLink = LinkContract


async def test_a_server_that_dies_and_comes_back(
    make_link: MakeLink, redis_server: Service
) -> None:
    await loses_and_finds(make_link, redis_server)


async def test_sentinels_name_the_primary(sentinel: Service) -> None:
    url = f"redis+sentinel://{HOST}:1,{HOST}:{sentinel.port}/mail/0"
    async with listening(lambda node: RedisLink(node, url, "house"), "north", "south") as both:
        both[0].bus.share_queue()
        await both[1].bus.queue.wait()


async def test_installations_hear_nothing_of_each_other(redis_server: Service) -> None:
    url = f"redis://{HOST}:{redis_server.port}"
    async with (
        listening(lambda node: RedisLink(node, url, "one"), "a", "b") as (a, b),
        listening(lambda node: RedisLink(node, url, "two"), "c") as (c,),
    ):
        a.bus.share_queue()
        await b.bus.queue.wait()
        assert not c.bus.queue.is_set()


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "http://h",
        "redis+sentinel://h:1",
        "redis+sentinel://:1/x",
        "redis+sentinel://h/x/y",
        "redis://u@",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(is not an address|names)"):
        check_redis(url)
