"""Tokens of any form, checked by asking the issuer (RFC 7662)."""

import json
from abc import abstractmethod
from collections.abc import Mapping
from typing import Protocol

from postroad.adapters.oauth.rules import MAX_TOKEN, TokenRules, facts
from postroad.base.errors import AuthenticationFailed, MailError, TryLater
from postroad.base.secret import Secret
from postroad.ports.clock import Clock
from postroad.ports.tokens import TokenFacts, TokenVerifier

_MAX_OCTETS = 65_536


class Posting(Protocol):
    @abstractmethod
    async def post_form(
        self, url: str, fields: Mapping[str, str], user: str, password: Secret, max_octets: int
    ) -> bytes:
        """The body of a 200. Raises `MailError`."""
        ...


class IntrospectingVerifier(TokenVerifier):
    """Asks anew for each login, so a token that was revoked opens nothing more."""

    def __init__(
        self,
        rules: TokenRules,
        posting: Posting,
        url: str,
        client: tuple[str, Secret],
        clock: Clock,
    ) -> None:
        """`client` is our own id and secret at the issuer."""
        self._rules = rules
        self._posting = posting
        self._url = url
        self._client = client
        self._clock = clock

    async def verify(self, token: Secret) -> TokenFacts:
        if len(token.octets()) > MAX_TOKEN:
            raise AuthenticationFailed("the token is too long")
        user, password = self._client
        fields = {"token": token.reveal(), "token_type_hint": "access_token"}
        try:
            answer = await self._posting.post_form(self._url, fields, user, password, _MAX_OCTETS)
            claims = json.loads(answer)
        except (MailError, ValueError, RecursionError) as error:
            raise TryLater("the issuer does not answer now") from error
        if not isinstance(claims, dict) or claims.get("active") is not True:
            raise AuthenticationFailed("the token does not hold")
        self._check_time(claims)
        return facts(claims, self._rules)

    def _check_time(self, claims: Mapping[str, object]) -> None:
        """The issuer has judged it; this is for answers that come from a cache of its own."""
        now = self._clock.now() / 1_000_000
        expires, begins = claims.get("exp"), claims.get("nbf")
        if isinstance(expires, int | float) and now >= expires:
            raise AuthenticationFailed("the token has expired")
        if isinstance(begins, int | float) and now + 30 < begins:
            raise AuthenticationFailed("the token does not hold yet")
