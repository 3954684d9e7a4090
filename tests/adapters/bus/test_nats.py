"""NATS as a bus."""

import pytest

from adapters.bus.link_contract import LinkContract, MakeLink, loses_and_finds
from postroad.adapters.bus.nats import NatsLink, nats_servers
from support.ports import HOST
from support.services import Service, nats_server

__all__ = ["nats_server"]


@pytest.fixture
def make_link(nats_server: Service) -> MakeLink:
    return lambda node: NatsLink(node, f"nats://{HOST}:{nats_server.port}", "house")


TestNatsLink = LinkContract


async def test_a_server_that_dies_and_comes_back(
    make_link: MakeLink, nats_server: Service
) -> None:
    await loses_and_finds(make_link, nats_server)


def test_several_servers() -> None:
    assert nats_servers("tls://u:p@a:1,b") == ["tls://u:p@a:1", "tls://u:p@b"]


@pytest.mark.parametrize("url", ["nats://", "http://h", "nats://a,,b", "nats://u:p@"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"^is not an address"):
        nats_servers(url)
