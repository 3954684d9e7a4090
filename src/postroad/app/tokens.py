"""Who is asked about access tokens, as the settings have it."""

from pathlib import Path

from postroad.adapters.oauth.rules import TokenRules
from postroad.adapters.web.fetcher import WebFetcher, is_public
from postroad.app.program import Program
from postroad.base.errors import TryLater
from postroad.base.secret import Secret
from postroad.config.settings import OauthSettings
from postroad.ports.tokens import TokenVerifier
from postroad.sessions.sasl.exchange import OauthHint


def token_verifier(program: Program) -> TokenVerifier | None:
    """None where no token is taken."""
    settings = program.settings.auth.oauth
    rules = TokenRules(settings.issuer, settings.audience, settings.username_claim, settings.scope)
    fetcher = WebFetcher(
        program.resolver,
        may_connect=_anywhere if settings.private_networks else is_public,
        ports=None,  # the URLs are the operator's
        schemes=frozenset({"http", "https"} if settings.private_networks else {"https"}),
    )
    if settings.jwks:
        from postroad.adapters.oauth.jwks import JwksVerifier  # where it is set only: it is large

        return JwksVerifier(rules, _KeySource(program, fetcher).load, program.clock)
    if settings.introspection:
        from postroad.adapters.oauth.introspection import IntrospectingVerifier

        client = settings.client_id, Secret(settings.client_secret)
        return IntrospectingVerifier(rules, fetcher, settings.introspection, client, program.clock)
    return None


def oauth_hint(settings: OauthSettings) -> OauthHint | None:
    """What a client without a good token is told (RFC 7628 section 3.2.2)."""
    if not settings.jwks and not settings.introspection:
        return None
    has_metadata = settings.issuer.startswith("https://")
    path = "/.well-known/openid-configuration"
    return OauthHint(settings.scope, settings.issuer.rstrip("/") + path if has_metadata else "")


_MAX_KEYS_OCTETS = 1 << 20


class _KeySource:
    """The issuer's keys: from the web, or from a file that the operator keeps."""

    def __init__(self, program: Program, fetcher: WebFetcher) -> None:
        self._place = program.settings.auth.oauth.jwks
        self._tasks = program.tasks
        self._fetcher = fetcher

    async def load(self) -> bytes:
        if "://" in self._place:
            return (await self._fetcher.fetch(self._place, _MAX_KEYS_OCTETS)).octets
        try:
            return await self._tasks.offload(Path(self._place).read_bytes)
        except OSError as error:
            raise TryLater(f"{self._place} cannot be read: {error.strerror}") from error


def _anywhere(address: str) -> bool:
    return True
