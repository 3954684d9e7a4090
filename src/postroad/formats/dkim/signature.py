"""A DKIM-Signature field as a value (RFC 6376 section 3.5)."""

import re
from dataclasses import dataclass

from postroad.formats.dkim.canonical import Canonicalisation
from postroad.formats.dkim.keys import Algorithm
from postroad.formats.dkim.tags import decode_base64, names, parse_tags, without_folding

_REQUIRED = ("v", "a", "b", "bh", "d", "h", "s")
_NUMBER = re.compile(r"[0-9]{1,76}\Z")
_DOMAIN = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z")
_MAX_NAMES = 1000
_B_VALUE = re.compile(rb"((?:\A|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")


@dataclass(frozen=True, slots=True)
class Signature:
    """What one DKIM-Signature field says; domains are in lower case."""

    algorithm: Algorithm
    signature: bytes
    body_hash: bytes
    header_how: Canonicalisation
    body_how: Canonicalisation
    domain: str
    selector: str
    identity: str
    """The i= tag, `@domain` if it is missing."""
    names: tuple[str, ...]
    body_octets: int | None
    signed_at_seconds: int | None
    expires_at_seconds: int | None

    @property
    def identity_domain(self) -> str:
        """The domain of the i= tag."""
        return self.identity.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Unusable:
    """A field we cannot check, and why; `domain` and `selector` as far as they can be read."""

    reason: str
    domain: str
    selector: str


class _Flaw(Exception):
    pass


def parse_signature(value: bytes) -> Signature | Unusable:
    """Read the value of a DKIM-Signature field (RFC 6376 section 6.1.1); never raises."""
    tags = parse_tags(value.decode("utf-8", "replace"))
    if tags is None:
        return Unusable("malformed tag list", "", "")
    try:
        return _signature(tags)
    except _Flaw as flaw:
        domain = tags.get("d", "").lower()
        return Unusable(str(flaw), domain, tags.get("s", "").lower())


def without_signature(field: bytes) -> bytes:
    """The field with an empty b= value, as it went into its own signature."""
    name, colon, value = field.partition(b":")
    end = b"\r\n" if value.endswith(b"\r\n") else b""
    return name + colon + _B_VALUE.sub(rb"\1", value.removesuffix(b"\r\n")) + end


def _signature(tags: dict[str, str]) -> Signature:
    for name in _REQUIRED:
        if name not in tags:
            raise _Flaw(f"{name}= is missing")
    if tags["v"] != "1":
        raise _Flaw("unknown version")
    header_how, body_how = _canonicalisations(tags.get("c", "simple/simple"))
    domain = _domain(tags["d"], "d")
    signed_names = _signed_names(tags["h"])
    _demand_dns(tags)
    signed_at, expires_at = _number(tags, "t"), _number(tags, "x")
    if signed_at is not None and expires_at is not None and expires_at <= signed_at:
        raise _Flaw("x= is not after t=")
    return Signature(
        algorithm=_algorithm(tags["a"]),
        signature=_octets(tags["b"], "b"),
        body_hash=_octets(tags["bh"], "bh"),
        header_how=header_how,
        body_how=body_how,
        domain=domain,
        selector=_domain(tags["s"], "s"),
        identity=_identity(tags.get("i"), domain),
        names=signed_names,
        body_octets=_number(tags, "l"),
        signed_at_seconds=signed_at,
        expires_at_seconds=expires_at,
    )


def _canonicalisations(value: str) -> tuple[Canonicalisation, Canonicalisation]:
    header, _, body = without_folding(value).lower().partition("/")
    try:
        return Canonicalisation(header), Canonicalisation(body or "simple")
    except ValueError:
        raise _Flaw("unknown canonicalization") from None


def _algorithm(value: str) -> Algorithm:
    try:
        return Algorithm(value.lower())
    except ValueError:
        # Security: rsa-sha1 must not be taken as a signature (RFC 8301 section 3.1).
        raise _Flaw("unsupported algorithm") from None


def _domain(value: str, tag: str) -> str:
    if len(value) > 255 or not _DOMAIN.match(value):
        raise _Flaw(f"{tag}= is not a domain")
    return value.lower()


def _signed_names(value: str) -> tuple[str, ...]:
    signed = names(value)
    if len(signed) > _MAX_NAMES:
        raise _Flaw("too many names in h=")
    if "from" not in signed:
        raise _Flaw("From is not signed")
    return signed


def _demand_dns(tags: dict[str, str]) -> None:
    if "dns/txt" not in names(tags.get("q", "dns/txt")):
        raise _Flaw("unknown query method")


def _number(tags: dict[str, str], tag: str) -> int | None:
    if tag not in tags:
        return None
    if not _NUMBER.match(tags[tag]):
        raise _Flaw(f"{tag}= is not a number")
    return int(tags[tag])


def _octets(value: str, tag: str) -> bytes:
    octets = decode_base64(value)
    if not octets:
        raise _Flaw(f"{tag}= is not base64")
    return octets


def _identity(value: str | None, domain: str) -> str:
    if value is None:
        return f"@{domain}"
    local_part, at, identity_domain = without_folding(value).rpartition("@")
    identity_domain = identity_domain.lower()
    if not at or not (identity_domain == domain or identity_domain.endswith("." + domain)):
        raise _Flaw("i= is not within d=")
    return f"{local_part}@{identity_domain}"
