"""Tokens over IMAP and SMTP, of an issuer that speaks HTTP on this machine."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.oauth.checking import verifier
from core.auth.door import Door
from postroad.base.errors import AuthenticationFailed, TryLater
from postroad.base.secret import Secret
from postroad.sessions.sasl.exchange import Circumstances, OauthHint
from sessions.sasl.talking import (
    CLIENTS,
    IS_CANCELLED,
    IS_FOR_ANOTHER,
    IS_IN,
    IS_MALFORMED,
    IS_REFUSED,
    IS_UNKNOWN,
    MUST_WAIT,
    Client,
    always,
)
from support.issuer import Issuer, running_issuer

ALICE = "alice@example.test"
OAUTH = Circumstances(oauth=OauthHint("mail", "https://login.example/.well-known/x"))
both = pytest.mark.parametrize("protocol", CLIENTS)
mechanisms = pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as one:
        yield one


async def client_of(folder: Path, issuer: Issuer, protocol: str) -> Client:
    door = (await Door.make(folder)).with_tokens(verifier(issuer))
    return CLIENTS[protocol](door.authenticator, OAUTH)


class Bearer:
    """A client that has a token and keeps what it is told."""

    def __init__(self, mechanism: str, name: str, token: str, dummy: bytes | None = b"\x01"):
        wanted = f"a={name}" if name else ""
        self._said: list[bytes | None] = [
            f"n,{wanted},\x01host=x\x01auth=Bearer {token}\x01\x01".encode()
            if mechanism == "OAUTHBEARER"
            else f"user={name}\x01auth=Bearer {token}\x01\x01".encode(),
            dummy,
        ]
        self.told: dict[str, str] = {}

    def respond(self, challenge: bytes) -> bytes | None:
        if challenge:
            self.told = json.loads(challenge)
        return self._said.pop(0)


@both
@mechanisms
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_token_opens(
    tmp_path: Path, issuer: Issuer, protocol: str, mechanism: str, *, at_once: bool
) -> None:
    client = await client_of(tmp_path, issuer, protocol)
    assert mechanism in await client.announced()
    has = Bearer(mechanism, ALICE, issuer.token("Alice@Example.Test", x="y" * 3000))
    said = await client.log_in(mechanism, has.respond, at_once=at_once)
    assert said.startswith(IS_IN[protocol])
    assert client.principal is not None
    assert client.principal.account.address == ALICE


@both
async def test_the_name_may_be_left_to_the_token(
    tmp_path: Path, issuer: Issuer, protocol: str
) -> None:
    client = await client_of(tmp_path, issuer, protocol)
    has = Bearer("OAUTHBEARER", "", issuer.token(ALICE))
    assert (await client.log_in("OAUTHBEARER", has.respond)).startswith(IS_IN[protocol])


@both
@mechanisms
async def test_a_token_that_does_not_hold(
    tmp_path: Path, issuer: Issuer, protocol: str, mechanism: str
) -> None:
    client = await client_of(tmp_path, issuer, protocol)
    expired = Bearer(mechanism, ALICE, issuer.token(ALICE, exp=1))
    assert (await client.log_in(mechanism, expired.respond)).startswith(IS_REFUSED[protocol])
    told = {"scope": "mail", "openid-configuration": "https://login.example/.well-known/x"}
    if mechanism == "OAUTHBEARER":
        assert expired.told == {"status": "invalid_token", **told}
    else:
        assert expired.told == {"status": "401", "schemes": "bearer", **told}
    nobody = Bearer(mechanism, "nobody@example.test", issuer.token("nobody@example.test"), b"")
    assert (await client.log_in(mechanism, nobody.respond)).startswith(IS_REFUSED[protocol])
    assert client.principal is None


@both
@mechanisms
async def test_a_token_of_another(
    tmp_path: Path, issuer: Issuer, protocol: str, mechanism: str
) -> None:
    client = await client_of(tmp_path, issuer, protocol)
    other = Bearer(mechanism, ALICE, issuer.token("bob@example.test"))
    assert (await client.log_in(mechanism, other.respond)).startswith(IS_FOR_ANOTHER[protocol])


@both
async def test_asking_what_is_needed_and_giving_up(
    tmp_path: Path, issuer: Issuer, protocol: str
) -> None:
    client = await client_of(tmp_path, issuer, protocol)
    asks = iter([f"n,a={ALICE},\x01auth=\x01\x01".encode(), None])
    said = await client.log_in("OAUTHBEARER", lambda _: next(asks))
    assert said.startswith(IS_CANCELLED[protocol])
    for message in (b"", b"\x01", b"n,,\x01\x01"):
        said = await client.log_in("OAUTHBEARER", always(message))
        assert said.startswith(IS_MALFORMED[protocol])


@both
async def test_strangers_do_not_lock_out_who_leaves_the_name_to_the_token(
    tmp_path: Path, issuer: Issuer, protocol: str
) -> None:
    door = (await Door.make(tmp_path)).with_tokens(verifier(issuer))
    for n in range(30):
        with pytest.raises((AuthenticationFailed, TryLater)):
            await door.authenticator.bearer(
                Secret(f"guess {n}"), "", protocol="imap", peer="198.51.100.1"
            )
    client = CLIENTS[protocol](door.authenticator, OAUTH)
    has = Bearer("OAUTHBEARER", "", issuer.token(ALICE))
    assert (await client.log_in("OAUTHBEARER", has.respond)).startswith(IS_IN[protocol])


@both
async def test_an_issuer_that_does_not_answer(
    tmp_path: Path, issuer: Issuer, protocol: str
) -> None:
    client = await client_of(tmp_path, issuer, protocol)
    issuer.status = 500
    has = Bearer("OAUTHBEARER", ALICE, issuer.token(ALICE))
    assert (await client.log_in("OAUTHBEARER", has.respond)).startswith(MUST_WAIT[protocol])


@both
async def test_a_disabled_account_stays_out(tmp_path: Path, issuer: Issuer, protocol: str) -> None:
    door = (await Door.make(tmp_path)).with_tokens(verifier(issuer))
    await door.accounts.set_disabled(ALICE, disabled=True)
    client = CLIENTS[protocol](door.authenticator, OAUTH)
    has = Bearer("XOAUTH2", ALICE, issuer.token(ALICE))
    assert (await client.log_in("XOAUTH2", has.respond)).startswith(IS_REFUSED[protocol])


@both
async def test_it_is_there_only_where_it_is_set(
    tmp_path: Path, issuer: Issuer, protocol: str
) -> None:
    door = await Door.make(tmp_path)
    client = CLIENTS[protocol](door.authenticator, replace(OAUTH, oauth=None))
    assert await client.announced() == {"PLAIN", "LOGIN"}
    has = Bearer("XOAUTH2", ALICE, issuer.token(ALICE))
    assert (await client.log_in("XOAUTH2", has.respond)).startswith(IS_UNKNOWN[protocol])
    client = CLIENTS[protocol](door.authenticator, OAUTH)  # announced by mistake
    has = Bearer("XOAUTH2", ALICE, issuer.token(ALICE))
    assert (await client.log_in("XOAUTH2", has.respond)).startswith(IS_REFUSED[protocol])
