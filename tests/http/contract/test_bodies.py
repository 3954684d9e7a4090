"""Bodies within limits."""

import pytest
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message

from postroad.base.errors import TryLater
from postroad.http.contract.bodies import Body, BodyBudget
from postroad.http.contract.problems import RequestError


class Peer:
    def __init__(self, *chunks: bytes, hangs_up: bool = False) -> None:
        self.messages: list[Message] = [
            {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
        ]
        if hangs_up:
            self.messages.append({"type": "http.disconnect"})
        else:
            self.messages.append({"type": "http.request"})

    async def receive(self) -> Message:
        return self.messages.pop(0)


async def test_a_body_comes_in_chunks() -> None:
    body = Body(Headers({}), 10, BodyBudget(0))
    assert await body.read(Peer(b"abc", b"", b"def").receive) == b"abcdef"


@pytest.mark.parametrize("length", ["11", "99999999999999999"])
async def test_what_is_announced_too_large_is_not_read(length: str) -> None:
    peer = Peer(b"abc")
    with pytest.raises(RequestError):
        await Body(Headers({"content-length": length}), 10, BodyBudget(0)).read(peer.receive)
    assert len(peer.messages) == 2


async def test_a_peer_that_hangs_up() -> None:
    with pytest.raises(ClientDisconnect):
        await Body(Headers({}), 10, BodyBudget(0)).read(Peer(b"abc", hangs_up=True).receive)


async def test_room_is_given_back() -> None:
    budget = BodyBudget(150_000)
    first = Body(Headers({}), 200_000, budget)
    await first.read(Peer(b"x" * 100_000).receive)
    second = Body(Headers({}), 200_000, budget)
    with pytest.raises(TryLater):
        await second.read(Peer(b"x" * 50_000, b"x" * 50_000).receive)
    second.close()
    first.close()
    first.close()
    third = Body(Headers({}), 200_000, budget)
    assert len(await third.read(Peer(b"x" * 140_000).receive)) == 140_000
