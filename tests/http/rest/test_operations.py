"""Health, readiness and metrics."""

import pytest

from postroad.http.rest.services import Operations
from restapi.asgi import ask
from restapi.fakes import World


async def test_health_needs_no_key() -> None:
    app = World().app()
    for target in ("/healthz", "/readyz"):
        for method in ("GET", "HEAD"):
            assert (await ask(app, method, target)).json == {"status": "ok"}


async def test_a_server_that_is_not_ready_says_why() -> None:
    async def not_ready() -> str | None:
        return "the database does not answer"

    answer = await ask(World(operations=Operations(not_ready)).app(), "GET", "/readyz")
    assert answer.problem == (503, "service_unavailable", "the database does not answer")


@pytest.mark.parametrize(
    ("peer", "status"),
    [("127.0.0.1", 200), ("::1", 200), ("::ffff:127.0.0.1", 200), ("192.0.2.1", 404), ("", 404)],
)
async def test_metrics_are_for_some_networks(peer: str, status: int) -> None:
    app = World(operations=Operations(metrics=lambda: b"up 1\n")).app()
    answer = await ask(app, "GET", "/metrics", peer=peer)
    assert answer.status == status
    if status == 200:
        assert answer.octets == b"up 1\n"
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_there_may_be_no_metrics() -> None:
    assert (await ask(World().app(), "GET", "/metrics")).problem[:2] == (404, "not_found")


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "Via"])
async def test_a_proxy_does_not_lend_its_address_for_metrics(name: str) -> None:
    """Security: behind a proxy on this machine everybody comes from 127.0.0.1."""
    app = World(operations=Operations(metrics=lambda: b"up 1\n")).app()
    answer = await ask(app, "GET", "/metrics", headers={name.lower(): "192.0.2.1"})
    assert answer.status == 404
