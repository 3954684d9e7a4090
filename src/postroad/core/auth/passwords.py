"""Hashes of passwords (Argon2id, RFC 9106) and of tokens that the server made itself."""

import hmac
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from postroad.base.errors import Invalid, TryLater
from postroad.base.phrases import phrase
from postroad.base.secret import Secret
from postroad.core.auth.sealing import Sealer
from postroad.ports.tasks import Tasks

_MIN_LETTERS = 8
_MAX_OCTETS = 1024
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


@cache
def _nobody() -> str:
    """A verifier that nothing fits, so that an unknown name costs as much as a known one."""
    return _hasher().hash(secrets.token_hex(16))


class Passwords:
    """Hashes and checks passwords in threads, at most `at_once` at a time, then `TryLater`."""

    def __init__(self, tasks: Tasks, at_once: int, waiting: int = 32) -> None:
        self._tasks = tasks
        self._limit = at_once * waiting
        self._running = 0

    async def hash(self, password: Secret) -> str:
        """Raises `Invalid` for a password that is too short or too long."""
        if len(password.reveal()) < _MIN_LETTERS:
            raise Invalid(phrase("a password has at least {least} characters", least=_MIN_LETTERS))
        if len(password.octets()) > _MAX_OCTETS:
            raise Invalid(phrase("a password has at most {most} octets", most=_MAX_OCTETS))
        return await self._tasks.offload(lambda: _hasher().hash(password.reveal()))

    async def fits(self, verifier: str | None, password: Secret) -> bool:
        """Whether the password is the verifier's. None: nobody's, at the same cost.

        Raises `TryLater` when too many wait already.
        """
        if len(password.octets()) > _MAX_OCTETS:
            return False
        if self._running >= self._limit:
            raise TryLater("too many passwords are being checked")
        self._running += 1
        try:
            return await self._tasks.offload(lambda: _verify(verifier or _nobody(), password))
        finally:
            self._running -= 1


def _verify(verifier: str, password: Secret) -> bool:
    try:
        return _hasher().verify(verifier, password.reveal())
    except (VerificationError, InvalidHashError):
        return False


def new_app_password() -> Secret:
    """16 letters in groups of four, 78 bits."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(16))
    return Secret("-".join(letters[n : n + 4] for n in range(0, 16, 4)))


def new_password() -> Secret:
    """For a first login: 20 letters, 99 bits."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(20))
    return Secret("-".join(letters[n : n + 5] for n in range(0, 20, 5)))


def app_password_verifier(sealer: Sealer, password: Secret) -> str:
    """Groups and capitals do not matter, so that it can be read out and typed."""
    plain = password.reveal().replace("-", "").replace(" ", "").lower()
    return sealer.keyed_hash("app password", plain.encode()).hex()


def app_password_fits(sealer: Sealer, verifier: str, password: Secret) -> bool:
    return hmac.compare_digest(verifier, app_password_verifier(sealer, password))


def new_api_token() -> Secret:
    """``re_`` and 32 random octets: the form that the Resend SDKs know."""
    return Secret("re_" + secrets.token_urlsafe(32))


def api_token_hash(sealer: Sealer, token: Secret) -> bytes:
    return sealer.keyed_hash("api key", token.octets())
