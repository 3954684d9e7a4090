"""Passwords that were found right, so that the next login with one costs next to nothing."""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable

from postroad.base.secret import Secret
from postroad.model.directory import Account

_REMEMBERED = 10_000
VERIFIED = "password verified"


class VerifiedPasswords:
    """Keyed hashes in memory. The key holds the account's auth_version, so a change makes it void.

    Where several processes serve, they have one `pepper`, and each tells the others what it found.
    """

    def __init__(
        self, pepper: bytes | None = None, tell: Callable[[str, str, str], None] | None = None
    ) -> None:
        self._pepper = pepper or secrets.token_bytes(32)
        self._tell = tell
        self._known: OrderedDict[bytes, str] = OrderedDict()

    def find(self, account: Account, password: Secret, protocol: str) -> str | None:
        """The id of the credential that it fits, if that is known."""
        key = self._key(account, password, protocol)
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
        return known

    def add(self, account: Account, password: Secret, protocol: str, credential: str) -> None:
        key = self._key(account, password, protocol)
        self._keep(key, credential)
        if self._tell is not None:
            self._tell(VERIFIED, key.hex(), credential)

    def hear(self, key: str, credential: str) -> None:
        """Another process has found one right."""
        self._keep(bytes.fromhex(key), credential)

    def _keep(self, key: bytes, credential: str) -> None:
        self._known[key] = credential
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _key(self, account: Account, password: Secret, protocol: str) -> bytes:
        about = f"{account.account_id}\0{account.auth_version}\0{protocol}\0".encode()
        return hashlib.blake2b(
            about + password.octets(), key=self._pepper, digest_size=32
        ).digest()
