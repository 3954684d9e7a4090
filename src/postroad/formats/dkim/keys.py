"""DKIM keys: making, storing, publishing and reading them (RFC 6376 section 3.6.1, RFC 8463)."""

import base64
from dataclasses import dataclass
from enum import Enum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from postroad.formats.dkim.tags import decode_base64, names, parse_tags

PrivateKey = RSAPrivateKey | Ed25519PrivateKey
PublicKey = RSAPublicKey | Ed25519PublicKey

# RFC 8301 section 3.2: signers MUST use at least 1024 bits and SHOULD use 2048.
_GENERATED_BITS = 2048
_TXT_STRING_OCTETS = 255


class Algorithm(Enum):
    """RFC 8463 section 3; the value is the a= tag. rsa-sha1 is not there: RFC 8301 section 3.1."""

    RSA_SHA256 = "rsa-sha256"
    ED25519_SHA256 = "ed25519-sha256"

    @property
    def key_type(self) -> str:
        """The k= tag of a key for this algorithm."""
        return self.value.partition("-")[0]


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What a domain says of one key in the DNS."""

    public_key: PublicKey | None
    """None: the key has been revoked (an empty p= tag)."""
    key_type: str
    hashes: tuple[str, ...]
    """Acceptable hash algorithms; empty allows all."""
    is_for_email: bool
    is_testing: bool
    needs_same_domain: bool
    """t=s: the i= tag must name the d= domain itself (RFC 6376 section 3.6.1)."""


def generate_rsa_key() -> RSAPrivateKey:
    """A new RSA key of 2048 bits; takes about 50 ms of CPU."""
    return generate_private_key(public_exponent=65537, key_size=_GENERATED_BITS)


def generate_ed25519_key() -> Ed25519PrivateKey:
    """A new Ed25519 key."""
    return Ed25519PrivateKey.generate()


def dump_pem(key: PrivateKey) -> bytes:
    """The key as unencrypted PKCS #8; the caller seals it before it is stored."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def load_pem(pem: bytes) -> PrivateKey:
    """The key of a PEM text (PKCS #8, or PKCS #1 as OpenDKIM writes it).

    Raises `ValueError` if it is no RSA or Ed25519 key, or is protected by a password.
    """
    try:
        key = load_pem_private_key(pem, password=None)
    except (UnsupportedAlgorithm, TypeError) as error:
        raise ValueError("not an unencrypted private key") from error
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise ValueError("DKIM keys are RSA or Ed25519")
    return key


def algorithm_of(key: PrivateKey) -> Algorithm:
    """The one algorithm we sign with, with such a key."""
    return Algorithm.RSA_SHA256 if isinstance(key, RSAPrivateKey) else Algorithm.ED25519_SHA256


def record_text(key: PrivateKey) -> str:
    """The TXT record to publish at `selector._domainkey.domain`."""
    if isinstance(key, RSAPrivateKey):
        octets = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        octets = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    public = base64.b64encode(octets).decode("ascii")
    return f"v=DKIM1; k={algorithm_of(key).key_type}; p={public}"


def record_strings(text: str) -> tuple[str, ...]:
    """The record cut into the strings of at most 255 octets that a TXT record is made of."""
    step = _TXT_STRING_OCTETS
    return tuple(text[start : start + step] for start in range(0, len(text), step))


def zone_text(text: str) -> str:
    """The record as it is written in a zone file: `"..." "..."`."""
    return " ".join(f'"{piece}"' for piece in record_strings(text))


def parse_record(text: str) -> KeyRecord | None:
    """Read a key record; None if it is not one, or its key cannot be used."""
    tags = parse_tags(text)
    if tags is None or "p" not in tags:
        return None
    # RFC 6376 section 3.6.1: v= is optional, but if there, first and "DKIM1".
    if "v" in tags and (next(iter(tags)) != "v" or tags["v"] != "DKIM1"):
        return None
    key_type = tags.get("k", "rsa").lower()
    public_key = None
    if tags["p"]:
        public_key = _public_key(key_type, tags["p"])
        if public_key is None:
            return None
    services = names(tags.get("s", "*"))
    flags = names(tags.get("t", ""))
    return KeyRecord(
        public_key=public_key,
        key_type=key_type,
        hashes=names(tags["h"]) if "h" in tags else (),
        is_for_email="*" in services or "email" in services,
        is_testing="y" in flags,
        needs_same_domain="s" in flags,
    )


def signature_of(key: PrivateKey, octets: bytes, digest: bytes) -> bytes:
    """Sign canonical header `octets`, of which `digest` is the SHA-256.

    Ed25519 signs the digest (RFC 8463 section 3), RSA hashes the octets itself.
    """
    if isinstance(key, RSAPrivateKey):
        return key.sign(octets, PKCS1v15(), SHA256())
    return key.sign(digest)


def is_signature_of(key: PublicKey, signature: bytes, octets: bytes, digest: bytes) -> bool:
    """Whether `signature` was made over `octets` with the private half of `key`."""
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signature, octets, PKCS1v15(), SHA256())
        else:
            key.verify(signature, digest)
    except InvalidSignature:
        return False
    return True


def _public_key(key_type: str, value: str) -> PublicKey | None:
    octets = decode_base64(value)
    if octets is None:
        return None
    try:
        if key_type == "ed25519":
            return Ed25519PublicKey.from_public_bytes(octets)
        if key_type == "rsa":
            # Interop: some records hold a bare RSAPublicKey; RFC 6376 erratum 3017 allows both.
            key = load_der_public_key(octets)
            return key if isinstance(key, RSAPublicKey) else None
    except (ValueError, UnsupportedAlgorithm):
        return None
    return None
