"""Checking the signatures of a message (RFC 6376 section 6), results as in RFC 8601."""

import base64
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from postroad.base.errors import TryLater
from postroad.formats.dkim.canonical import (
    BodyHasher,
    Canonicalisation,
    header_field,
    split_fields,
)
from postroad.formats.dkim.keys import KeyRecord, PublicKey, is_signature_of, parse_record
from postroad.formats.dkim.signature import (
    Signature,
    Unusable,
    parse_signature,
    without_signature,
)

TxtLookup = Callable[[str], Awaitable[Iterable[str]]]
"""The TXT records at a name, the strings of each joined; none if there are none.
Raises `TryLater` if the DNS does not answer."""

# Limit: RFC 8301 section 3.2 wants verifiers to refuse keys below 1024 bits.
_MIN_RSA_BITS = 1024
_MAX_RSA_BITS = 8192


class Result(Enum):
    """RFC 8601 section 2.7.1."""

    PASS = "pass"  # noqa: S105, a word of the RFC
    FAIL = "fail"
    POLICY = "policy"
    NEUTRAL = "neutral"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one signature."""

    result: Result
    reason: str
    """Empty if it passed."""
    domain: str
    selector: str
    identity: str
    algorithm: str
    signature_start: str
    """The first eight characters of b=, for header.b (RFC 6008)."""
    key_bits: int | None
    is_testing: bool
    covers_whole_body: bool
    """False if l= left octets unsigned, which anyone may have added."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    field: bytes
    signature: Signature
    hasher: BodyHasher


class _Refused(Exception):
    def __init__(self, result: Result, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


class Verifier:
    """Checks all signatures of one message while its body passes by.

    Give it the header, `update` it with the body, and await `finish` once. Signatures past
    `max_signatures` are ignored. Signatures with the same canonicalisation share one hash.
    """

    def __init__(self, header: bytes, *, max_signatures: int = 10) -> None:
        self._fields = split_fields(header)
        self._hashers: dict[tuple[Canonicalisation, int | None], BodyHasher] = {}
        self._checks: list[_Candidate | Unusable] = []
        mine = [octets for name, octets in self._fields if name == b"dkim-signature"]
        for octets in mine[:max_signatures]:
            parsed = parse_signature(octets.partition(b":")[2])
            if isinstance(parsed, Signature):
                self._checks.append(_Candidate(octets, parsed, self._hasher(parsed)))
            else:
                self._checks.append(parsed)

    def update(self, chunk: bytes) -> None:
        """Take the next octets of the body."""
        for hasher in self._hashers.values():
            hasher.update(chunk)

    async def finish(self, lookup: TxtLookup, now: datetime) -> tuple[Verdict, ...]:
        """One verdict for each signature, in the order of the fields."""
        digests = {id(hasher): hasher.finish() for hasher in self._hashers.values()}
        return tuple([await self._verdict(check, digests, lookup, now) for check in self._checks])

    def _hasher(self, signature: Signature) -> BodyHasher:
        kind = (signature.body_how, signature.body_octets)
        if kind not in self._hashers:
            self._hashers[kind] = BodyHasher(*kind)
        return self._hashers[kind]

    async def _verdict(
        self,
        check: _Candidate | Unusable,
        digests: dict[int, bytes],
        lookup: TxtLookup,
        now: datetime,
    ) -> Verdict:
        if isinstance(check, Unusable):
            return _unusable(check)
        record: KeyRecord | None = None
        result, reason = Result.PASS, ""
        try:
            _demand_body(check, digests[id(check.hasher)], now)
            record = await _find_record(check.signature, lookup)
            self._demand_signature(check, _usable_key(check.signature, record))
        except _Refused as refusal:
            result, reason = refusal.result, refusal.reason
        return _verdict_of(check, record, result, reason)

    def _demand_signature(self, check: _Candidate, key: PublicKey) -> None:
        signature = check.signature
        octets = self._signed_octets(check)
        digest = hashlib.sha256(octets).digest()
        if not is_signature_of(key, signature.signature, octets, digest):
            raise _Refused(Result.FAIL, "signature did not verify")

    def _signed_octets(self, check: _Candidate) -> bytes:
        how = check.signature.header_how
        remaining: dict[bytes, list[bytes]] = {}
        for name, octets in self._fields:
            remaining.setdefault(name, []).append(octets)
        pieces = []
        for signed in check.signature.names:
            # RFC 6376 section 5.4.2: from the last one up; one that is not there counts as empty.
            candidates = remaining.get(signed.encode("utf-8"))
            if candidates:
                pieces.append(header_field(candidates.pop(), how))
        own = header_field(without_signature(check.field), how)
        return b"".join(pieces) + own.removesuffix(b"\r\n")


def _demand_body(check: _Candidate, digest: bytes, now: datetime) -> None:
    signature, limit = check.signature, check.signature.body_octets
    expires_at_seconds = signature.expires_at_seconds
    if expires_at_seconds is not None and now.timestamp() > expires_at_seconds:
        raise _Refused(Result.FAIL, "signature has expired")
    if limit is not None and limit > check.hasher.octets:
        raise _Refused(Result.PERMERROR, "l= is longer than the body")
    if digest != signature.body_hash:
        raise _Refused(Result.FAIL, "body hash did not verify")


async def _find_record(signature: Signature, lookup: TxtLookup) -> KeyRecord:
    try:
        texts = list(await lookup(f"{signature.selector}._domainkey.{signature.domain}"))
    except TryLater:
        raise _Refused(Result.TEMPERROR, "key is not available now") from None
    if not texts:
        raise _Refused(Result.PERMERROR, "no key for signature")
    for text in texts:
        record = parse_record(text)
        if record is not None:
            return record
    raise _Refused(Result.PERMERROR, "key record is malformed")


def _usable_key(signature: Signature, record: KeyRecord) -> PublicKey:
    """The key, if its record allows this signature (RFC 6376 section 6.1.2)."""
    key = record.public_key
    if key is None:
        raise _Refused(Result.PERMERROR, "key has been revoked")
    if record.key_type != signature.algorithm.key_type:
        raise _Refused(Result.PERMERROR, "key is for another algorithm")
    if record.hashes and "sha256" not in record.hashes:
        raise _Refused(Result.PERMERROR, "key does not allow this hash")
    if not record.is_for_email:
        raise _Refused(Result.PERMERROR, "key is not for email")
    if record.needs_same_domain and signature.identity_domain != signature.domain:
        raise _Refused(Result.PERMERROR, "key does not allow subdomains in i=")
    if isinstance(key, RSAPublicKey) and not _MIN_RSA_BITS <= key.key_size <= _MAX_RSA_BITS:
        raise _Refused(Result.POLICY, f"key has {key.key_size} bits")
    return key


def _verdict_of(
    check: _Candidate, record: KeyRecord | None, result: Result, reason: str
) -> Verdict:
    signature = check.signature
    key = record.public_key if record else None
    return Verdict(
        result=result,
        reason=reason,
        domain=signature.domain,
        selector=signature.selector,
        identity=signature.identity,
        algorithm=signature.algorithm.value,
        signature_start=base64.b64encode(signature.signature[:6]).decode("ascii"),
        key_bits=key.key_size if isinstance(key, RSAPublicKey) else 256 if key else None,
        is_testing=record.is_testing if record else False,
        covers_whole_body=signature.body_octets in (None, check.hasher.octets),
    )


def _unusable(check: Unusable) -> Verdict:
    return Verdict(
        result=Result.PERMERROR,
        reason=check.reason,
        domain=check.domain,
        selector=check.selector,
        identity="",
        algorithm="",
        signature_start="",
        key_bits=None,
        is_testing=False,
        covers_whole_body=False,
    )
