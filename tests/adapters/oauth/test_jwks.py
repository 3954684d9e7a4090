"""JWTs, checked with the keys of an issuer that speaks HTTP on this machine."""

import base64
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest

from adapters.oauth.checking import verifier
from core.house import Watch
from postroad.adapters.oauth.jwks import JwksVerifier
from postroad.adapters.oauth.rules import TokenRules
from postroad.base.errors import AuthenticationFailed, TryLater
from postroad.base.secret import Secret
from support.issuer import AUDIENCE, Issuer, new_key, running_issuer

ALICE = "alice@example.test"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as one:
        yield one


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "RS512", "ES256", "EdDSA"])
async def test_a_good_token_says_whose_it_is(issuer: Issuer, algorithm: str) -> None:
    issuer.add("k2", algorithm)
    token = issuer.token(ALICE, "k2")
    assert (await verifier(issuer).verify(Secret(token))).name == ALICE


@pytest.mark.parametrize("typ", ["at+jwt", "JWT", "application/at+jwt"])
async def test_types_of_tokens(issuer: Issuer, typ: str) -> None:
    assert (await verifier(issuer).verify(Secret(issuer.token(ALICE, typ=typ)))).name == ALICE


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://else.example"},
        {"iss": None},
        {"aud": "https://else.example"},
        {"aud": ["a", "b"]},
        {"aud": None},
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"nbf": int(time.time()) + 600},
        {"iat": int(time.time()) + 600},
        {"exp": "soon"},
        {"email": None},
        {"email": ["a"]},
        {"email_verified": False},
        {"email_verified": "false"},
    ],
)
async def test_claims_that_do_not_hold(
    issuer: Issuer, claims: dict[str, Any]
) -> None:  # Any: as they come
    with pytest.raises(AuthenticationFailed):
        await verifier(issuer).verify(Secret(issuer.token(ALICE, **claims)))


async def test_an_audience_among_several_and_a_claim_of_choice(issuer: Issuer) -> None:
    token = issuer.token("x", aud=["y", AUDIENCE], preferred_username=ALICE)
    known = verifier(issuer, username_claim="preferred_username")
    assert (await known.verify(Secret(token))).name == ALICE


async def test_a_scope_that_is_asked_for(issuer: Issuer) -> None:
    known = verifier(issuer, scope="mail")
    for granted in ({"scope": "openid mail"}, {"scp": ["mail"]}):
        assert (await known.verify(Secret(issuer.token(ALICE, **granted)))).name == ALICE
    for lacking in ({}, {"scope": "mail2"}, {"scope": 1}):
        with pytest.raises(AuthenticationFailed):
            await known.verify(Secret(issuer.token(ALICE, **lacking)))


async def test_what_is_forged(issuer: Issuer) -> None:
    known = verifier(issuer)
    good = issuer.token(ALICE)
    head, body, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    public = json.loads(issuer.jwks())["keys"][0]["n"]
    other = jwt.encode(claims, new_key("RS256"), "RS256", {"kid": "r1"})
    secret = jwt.encode(claims, public + "x" * 32, "HS256", {"kid": "r1"})
    nothing = base64.urlsafe_b64encode(b'{"alg":"none","kid":"r1"}').decode().rstrip("=")
    another = jwt.encode(claims, new_key("ES256"), "ES256", {"kid": "r1"})
    for forged in (
        other,
        secret,
        another,
        f"{nothing}.{body}.",
        f"{nothing}.{body}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}.{body}.{signature[:-4]}AAAA",
        issuer.token(ALICE, typ="logout+jwt"),
        "",
        "a.b.c",
        base64.urlsafe_b64encode(b"[" * 6000).decode() + ".e30.e30",
        base64.urlsafe_b64encode(b'{"alg":"RS256","kid":[1]}').decode().rstrip("=") + ".e30.e30",
        "é",
        good + "A" * 10_000,
    ):
        with pytest.raises(AuthenticationFailed):
            await known.verify(Secret(forged))
    assert (await known.verify(Secret(good))).name == ALICE


async def test_new_keys_are_looked_for_and_not_too_often(issuer: Issuer) -> None:
    clock = Watch()
    known = verifier(issuer, clock)
    await known.verify(Secret(issuer.token(ALICE)))
    assert len(issuer.requests) == 1
    issuer.add("r2", "RS256")
    for _ in range(5):  # just looked
        with pytest.raises(AuthenticationFailed):
            await known.verify(Secret(issuer.token(ALICE, "r2")))
    assert len(issuer.requests) == 1
    clock.wait(timedelta(minutes=2))
    assert (await known.verify(Secret(issuer.token(ALICE, "r2")))).name == ALICE
    assert len(issuer.requests) == 2
    withdrawn = issuer.token(ALICE)
    del issuer.keys["r1"]
    assert (await known.verify(Secret(withdrawn))).name == ALICE
    clock.wait(timedelta(hours=1))
    with pytest.raises(AuthenticationFailed):
        await known.verify(Secret(withdrawn))
    assert len(issuer.requests) == 3


async def test_an_issuer_that_does_not_answer(issuer: Issuer) -> None:
    clock = Watch()
    known = verifier(issuer, clock)
    issuer.status = 503
    for _ in range(3):
        with pytest.raises(TryLater):
            await known.verify(Secret(issuer.token(ALICE)))
    assert len(issuer.requests) == 1
    issuer.status = 200
    clock.wait(timedelta(minutes=1))
    await known.verify(Secret(issuer.token(ALICE)))


@pytest.mark.parametrize("octets", [b"", b"[]", b"{}", b'{"keys": 1}', b"[" * 100_000])
async def test_a_set_of_keys_that_is_none(octets: bytes) -> None:
    async def load() -> bytes:
        return octets

    known = JwksVerifier(TokenRules("i", "a"), load, Watch())
    with pytest.raises(TryLater):
        await known.verify(Secret(jwt.encode({}, new_key("RS256"), "RS256")))


@pytest.mark.parametrize(
    "key",
    [1, {}, {"kty": "RSA"}, {"kty": "RSA", "n": "!", "e": 1}, {"kty": "RSA", "n": "", "e": ""}],
)
async def test_a_key_that_is_none(key: object) -> None:
    async def load() -> bytes:
        return json.dumps({"keys": [key]}).encode()

    known = JwksVerifier(TokenRules("i", "a"), load, Watch())
    with pytest.raises(AuthenticationFailed):
        await known.verify(Secret(jwt.encode({}, new_key("RS256"), "RS256")))
