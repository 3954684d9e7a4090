"""Tokens that are JWTs (RFC 7519, RFC 9068), checked with the issuer's public keys (RFC 7517)."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

import jwt

from postroad.adapters.oauth.rules import MAX_TOKEN, TokenRules, facts
from postroad.base.errors import AuthenticationFailed, MailError, TryLater
from postroad.base.moments import Moment, after
from postroad.base.secret import Secret
from postroad.ports.clock import Clock
from postroad.ports.tokens import TokenFacts, TokenVerifier

log = logging.getLogger(__name__)

_MAX_KEYS = 100
_SHORTEST = timedelta(minutes=1)  # between two looks at the source, whatever tokens come
_LONGEST = timedelta(hours=1)  # a key that was withdrawn is known no longer than this
_LEEWAY_SECONDS = 30
# Security: none of these takes a public key for a shared secret, or no key at all (RFC 8725
# section 3.1). The value is what the key must be.
_ALGORITHMS = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "PS384": ("RSA", None),
    "PS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
# Interop: RFC 9068 section 2.1 wants at+jwt, and most issuers write JWT or nothing. A token for
# another purpose, such as an ID token, has another audience.
_TYPES = ("", "jwt", "at+jwt", "application/at+jwt")

Load = Callable[[], Awaitable[bytes]]
"""Gives the set of keys as JSON. Raises `MailError`."""


class JwksVerifier(TokenVerifier):
    """Keeps the keys, and looks for new ones when a token names one that is unknown."""

    def __init__(self, rules: TokenRules, load: Load, clock: Clock) -> None:
        self._rules = rules
        self._load = load
        self._clock = clock
        self._keys: list[dict[str, object]] = []
        self._looked_at: Moment | None = None
        self._is_fresh_until = Moment(0)
        self._looking = asyncio.Lock()

    async def verify(self, token: Secret) -> TokenFacts:
        if len(token.octets()) > MAX_TOKEN:
            raise AuthenticationFailed("the token is too long")
        try:
            header = jwt.get_unverified_header(token.reveal())
        except jwt.PyJWTError as error:
            raise AuthenticationFailed("the token is no JWT") from error
        algorithm, key_id = str(header.get("alg", "")), header.get("kid")
        if algorithm not in _ALGORITHMS:
            raise AuthenticationFailed("the token is signed by an algorithm that is not taken")
        if str(header.get("typ", "")).lower() not in _TYPES:
            raise AuthenticationFailed("the token is of another type")
        return facts(
            self._claims(token, await self._key(algorithm, key_id), algorithm), self._rules
        )

    def _claims(self, token: Secret, key: dict[str, object], algorithm: str) -> dict[str, object]:
        try:
            claims: dict[str, object] = jwt.decode(
                token.reveal(),
                jwt.PyJWK(key, algorithm),
                algorithms=[algorithm],
                audience=self._rules.audience,
                issuer=self._rules.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["iss", "aud", "exp"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise AuthenticationFailed("the token does not hold") from error
        return claims

    async def _key(self, algorithm: str, key_id: object) -> dict[str, object]:
        """The one key that a token names, or the only one that it can be signed with."""
        found = self._fitting(algorithm, key_id) if self._is_fresh() else []
        if not found:
            await self._refresh()
            found = self._fitting(algorithm, key_id)
        if len(found) != 1:
            raise AuthenticationFailed("the token's key is not known")
        return found[0]

    def _fitting(self, algorithm: str, key_id: object) -> list[dict[str, object]]:
        kind, curve = _ALGORITHMS[algorithm]
        return [
            key
            for key in self._keys
            if key.get("kty") == kind
            and (curve is None or key.get("crv") == curve)
            and key.get("use", "sig") == "sig"
            and key.get("alg", algorithm) == algorithm
            and (key_id is None or key.get("kid") == key_id)
        ]

    def _is_fresh(self) -> bool:
        return self._clock.now() < self._is_fresh_until

    async def _refresh(self) -> None:
        """Read the source, at most once a minute. Raises `TryLater` when there are no keys.

        Only those wait who lack a key, and all of them for the same answer.
        """
        async with self._looking:
            now = self._clock.now()
            if self._looked_at is None or now >= after(self._looked_at, _SHORTEST):
                self._looked_at = now
                await self._look(now)
        if not self._is_fresh():
            raise TryLater("the issuer's keys cannot be had now")

    async def _look(self, now: Moment) -> None:
        """What cannot be read now leaves the keys from before, for as long as they are fresh."""
        try:
            self._keys = _read(await self._load())
            self._is_fresh_until = after(now, _LONGEST)
        except MailError as error:
            log.warning("the issuer's keys cannot be read", extra={"why": str(error)})


def _read(octets: bytes) -> list[dict[str, object]]:
    try:
        found = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise TryLater("the set of keys is no JSON") from error
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list):
        raise TryLater("the set of keys has none")
    return [key for key in keys[:_MAX_KEYS] if isinstance(key, dict)]
