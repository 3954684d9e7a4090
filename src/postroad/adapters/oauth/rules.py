"""What a token must say to hold here, however it was asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from postroad.base.errors import AuthenticationFailed
from postroad.ports.tokens import TokenFacts

MAX_TOKEN = 9216
"""Octets; the longest that a response of SASL holds."""


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Empty texts ask for nothing."""

    issuer: str
    audience: str
    username_claim: str = "email"
    scope: str = ""  # one that it must have


def facts(claims: Mapping[str, object], rules: TokenRules) -> TokenFacts:
    """Who is meant. Raises `AuthenticationFailed`, saying why for the log only."""
    if rules.issuer and claims.get("iss") != rules.issuer:
        raise AuthenticationFailed("the token is of another issuer")
    if rules.audience and rules.audience not in _words(claims.get("aud"), split=False):
        raise AuthenticationFailed("the token is for another service")
    granted = _words(claims.get("scope")) | _words(claims.get("scp"))
    if rules.scope and rules.scope not in granted:
        raise AuthenticationFailed("the token lacks the scope")
    name = claims.get(rules.username_claim)
    if not isinstance(name, str) or not name:
        raise AuthenticationFailed(f"the token has no {rules.username_claim}")
    # Security: whoever may write any address into a profile would be that person here.
    if rules.username_claim == "email" and claims.get("email_verified", True) is not True:
        raise AuthenticationFailed("the issuer has not verified the address")
    return TokenFacts(name)


def _words(value: object, *, split: bool = True) -> frozenset[str]:
    """A claim that is one text or a list of them."""
    if isinstance(value, str):
        return frozenset(value.split() if split else (value,))
    if isinstance(value, list):
        return frozenset(one for one in value if isinstance(one, str))
    return frozenset()
