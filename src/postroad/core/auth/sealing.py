"""Secrets at rest: sealed with a key that is derived from the server's master key."""

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from postroad.base.errors import Invalid

_VERSION = b"\x01"
_NONCE_OCTETS = 12


class Sealer:
    """AES-256-GCM (NIST SP 800-38D) with a key of its own for each purpose (HKDF, RFC 5869)."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) < 32:
            raise Invalid("the master key has at least 32 octets")
        self._master_key = master_key

    def seal(self, purpose: str, context: str, secret: bytes) -> bytes:
        """Encrypt `secret`; it opens only with the same purpose and context."""
        nonce = secrets.token_bytes(_NONCE_OCTETS)
        sealed = AESGCM(self._key(purpose)).encrypt(nonce, secret, context.encode())
        return _VERSION + nonce + sealed

    def open(self, purpose: str, context: str, sealed: bytes) -> bytes:
        """Raises `Invalid` when the master key is another one, or the octets were changed."""
        nonce, rest = sealed[1 : 1 + _NONCE_OCTETS], sealed[1 + _NONCE_OCTETS :]
        try:
            if sealed[:1] != _VERSION:
                raise InvalidTag
            return AESGCM(self._key(purpose)).decrypt(nonce, rest, context.encode())
        except (InvalidTag, ValueError) as error:
            raise Invalid(
                f"the {purpose} of {context} does not open: it was sealed with another master key"
            ) from error

    def keyed_hash(self, purpose: str, token: bytes) -> bytes:
        """A hash for tokens of high entropy, useless without the master key: 32 octets."""
        return hmac.new(self._key(purpose), token, hashlib.sha256).digest()

    def fingerprint(self) -> str:
        """Tells whether the master key is still the one the data was made with."""
        return self.keyed_hash("fingerprint", b"postroad").hex()[:16]

    def _key(self, purpose: str) -> bytes:
        hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"postroad " + purpose.encode())
        return hkdf.derive(self._master_key)
