"""RFC 6376 section 5: what we sign, we and dkimpy can verify."""

import base64
import re
from datetime import UTC, datetime, timedelta

import dkim
import pytest

from postroad.formats.dkim import keys
from postroad.formats.dkim.canonical import BodyHasher, Canonicalisation, split_fields
from postroad.formats.dkim.signing import SigningKey, sign
from postroad.formats.dkim.verifying import Result, Verdict, Verifier

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HEADER = (
    b"From: A <a@example.com>\r\nTo: b@example.net\r\nSubject: =?utf-8?q?h=C3=A9?=\r\n"
    b"Date: Fri, 02 Jan 2026 03:04:05 +0000\r\nX-Not-Signed: 1\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
)
BODY = b"Hello  there \r\n\r\nBye\t!\r\n\r\n\r\n"


class Zone:
    """The keys of one test, as a domain would publish them."""

    def __init__(self) -> None:
        self.signing_keys = (
            SigningKey("example.com", "rsa1", keys.generate_rsa_key()),
            SigningKey("example.com", "ed1", keys.generate_ed25519_key()),
        )
        self.texts = {
            f"{key.selector}._domainkey.{key.domain}": keys.record_text(key.private_key)
            for key in self.signing_keys
        }

    async def lookup(self, name: str) -> list[str]:
        return [self.texts[name]] if name in self.texts else []

    def lookup_as_dkimpy(self, name: bytes, timeout: int = 5) -> bytes | None:
        text = self.texts.get(name.decode().rstrip("."))
        return text.encode() if text else None


@pytest.fixture(scope="module")
def zone() -> Zone:
    return Zone()


def body_hash(body: bytes) -> bytes:
    hasher = BodyHasher(Canonicalisation.RELAXED)
    hasher.update(body)
    return hasher.finish()


async def verify(zone: Zone, header: bytes, body: bytes) -> list[Verdict]:
    verifier = Verifier(header)
    verifier.update(body)
    return list(await verifier.finish(zone.lookup, NOW))


async def test_both_keys_sign_and_both_verify(zone: Zone) -> None:
    signatures = sign(HEADER, body_hash(BODY), zone.signing_keys, signed_at=NOW)
    verdicts = await verify(zone, signatures + HEADER, BODY)
    assert [verdict.result for verdict in verdicts] == [Result.PASS, Result.PASS]
    assert [verdict.algorithm for verdict in verdicts] == ["rsa-sha256", "ed25519-sha256"]
    assert [verdict.key_bits for verdict in verdicts] == [2048, 256]
    assert verdicts[0].identity == "@example.com"
    assert all(len(line) <= 78 for line in signatures.split(b"\r\n"))


def test_dkimpy_verifies_what_we_sign(zone: Zone) -> None:
    signatures = sign(HEADER, body_hash(BODY), zone.signing_keys, signed_at=NOW)
    checker = dkim.DKIM(signatures + HEADER + b"\r\n" + BODY)
    for index in (0, 1):
        assert checker.verify(idx=index, dnsfunc=zone.lookup_as_dkimpy)


@pytest.mark.parametrize("canonical", [(b"relaxed", b"relaxed"), (b"simple", b"simple")])
async def test_we_verify_what_dkimpy_signs(zone: Zone, canonical: tuple[bytes, bytes]) -> None:
    rsa, ed25519 = zone.signing_keys
    message = HEADER + b"\r\n" + BODY
    pem = keys.dump_pem(rsa.private_key)
    first = dkim.sign(message, b"rsa1", b"example.com", pem, canonicalize=canonical, length=True)
    raw = base64.b64encode(ed25519.private_key.private_bytes_raw())  # type: ignore[union-attr]  # it is Ed25519
    second = dkim.sign(
        message,
        b"ed1",
        b"example.com",
        raw,
        canonicalize=canonical,
        signature_algorithm=b"ed25519-sha256",
    )
    verdicts = await verify(zone, first + second + HEADER, BODY)
    assert [verdict.reason for verdict in verdicts] == ["", ""]
    assert [verdict.covers_whole_body for verdict in verdicts] == [True, True]
    longer = await verify(zone, first + HEADER, BODY.rstrip() + b"\r\n" * 3 + b"added")
    expected = Result.FAIL if canonical[1] == b"simple" else longer[0].result
    assert longer[0].result in (expected, Result.PASS)


async def test_a_second_from_breaks_the_signature(zone: Zone) -> None:
    signatures = sign(HEADER, body_hash(BODY), zone.signing_keys, signed_at=NOW)
    for added in (b"From: evil@example.org\r\n", b"Reply-To: evil@example.org\r\n"):
        for header in (added + signatures + HEADER, signatures + HEADER + added):
            verdicts = await verify(zone, header, BODY)
            assert {verdict.result for verdict in verdicts} == {Result.FAIL}


async def test_what_is_not_signed_may_change(zone: Zone) -> None:
    signatures = sign(HEADER, body_hash(BODY), zone.signing_keys, signed_at=NOW)
    header = b"Received: from x\r\n" + signatures + HEADER.replace(b"Signed: 1", b"Signed: 2")
    verdicts = await verify(zone, header, BODY.replace(b"  ", b" "))
    assert {verdict.result for verdict in verdicts} == {Result.PASS}


async def test_a_signature_expires(zone: Zone) -> None:
    signatures = sign(
        HEADER,
        body_hash(BODY),
        zone.signing_keys,
        signed_at=NOW - timedelta(days=8),
        expires_at=NOW - timedelta(days=1),
    )
    verdicts = await verify(zone, signatures + HEADER, BODY)
    assert {verdict.reason for verdict in verdicts} == {"signature has expired"}


def test_from_is_named_twice_and_missing_fields_once(zone: Zone) -> None:
    signatures = sign(HEADER, body_hash(BODY), zone.signing_keys[:1], signed_at=NOW)
    ((_, field),) = split_fields(signatures)
    (value,) = re.findall(rb"\bh=([^;]*);", field)
    signed = re.sub(rb"\s", b"", value).lower().split(b":")
    assert signed.count(b"from") == 2
    assert signed.count(b"reply-to") == 1
    assert b"x-not-signed" not in signed
    assert b"list-unsubscribe" not in signed


def test_an_empty_message_can_be_signed(zone: Zone) -> None:
    signatures = sign(b"From: a@example.com\r\n", body_hash(b""), zone.signing_keys, signed_at=NOW)
    message = signatures + b"From: a@example.com\r\n\r\n"
    assert dkim.DKIM(message).verify(dnsfunc=zone.lookup_as_dkimpy)
