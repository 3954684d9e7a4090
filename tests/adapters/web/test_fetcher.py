"""Fetching files for users, and what must never be fetched."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from adapters.web.zone import Zone
from postroad.adapters.web.fetcher import WebFetcher, is_public
from postroad.base.errors import Invalid, MailError, TooLarge


@asynccontextmanager
async def site() -> AsyncIterator[int]:
    async def file(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 100, content_type="image/png")

    async def inward(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://169.254.169.254/latest/meta-data/")

    async def around(request: web.Request) -> web.Response:
        raise web.HTTPFound("/around")

    app = web.Application()
    app.router.add_get("/a file.png", file)
    app.router.add_get("/inward", inward)
    app.router.add_get("/around", around)
    runner = web.AppRunner(app)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def fetcher(port: int, *allowed: str) -> WebFetcher:
    return WebFetcher(
        Zone("127.0.0.1"),
        may_connect=lambda address: address in allowed,
        ports=frozenset({port, 80}),
    )


async def test_a_file_with_its_name_and_type() -> None:
    async with site() as port:
        found = await fetcher(port, "127.0.0.1").fetch(
            f"http://files.test:{port}/a%20file.png", 1000
        )
    assert (found.octets, found.media_type, found.filename) == (
        b"x" * 100,
        "image/png",
        "a file.png",
    )


async def test_a_file_over_the_limit() -> None:
    async with site() as port:
        with pytest.raises(TooLarge):
            await fetcher(port, "127.0.0.1").fetch(f"http://files.test:{port}/a%20file.png", 99)


async def test_a_name_that_leads_inside_is_not_connected_to() -> None:
    async with site() as port:
        with pytest.raises(Invalid, match="could not be reached"):
            await fetcher(port).fetch(f"http://files.test:{port}/a%20file.png", 1000)


async def test_a_redirect_to_the_inside_is_not_followed() -> None:
    async with site() as port:
        with pytest.raises(Invalid, match="not a public address"):
            await fetcher(port, "127.0.0.1").fetch(f"http://files.test:{port}/inward", 1000)


async def test_a_redirect_keeps_to_the_schemes() -> None:
    async with site() as port:
        strict = WebFetcher(
            Zone("127.0.0.1"),
            may_connect=lambda _: True,
            ports=None,
            schemes=frozenset({"https"}),
        )
        with pytest.raises(Invalid, match="only https URLs"):
            await strict.fetch(f"http://files.test:{port}/a%20file.png", 1000)


async def test_redirects_in_a_circle_end() -> None:
    async with site() as port:
        with pytest.raises(Invalid, match="redirects more than"):
            await fetcher(port, "127.0.0.1").fetch(f"http://files.test:{port}/around", 1000)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/",
        "http://10.1.2.3/",
        "http://example.test:22/",
        "http://user:secret@example.test/",
        "ftp://example.test/",
        "file:///etc/passwd",
        "gopher://example.test/",
        "http://",
        "http://[::1",
        "not a url",
        "http://example.test/" + "a" * 3000,
    ],
)
async def test_what_is_refused_before_a_connection(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        await WebFetcher(Zone("127.0.0.1")).fetch(url, 1000)
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value, MailError)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("::ffff:93.184.216.34", True),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104  # an address to be refused
        ("fe80::1", False),
        ("fc00::1", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public
