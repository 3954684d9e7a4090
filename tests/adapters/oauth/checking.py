"""A verifier that asks the issuer of the tests."""

from adapters.web.zone import Zone
from core.house import Watch
from postroad.adapters.oauth.jwks import JwksVerifier
from postroad.adapters.oauth.rules import TokenRules
from postroad.adapters.web.fetcher import WebFetcher
from support.issuer import AUDIENCE, Issuer


def verifier(issuer: Issuer, clock: Watch | None = None, **rules: str) -> JwksVerifier:
    fetcher = WebFetcher(Zone("127.0.0.1"), may_connect=lambda _: True, ports=None)

    async def load() -> bytes:
        return (await fetcher.fetch(f"{issuer.url}/jwks", 100_000)).octets

    return JwksVerifier(TokenRules(issuer.url, AUDIENCE, **rules), load, clock or Watch())
