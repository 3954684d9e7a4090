"""SCRAM over IMAP and SMTP, with a client that wants the server's proof as well."""

from base64 import b64decode
from pathlib import Path
from typing import cast

import pytest

from core.auth.door import Door
from postroad.core.auth.scram import Digest, derive, signature_if_proven
from postroad.core.auth.service import ScramExchange
from postroad.model.principal import Principal
from postroad.sessions.sasl.exchange import Ask, Authenticator, Circumstances, Client
from postroad.sessions.sasl.scram import begin
from postroad.wire.errors import BadSyntax
from sessions.sasl.talking import (
    CLIENTS,
    IS_CANCELLED,
    IS_FOR_ANOTHER,
    IS_IN,
    IS_MALFORMED,
    IS_REFUSED,
    IS_TOO_LONG,
    IS_UNKNOWN,
    MUST_WAIT,
    PEER,
    always,
)
from support.scram import ScramClient

SCRAM = Circumstances(scram=True)
ALICE = "alice@example.test"
MECHANISMS = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}


both = pytest.mark.parametrize("protocol", CLIENTS)


@both
@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("at_once", [True, False])
async def test_an_app_password_opens(
    tmp_path: Path, protocol: str, mechanism: str, *, at_once: bool
) -> None:
    door = await Door.make(tmp_path)
    await door.app_password("phone")
    made, password = await door.app_password("laptop")
    client = CLIENTS[protocol](door.authenticator, SCRAM)
    assert mechanism in await client.announced()
    knows = ScramClient(ALICE, password, MECHANISMS[mechanism])
    said = await client.log_in(mechanism, knows.respond, at_once=at_once)
    assert said.startswith(IS_IN[protocol])
    assert knows.is_convinced
    assert client.principal is not None
    assert client.principal.credential_id == made.credential_id


@both
async def test_what_is_refused(tmp_path: Path, protocol: str) -> None:
    door = await Door.make(tmp_path)
    _, password = await door.app_password("phone", "http")
    client = CLIENTS[protocol](door.authenticator, SCRAM)
    said = [
        await client.log_in("SCRAM-SHA-256", ScramClient(name, given).respond)
        for name, given in [(ALICE, "wrong"), ("nobody@example.test", password)]
    ]
    assert said[0].startswith(IS_REFUSED[protocol])
    assert said[1] == said[0]
    client = CLIENTS[protocol](door.authenticator, SCRAM)
    out_of_scope = await client.log_in("SCRAM-SHA-256", ScramClient(ALICE, password).respond)
    assert out_of_scope == said[0]
    assert client.principal is None


@both
async def test_nobody_acts_for_another(tmp_path: Path, protocol: str) -> None:
    door = await Door.make(tmp_path)
    _, password = await door.app_password("phone")
    client = CLIENTS[protocol](door.authenticator, SCRAM)
    other = ScramClient(ALICE, password, header="n,a=bob@example.test,")
    said = await client.log_in("SCRAM-SHA-256", other.respond)
    assert said.startswith(IS_FOR_ANOTHER[protocol])
    itself = ScramClient(ALICE, password, header="n,a=Alice@Example.Test,")
    said = await client.log_in("SCRAM-SHA-256", itself.respond)
    assert said.startswith(IS_IN[protocol])


@both
async def test_what_is_malformed_and_what_is_given_up(tmp_path: Path, protocol: str) -> None:
    door = await Door.make(tmp_path)
    client = CLIENTS[protocol](door.authenticator, SCRAM)
    for first in (b"", b"n,,n=a", b"n,,n=\x07,r=x", b"\xff"):
        said = await client.log_in("SCRAM-SHA-256", always(first))
        assert said.startswith(IS_MALFORMED[protocol])
    said = await client.log_in("SCRAM-SHA-256", always(None))
    assert said.startswith(IS_CANCELLED[protocol])
    second = iter([b"n,,n=a@b.example,r=x", None])
    said = await client.log_in("SCRAM-SHA-256", lambda _: next(second))
    assert said.startswith(IS_CANCELLED[protocol])
    foreign = iter([b"n,,n=a@b.example,r=x", b"c=biws,r=other,p=AAAA"])
    said = await client.log_in("SCRAM-SHA-256", lambda _: next(foreign))
    assert said.startswith(IS_MALFORMED[protocol])
    said = await client.log_in("SCRAM-SHA-256", always(b"n" * 12000))
    assert said.startswith(IS_TOO_LONG[protocol])
    assert (await client.say(client.begins("SCRAM-SHA-256 !!!")))[-1].startswith(
        IS_MALFORMED[protocol]
    )


@both
async def test_it_is_there_only_where_it_is_set(tmp_path: Path, protocol: str) -> None:
    door = await Door.make(tmp_path)
    client = CLIENTS[protocol](door.authenticator, Circumstances())
    assert await client.announced() == {"PLAIN", "LOGIN"}
    said = await client.log_in("SCRAM-SHA-256", always(b"n,,n=a,r=b"))
    assert said.startswith(IS_UNKNOWN[protocol])


@both
async def test_the_throttle_holds(tmp_path: Path, protocol: str) -> None:
    door = await Door.make(tmp_path)
    _, password = await door.app_password("phone")
    for n in range(10):
        client = CLIENTS[protocol](door.authenticator, SCRAM)
        said = await client.log_in("SCRAM-SHA-1", ScramClient(ALICE, f"{n}", "sha1").respond)
        assert said.startswith(IS_REFUSED[protocol])
    client = CLIENTS[protocol](door.authenticator, SCRAM)
    said = await client.log_in("SCRAM-SHA-1", ScramClient(ALICE, password, "sha1").respond)
    assert said.startswith(MUST_WAIT[protocol])


@both
async def test_a_connection_ends_after_three_failures(tmp_path: Path, protocol: str) -> None:
    door = await Door.make(tmp_path)
    client = CLIENTS[protocol](door.authenticator, SCRAM)
    said = [
        await client.log_in("SCRAM-SHA-1", ScramClient(ALICE, f"{n}", "sha1").respond)
        for n in range(3)
    ]
    assert said[1].startswith(IS_REFUSED[protocol])
    assert said[2].startswith(IS_REFUSED[protocol] if protocol == "imap" else "421 4.7.0 ")
    assert await client.say(client.begins("SCRAM-SHA-1")) == []


@both
async def test_binding_belongs_to_plus(tmp_path: Path, protocol: str) -> None:
    door = await Door.make(tmp_path)
    _, password = await door.app_password("phone")
    client = CLIENTS[protocol](door.authenticator, SCRAM)
    bound = ScramClient(ALICE, password, header="p=tls-unique,,", binding=b"x")
    said = await client.log_in("SCRAM-SHA-256", bound.respond)
    assert said.startswith(IS_REFUSED[protocol])
    unasked = ScramClient(ALICE, password, binding=b"x")
    said = await client.log_in("SCRAM-SHA-256", unasked.respond)
    assert said.startswith(IS_REFUSED[protocol])


async def test_the_example_of_rfc_7677_to_the_octet(tmp_path: Path) -> None:
    principal = Principal((await Door.make(tmp_path)).alice, "1")
    salt = b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    keys = derive("pencil", salt, 4096, Digest.SHA256)

    def prove(auth_message: bytes, proof: bytes) -> tuple[Principal, bytes]:
        return principal, signature_if_proven(keys, Digest.SHA256, auth_message, proof) or b""

    class Known:
        async def scram(self, name: str, digest: Digest, **_: str) -> ScramExchange:
            assert (name, digest) == ("user", Digest.SHA256)
            return ScramExchange(salt, 4096, prove)

    client = Client(cast("Authenticator", Known()), "imap", PEER, SCRAM)  # all it needs
    ask = begin(client, Digest.SHA256, lambda: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
    asked = await ask.then(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
    assert isinstance(asked, Ask)
    assert asked.challenge == (
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    )
    ended = await asked.then(
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert isinstance(ended, Ask)
    assert ended.challenge == b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    with pytest.raises(BadSyntax):
        await ended.then(b"thanks")
    assert await ended.then(b"") is principal
