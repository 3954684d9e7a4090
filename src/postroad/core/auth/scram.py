"""What SCRAM needs to be kept of a password (RFC 5802 section 3, RFC 7677), and its check.

An exchange names its account before it tells anything of the password, so all app passwords of an
account share one salt and one count, and a proof is tried on each of them. The salt is derived
from the address with the master key: an address without an account has one in the same way, that
neither differs in kind nor changes when the account is made (decision 0014).
"""

import hashlib
import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from postroad.base.errors import Invalid
from postroad.base.secret import Secret
from postroad.base.syntax import WireError
from postroad.core.auth.sealing import Sealer
from postroad.formats.text.saslprep import saslprep
from postroad.model.directory import Account, Credential, CredentialKind
from postroad.ports.tasks import Tasks

ITERATIONS = 10_000
"""RFC 7677 section 4 asks for at least 4096. What is kept is sealed as well."""
_SALT_OCTETS = 16
_PURPOSE = "scram verifier"
_HEAD = struct.Struct(">BI16s")
_VERSION = 1
_FORMS = 2
_CHECKED_TOGETHER = 8


class Digest(Enum):
    """The hash function of a mechanism, by its name in hashlib."""

    SHA1 = "sha1"
    SHA256 = "sha256"

    @property
    def octets(self) -> int:
        return 20 if self is Digest.SHA1 else 32

    def hash(self, octets: bytes) -> bytes:
        return hashlib.new(self.value, octets).digest()

    def hmac(self, key: bytes, octets: bytes) -> bytes:
        return hmac.digest(key, octets, self.value)


@dataclass(frozen=True, slots=True)
class Keys:
    """StoredKey and ServerKey of one password and one hash function."""

    stored: bytes
    server: bytes


@dataclass(frozen=True, slots=True)
class Candidate:
    """A credential that a proof may be of."""

    credential_id: str
    is_allowed: bool  # in the protocol at hand
    context: str  # that it is sealed for
    sealed: bytes


def derive(password: str, salt: bytes, iterations: int, digest: Digest) -> Keys:
    """RFC 5802 section 3, of a prepared password. It is slow on purpose."""
    salted = hashlib.pbkdf2_hmac(digest.value, password.encode(), salt, iterations)
    client = digest.hmac(salted, b"Client Key")
    return Keys(digest.hash(client), digest.hmac(salted, b"Server Key"))


def signature_if_proven(
    keys: Keys, digest: Digest, auth_message: bytes, proof: bytes
) -> bytes | None:
    """The ServerSignature if the proof is of these keys, at the same cost if not."""
    is_whole = len(proof) == digest.octets
    mask = digest.hmac(keys.stored, auth_message)
    client = _xor(mask, proof if is_whole else mask)
    signature = digest.hmac(keys.server, auth_message)
    fits = hmac.compare_digest(digest.hash(client), keys.stored)
    return signature if fits and is_whole else None


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


class ScramVerifiers:
    """Makes, seals and tries what is kept of passwords."""

    def __init__(self, sealer: Sealer, tasks: Tasks, *, of_passwords: bool) -> None:
        """`of_passwords`: keep and take them of account passwords too, not of app passwords only.

        Security: who has the database and the master key can then guess weak passwords with
        little memory, which Argon2id would have made dear.
        """
        self._sealer = sealer
        self._tasks = tasks
        self._of_passwords = of_passwords
        self._nobody = self._seal("nobody", [Keys(b"", b"")] * 2 * _FORMS, bytes(_SALT_OCTETS))

    def salt(self, address: str) -> bytes:
        """Of an address in its normalised form, whether it has an account or not."""
        return self._sealer.keyed_hash("scram salt", address.encode())[:_SALT_OCTETS]

    def is_wanted(self, credential: Credential) -> bool:
        """Whether it has none yet and should."""
        return credential.scram is None and self._is_taken(credential)

    async def make(self, account: Account, credential: Credential, password: Secret) -> bytes:
        """What is to be kept of a credential. Raises `Invalid` for what SASLprep prohibits."""
        forms = _forms(credential.kind, password)
        salt = self.salt(account.address)
        keys = await self._tasks.offload(
            lambda: [derive(form, salt, ITERATIONS, digest) for form in forms for digest in Digest]
        )
        return self._seal(_context(credential), keys, salt)

    async def make_if_wanted(
        self, account: Account, credential: Credential, password: Secret
    ) -> bytes | None:
        """None where it is not wanted or not possible: a password may hold any character."""
        if not self.is_wanted(credential):
            return None
        try:
            return await self.make(account, credential, password)
        except Invalid:
            return None

    def candidates(self, credentials: Sequence[Credential], protocol: str) -> list[Candidate]:
        """Filled up with others that nothing fits, so that every account costs the same."""
        found = [
            Candidate(
                one.credential_id,
                not one.scopes or protocol in one.scopes,
                _context(one),
                one.scram,
            )
            for one in credentials
            if one.scram is not None and self._is_taken(one)
        ]
        missing = -len(found) % _CHECKED_TOGETHER if found else _CHECKED_TOGETHER
        return found + [Candidate("", False, "nobody", self._nobody)] * missing

    def prove(
        self,
        candidates: Sequence[Candidate],
        address: str,
        digest: Digest,
        auth_message: bytes,
        proof: bytes,
    ) -> tuple[str, bytes] | None:
        """The credential that was proven, and the ServerSignature. All are tried, always."""
        salt, proven = self.salt(address), None
        for one in candidates:
            for keys in self._open(one, salt, digest):
                signature = signature_if_proven(keys, digest, auth_message, proof)
                if signature is not None and one.is_allowed:
                    proven = one.credential_id, signature
        return proven

    def _is_taken(self, credential: Credential) -> bool:
        return self._of_passwords or credential.kind is CredentialKind.APP_PASSWORD

    def _seal(self, context: str, keys: Sequence[Keys], salt: bytes) -> bytes:
        plain = _HEAD.pack(_VERSION, ITERATIONS, salt)
        plain += b"".join(
            key.stored.ljust(digest.octets, b"\0") + key.server.ljust(digest.octets, b"\0")
            for key, digest in zip(keys, list(Digest) * _FORMS, strict=True)
        )
        return self._sealer.seal(_PURPOSE, context, plain)

    def _open(self, candidate: Candidate, salt: bytes, digest: Digest) -> list[Keys]:
        """The keys of both forms; useless ones if they were made for another salt or count."""
        plain = self._sealer.open(_PURPOSE, candidate.context, candidate.sealed)
        is_of_now = plain[: _HEAD.size] == _HEAD.pack(_VERSION, ITERATIONS, salt)
        found, start = [], _HEAD.size
        for each in list(Digest) * _FORMS:
            middle, end = start + each.octets, start + 2 * each.octets
            if each is digest:
                stored = plain[start:middle] if is_of_now else bytes(each.octets)
                found.append(Keys(stored, plain[middle:end]))
            start = end
        return found


def _context(credential: Credential) -> str:
    return f"{credential.account_id} {credential.credential_id}"


def _forms(kind: CredentialKind, password: Secret) -> tuple[str, str]:
    """The ways in which people type it; a proof cannot be freed of groups as a password can."""
    text = password.reveal()
    if kind is CredentialKind.APP_PASSWORD:
        plain = text.replace("-", "").replace(" ", "").lower()
        return plain, "-".join(plain[n : n + 4] for n in range(0, len(plain), 4))
    try:
        prepared = saslprep(text, is_stored=True)
    except WireError as error:
        raise Invalid(f"the password cannot be used with SCRAM: {error}") from error
    return prepared, prepared
