"""Introspection (RFC 7662) at an issuer that speaks HTTP on this machine."""

from collections.abc import Iterator

import pytest

from adapters.web.zone import Zone
from core.house import Watch
from postroad.adapters.oauth.introspection import IntrospectingVerifier
from postroad.adapters.oauth.rules import TokenRules
from postroad.adapters.web.fetcher import WebFetcher
from postroad.base.errors import AuthenticationFailed, TryLater
from postroad.base.secret import Secret
from support.issuer import CLIENT, Issuer, running_issuer

ALICE = "alice@example.test"
ANY = TokenRules("", "")
TOKEN = "2YotnFZFEjr1zCsicMWpAA"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as one:
        yield one


def verifier(
    issuer: Issuer, rules: TokenRules = ANY, secret: str = CLIENT[1]
) -> IntrospectingVerifier:
    return IntrospectingVerifier(
        rules,
        WebFetcher(Zone("127.0.0.1"), may_connect=lambda _: True, ports=None),
        f"{issuer.url}/introspect",
        (CLIENT[0], Secret(secret)),
        Watch(),
    )


async def test_a_token_that_holds(issuer: Issuer) -> None:
    issuer.known[TOKEN] = {"active": True, "email": ALICE, "username": "alice"}
    assert (await verifier(issuer).verify(Secret(TOKEN))).name == ALICE
    by_name = verifier(issuer, TokenRules("", "", "username"))
    assert (await by_name.verify(Secret(TOKEN))).name == "alice"
    issuer.known[TOKEN]["active"] = False  # it is asked anew each time
    with pytest.raises(AuthenticationFailed):
        await verifier(issuer).verify(Secret(TOKEN))


@pytest.mark.parametrize(
    "told",
    [
        {"active": False},
        {"active": "true", "email": ALICE},
        {"active": True},
        {"active": True, "email": ALICE, "exp": 1},
        {"active": True, "email": ALICE, "nbf": 9_999_999_999},
        {"active": True, "email": ALICE, "iss": "https://else.example"},
        {"active": True, "email": ALICE, "aud": "else", "iss": "https://login.example"},
        {"active": True, "email": ALICE, "email_verified": False},
    ],
)
async def test_tokens_that_do_not_hold(issuer: Issuer, told: dict[str, object]) -> None:
    issuer.known[TOKEN] = told
    strict = verifier(issuer, TokenRules("https://login.example", "mail"))
    with pytest.raises(AuthenticationFailed):
        await strict.verify(Secret(TOKEN))
    with pytest.raises(AuthenticationFailed):
        await strict.verify(Secret("x" * 10_000))


async def test_an_issuer_that_does_not_know_us_or_does_not_answer(issuer: Issuer) -> None:
    with pytest.raises(TryLater):
        await verifier(issuer, secret="wrong").verify(Secret(TOKEN))
    issuer.status = 500
    with pytest.raises(TryLater):
        await verifier(issuer).verify(Secret(TOKEN))
    issuer.url = "http://127.0.0.1:1"
    with pytest.raises(TryLater):
        await verifier(issuer).verify(Secret(TOKEN))
    inside = WebFetcher(Zone("127.0.0.1"), ports=None)
    guarded = IntrospectingVerifier(ANY, inside, "http://127.0.0.1/", ("a", Secret("b")), Watch())
    with pytest.raises(TryLater):
        await guarded.verify(Secret(TOKEN))
