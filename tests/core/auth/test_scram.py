"""SCRAM in the core: the RFCs' examples, several app passwords, and equal work for all names."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from core.auth.door import Door
from postroad.base.errors import AuthenticationFailed, Invalid, TryLater
from postroad.base.secret import Secret
from postroad.core.auth.scram import Digest, derive, signature_if_proven
from postroad.model.directory import CredentialKind
from support.scram import ScramClient

PASSWORD = "correct horse"


@pytest.mark.parametrize(
    ("digest", "salt", "auth_message", "proof", "signature"),
    [
        (
            Digest.SHA1,
            "QSXCR+Q6sek8bf92",
            "n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
            "s=QSXCR+Q6sek8bf92,i=4096,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
            "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ),
        (
            Digest.SHA256,
            "W22ZaJ0SNY7soEsUEjb6gQ==",
            "n=user,r=rOprNGfwEbeRWgbNEkqO,"
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ),
    ],
)
def test_the_examples_of_the_rfcs(
    digest: Digest, salt: str, auth_message: str, proof: str, signature: str
) -> None:
    """RFC 5802 section 5 and RFC 7677 section 3: user `user`, password `pencil`."""
    keys = derive("pencil", b64decode(salt), 4096, digest)
    message, given = auth_message.encode(), b64decode(proof)
    proven = signature_if_proven(keys, digest, message, given)
    assert proven is not None
    assert b64encode(proven).decode() == signature
    assert signature_if_proven(keys, digest, message + b"x", given) is None
    assert signature_if_proven(keys, digest, message, given[:-1]) is None
    assert signature_if_proven(keys, digest, message, b"") is None
    assert signature_if_proven(keys, digest, message, bytes(len(given))) is None


async def log_in(
    door: Door, password: str, digest: Digest = Digest.SHA256, *, protocol: str = "imap"
) -> str:
    """The credential that was proven by a client that knows this password."""
    client = ScramClient(door.alice.address, password, digest.value, nonce="n")
    exchange = await door.authenticator.scram(
        door.alice.address, digest, protocol=protocol, peer="192.0.2.1"
    )
    bare = client.respond(b"").removeprefix(b"n,,")
    first = b"r=nonce,s=%b,i=%d" % (b64encode(exchange.salt), exchange.iterations)
    without_proof, _, proof = client.respond(first).partition(b",p=")
    principal, signature = exchange.prove(
        b",".join((bare, first, without_proof)), b64decode(proof)
    )
    client.respond(b"v=" + b64encode(signature))
    assert client.is_convinced
    return principal.credential_id


@pytest.mark.parametrize("digest", Digest)
async def test_each_of_several_app_passwords_opens(tmp_path: Path, digest: Digest) -> None:
    door = await Door.make(tmp_path)
    made = [await door.app_password(f"phone {n}") for n in range(10)]
    for credential, password in made:
        assert await log_in(door, password, digest) == credential.credential_id
        assert await log_in(door, password.replace("-", ""), digest) == credential.credential_id
    credential, password = made[3]
    await door.accounts.revoke_app_password(door.alice.address, credential.credential_id)
    with pytest.raises(AuthenticationFailed):
        await log_in(door, password, digest)
    assert await log_in(door, made[4][1], digest) == made[4][0].credential_id


async def test_scopes_hold(tmp_path: Path) -> None:
    door = await Door.make(tmp_path)
    credential, password = await door.app_password("scanner", "smtp")
    assert await log_in(door, password, protocol="smtp") == credential.credential_id
    with pytest.raises(AuthenticationFailed, match="the name or the password is wrong"):
        await log_in(door, password, protocol="imap")


async def test_account_passwords_only_by_choice(tmp_path: Path) -> None:
    door = await Door.make(tmp_path)
    with pytest.raises(AuthenticationFailed):
        await log_in(door, PASSWORD)
    chosen = door.with_passwords()
    with pytest.raises(AuthenticationFailed):  # its keys are not there yet
        await log_in(chosen, PASSWORD)
    await chosen.plain(PASSWORD)
    assert await log_in(chosen, PASSWORD) == "password"
    await chosen.accounts.set_password(door.alice.address, Secret("another one"))
    assert await log_in(chosen, "another one") == "password"
    with pytest.raises(AuthenticationFailed):
        await log_in(chosen, PASSWORD)
    with pytest.raises(AuthenticationFailed):  # the choice was taken back
        await log_in(door, "another one")


async def test_an_app_password_from_before_opens_after_it_was_used_once(tmp_path: Path) -> None:
    door = await Door.make(tmp_path)
    credential, password = await door.app_password("old", is_old=True)
    with pytest.raises(AuthenticationFailed):
        await log_in(door, password)
    await door.plain(password.replace("-", "").upper())
    assert await log_in(door, password) == credential.credential_id


async def test_a_password_that_scram_cannot_have_is_a_password_all_the_same(
    tmp_path: Path,
) -> None:
    door = (await Door.make(tmp_path)).with_passwords()
    await door.accounts.set_password(door.alice.address, Secret("\u0007 rings a bell"))
    (own,) = await door.house.directory.credentials(door.alice.account_id)
    assert (own.kind, own.scram) == (CredentialKind.PASSWORD, None)
    await door.plain("\u0007 rings a bell")
    with pytest.raises(Invalid, match="SASLprep"):
        await door.scram.make(door.alice, own, Secret("\u0007 rings a bell"))


async def test_a_disabled_account_stays_out(tmp_path: Path) -> None:
    door = await Door.make(tmp_path)
    _, password = await door.app_password("phone")
    await door.accounts.set_disabled(door.alice.address, disabled=True)
    with pytest.raises(AuthenticationFailed):
        await log_in(door, password)


async def test_what_is_kept_opens_with_its_account_and_master_key_only(tmp_path: Path) -> None:
    door = await Door.make(tmp_path)
    credential, password = await door.app_password("phone")
    assert credential.scram is not None
    keys = derive(password, door.scram.salt(door.alice.address), 10_000, Digest.SHA256)
    assert keys.stored not in credential.scram
    assert (
        door.sealer.open(
            "scram verifier",
            f"{credential.account_id} {credential.credential_id}",
            credential.scram,
        ).count(keys.stored)
        == 1
    )
    with pytest.raises(Invalid):
        door.sealer.open("scram verifier", f"99 {credential.credential_id}", credential.scram)


async def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    door = await Door.make(tmp_path)
    for n in range(10):
        with pytest.raises(AuthenticationFailed):
            await log_in(door, f"guess {n}")
    with pytest.raises(TryLater):
        await log_in(door, "guess")
    with pytest.raises(TryLater):
        await door.plain(PASSWORD)


async def test_unknown_names_look_and_cost_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work is counted, not the time: hashes, keyed hashes and openings of what is sealed."""
    door = await Door.make(tmp_path)
    work: Counter[str] = Counter()

    def counted(owner: Any, name: str) -> None:  # Any: a module or a class
        real = getattr(owner, name)

        def count(*args: Any, **kwargs: Any) -> Any:
            work[name] += 1
            return real(*args, **kwargs)

        monkeypatch.setattr(owner, name, count)

    async def cost(name: str) -> dict[str, int]:
        work.clear()
        exchange = await door.authenticator.scram(
            name, Digest.SHA256, protocol="imap", peer="192.0.2.1"
        )
        assert (len(exchange.salt), exchange.iterations) == (16, 10_000)
        with pytest.raises(AuthenticationFailed, match="the name or the password is wrong"):
            exchange.prove(b"auth message", bytes(32))
        return dict(work)

    counted(hmac, "digest")
    counted(hmac, "compare_digest")
    counted(hashlib, "new")
    counted(hashlib, "pbkdf2_hmac")
    counted(type(door.sealer), "open")
    counted(type(door.sealer), "keyed_hash")
    unknown = await cost("nobody@example.test")
    assert unknown["open"] == 8
    assert "pbkdf2_hmac" not in unknown
    assert await cost(door.alice.address) == unknown
    for n in range(3):
        await door.app_password(f"phone {n}")
    assert await cost(door.alice.address) == unknown
    salts = [
        (await door.authenticator.scram(name, Digest.SHA1, protocol="imap", peer="192.0.2.1")).salt
        for name in ("nobody@example.test", "NOBODY@example.test", "else@example.test")
    ]
    assert salts[0] == salts[1] != salts[2]
