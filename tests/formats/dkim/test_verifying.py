"""RFC 6376 section 6: public examples, refusals, and hostile input."""

import base64
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.base.errors import TryLater
from postroad.formats.dkim.signature import Unusable, parse_signature
from postroad.formats.dkim.verifying import Result, Verdict, Verifier

NOW = datetime(2018, 6, 11, tzinfo=UTC)
VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "dkim-dkimpy" / "data"

# RFC 8463 appendix A.
RECORDS = {
    "brisbane._domainkey.football.example.com": (
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    ),
    "test._domainkey.football.example.com": (
        "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"
        "iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"
        "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3"
        "Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
    ),
}
ED25519_FIELD = (
    b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    b" d=football.example.com; i=@football.example.com;\r\n"
    b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    b" subject : date : message-id : from : subject : date;\r\n"
    b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    b" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
    b" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
)
RSA_FIELD = (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    b" d=football.example.com; i=@football.example.com;\r\n"
    b" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
    b" date : message-id : from : subject : date;\r\n"
    b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    b" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
    b" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
    b" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
)
HEADER = (
    b"From: Joe SixPack <joe@football.example.com>\r\n"
    b"To: Suzie Q <suzie@shopping.example.net>\r\n"
    b"Subject: Is dinner ready?\r\n"
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    b"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
)
BODY = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"


async def check(
    header: bytes, body: bytes = BODY, records: dict[str, str] | None = None
) -> list[Verdict]:
    known = RECORDS if records is None else records

    async def lookup(name: str) -> list[str]:
        return [known[name]] if name in known else []

    verifier = Verifier(header)
    verifier.update(body)
    return list(await verifier.finish(lookup, NOW))


async def test_the_example_of_rfc_8463() -> None:
    verdicts = await check(ED25519_FIELD + RSA_FIELD + HEADER)
    assert [verdict.reason for verdict in verdicts] == ["", ""]
    assert verdicts[0].signature_start == "/gCrinpc"


@pytest.mark.skipif(not VECTORS.exists(), reason="the public vectors are not on this machine")
@pytest.mark.parametrize("name", ["rfc6376.signed.msg", "rfc6376.signed.rsa.msg"])
async def test_the_messages_of_dkimpy(name: str) -> None:
    octets = re.sub(rb"\r?\n", b"\r\n", (VECTORS / name).read_bytes())
    header, _, body = octets.partition(b"\r\n\r\n")
    verdicts = await check(header + b"\r\n", body)
    assert verdicts
    assert {verdict.result for verdict in verdicts} == {Result.PASS}


async def test_a_changed_body_or_header_fails() -> None:
    (body,) = await check(RSA_FIELD + HEADER, BODY + b"PS\r\n")
    assert (body.result, body.reason) == (Result.FAIL, "body hash did not verify")
    (header,) = await check(RSA_FIELD + HEADER.replace(b"dinner", b"supper"))
    assert (header.result, header.reason) == (Result.FAIL, "signature did not verify")


KEY = RECORDS["test._domainkey.football.example.com"]


@pytest.mark.parametrize(
    ("record", "result", "reason"),
    [
        ("v=DKIM1; p=", Result.PERMERROR, "key has been revoked"),
        ("nonsense", Result.PERMERROR, "key record is malformed"),
        ("h=sha1; " + KEY[9:], Result.PERMERROR, "key does not allow this hash"),
        ("s=other; " + KEY[9:], Result.PERMERROR, "key is not for email"),
        (
            RECORDS["brisbane._domainkey.football.example.com"],
            Result.PERMERROR,
            "key is for another algorithm",
        ),
    ],
)
async def test_key_records_that_do_not_serve(record: str, result: Result, reason: str) -> None:
    (verdict,) = await check(
        RSA_FIELD + HEADER, records={"test._domainkey.football.example.com": record}
    )
    assert (verdict.result, verdict.reason) == (result, reason)


async def test_no_key_and_no_answer() -> None:
    (verdict,) = await check(RSA_FIELD + HEADER, records={})
    assert (verdict.result, verdict.reason) == (Result.PERMERROR, "no key for signature")

    async def lookup(name: str) -> list[str]:
        raise TryLater("no DNS")

    verifier = Verifier(RSA_FIELD + HEADER)
    verifier.update(BODY)
    (verdict,) = await verifier.finish(lookup, NOW)
    assert verdict.result is Result.TEMPERROR


VALUE = RSA_FIELD.partition(b":")[2]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"v=1", b"v=2", "unknown version"),
        (b"v=1; ", b"", "v= is missing"),
        (b"a=rsa-sha256", b"a=rsa-sha1", "unsupported algorithm"),
        (b"c=relaxed/relaxed", b"c=nowsp", "unknown canonicalization"),
        (b"h=from : to", b"h=to : cc", None),
        (b"i=@football", b"i=@x.football", None),
        (b"i=@football.example.com", b"i=@example.com", "i= is not within d="),
        (b"i=@football.example.com", b"i=@evilfootball.example.com", "i= is not within d="),
        (b"q=dns/txt", b"q=http", "unknown query method"),
        (b"t=1528637909", b"t=x", "t= is not a number"),
        (b"t=1528637909", b"t=15; x=14", "x= is not after t="),
        (b"t=1528637909", b"l=-1", "l= is not a number"),
        (b"d=football.example.com", b"d=foot ball", "d= is not a domain"),
        (b"bh=2jUS", b"bh=*jUS", "bh= is not base64"),
        (b"s=test;", b"s=test; s=test;", "malformed tag list"),
    ],
)
def test_fields_that_cannot_be_checked(old: bytes, new: bytes, reason: str | None) -> None:
    parsed = parse_signature(VALUE.replace(old, new, 1))
    assert (parsed.reason if isinstance(parsed, Unusable) else None) == reason


def test_from_must_be_signed() -> None:
    parsed = parse_signature(VALUE.replace(b"from", b"x-from"))
    assert isinstance(parsed, Unusable)
    assert parsed.reason == "From is not signed"


async def test_l_longer_than_the_body_is_an_error() -> None:
    (verdict,) = await check(RSA_FIELD.replace(b"t=1528637909", b"l=5000") + HEADER)
    assert (verdict.result, verdict.reason) == (Result.PERMERROR, "l= is longer than the body")


async def test_only_so_many_signatures_are_looked_at() -> None:
    assert len(await check(RSA_FIELD * 30 + HEADER)) == 10


async def test_small_keys_are_refused() -> None:
    records = {"test._domainkey.football.example.com": small_key_record()}
    (verdict,) = await check(RSA_FIELD + HEADER, records=records)
    assert (verdict.result, verdict.reason) == (Result.POLICY, "key has 512 bits")


def small_key_record() -> str:
    # A public exponent and a modulus of 512 bits; nobody needs the private half.
    modulus = (1 << 511) + 187
    octets = (
        bytes.fromhex("3048024100") + modulus.to_bytes(64, "big") + bytes.fromhex("0203010001")
    )
    return f"v=DKIM1; p={base64.b64encode(octets).decode()}"


@given(st.binary(max_size=300), st.binary(max_size=100))
async def test_whatever_comes_there_is_a_verdict(value: bytes, body: bytes) -> None:
    for verdict in await check(b"DKIM-Signature:" + value + b"\r\n" + HEADER, body):
        assert verdict.result is not Result.PASS


async def test_a_hostile_field_costs_linear_time() -> None:
    for value in (b";" * 500_000, b" " * 500_000, b"b=" * 250_000, b"; b = " * 100_000):
        (verdict,) = await check(b"DKIM-Signature:" + value + b"\r\n" + HEADER)
        assert verdict.result is Result.PERMERROR
