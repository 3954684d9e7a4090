"""Proving who somebody is: the one place that all protocols ask."""

import hashlib
import secrets
from collections import OrderedDict

from postroad.base.errors import AuthenticationFailed, TryLater
from postroad.base.moments import Moment
from postroad.base.secret import Secret
from postroad.core.auth.passwords import (
    Passwords,
    api_token_hash,
    app_password_fits,
)
from postroad.core.auth.sealing import Sealer
from postroad.core.auth.throttle import Throttle
from postroad.formats.mailaddress import normalise_address
from postroad.model.directory import Account, Credential, CredentialKind
from postroad.model.principal import Principal, Program
from postroad.ports.clock import Clock
from postroad.ports.counters import Counter, Counters, NoCounters
from postroad.stores.directory import DirectoryStore

_REMEMBERED = 10_000
_TOUCH_AFTER = Moment(60 * 1_000_000)


class Authenticator:
    """Checks names and secrets; wrong ones cost the same time whatever was wrong about them."""

    def __init__(
        self,
        directory: DirectoryStore,
        passwords: Passwords,
        sealer: Sealer,
        throttle: Throttle,
        clock: Clock,
        counters: Counters | None = None,
    ) -> None:
        self._directory = directory
        self._passwords = passwords
        self._sealer = sealer
        self._throttle = throttle
        self._clock = clock
        self._counters = counters or NoCounters()
        # Verified credentials: the key holds the auth_version, so a change makes it void.
        self._verified: OrderedDict[bytes, str] = OrderedDict()
        self._pepper = secrets.token_bytes(32)

    async def authenticate(
        self, name: str, password: Secret, *, protocol: str, peer: str
    ) -> Principal:
        """The person behind an address and a password or app password.

        `protocol` is what an app password's scopes name: imap, smtp, http.
        Raises `AuthenticationFailed`, or `TryLater` when there were too many failures.
        """
        address = normalise_address(name)
        now = self._clock.now()
        wait = self._throttle.wait_seconds(address, peer, now)
        if wait:
            raise TryLater(f"too many failed logins, try again in {wait} seconds")
        found = await self._directory.credentials_of(address)
        proven = None
        if found is not None and found[0].is_person:
            proven = await self._prove(found[0], found[1], password, protocol)
        else:
            await self._passwords.fits(None, password)
        if found is None or proven is None or found[0].disabled:
            self._throttle.failed(address, peer, password, now)
            self._counters.count(Counter.REFUSED_LOGINS, protocol)
            raise AuthenticationFailed("the name or the password is wrong")
        self._throttle.succeeded(address, peer)
        self._counters.count(Counter.LOGINS, protocol)
        return Principal(found[0], proven)

    async def program(self, token: Secret, *, peer: str) -> Program:
        """The program behind an API key. Raises `AuthenticationFailed`, `TryLater`."""
        now = self._clock.now()
        name = "api key"
        key = await self._directory.find_api_key(api_token_hash(self._sealer, token))
        tenant = None if key is None else await self._directory.find_tenant(key.tenant_id)
        if key is None or tenant is None:
            # Only who is wrong waits: keys cannot be guessed, and a proxy's address is everyone's.
            wait = self._throttle.wait_seconds(name + peer, peer, now)
            if wait:
                raise TryLater(f"too many unknown API keys, try again in {wait} seconds")
            self._throttle.failed(name + peer, peer, token, now)
            raise AuthenticationFailed("the API key is not valid")
        if key.last_used_at is None or now - key.last_used_at > _TOUCH_AFTER:
            await self._directory.touch_api_key(key.tenant_id, key.key_id, now)
        return Program(key, tenant.tenant_id, tenant.sending_account)

    async def _prove(
        self,
        account: Account,
        credentials: tuple[Credential, ...],
        password: Secret,
        protocol: str,
    ) -> str | None:
        """The id of the credential that fits, or None."""
        key = self._cache_key(account, password, protocol)
        if (known := self._verified.get(key)) is not None:
            self._verified.move_to_end(key)
            return known
        for credential in credentials:
            if credential.kind is not CredentialKind.APP_PASSWORD:
                continue
            allowed = not credential.scopes or protocol in credential.scopes
            if app_password_fits(self._sealer, credential.verifier, password) and allowed:
                return credential.credential_id
        own = next((c for c in credentials if c.kind is CredentialKind.PASSWORD), None)
        fits = await self._passwords.fits(own.verifier if own else None, password)
        if own is None or not fits:
            return None
        self._verified[key] = own.credential_id
        while len(self._verified) > _REMEMBERED:
            self._verified.popitem(last=False)
        return own.credential_id

    def _cache_key(self, account: Account, password: Secret, protocol: str) -> bytes:
        about = f"{account.account_id}\0{account.auth_version}\0{protocol}\0".encode()
        return hashlib.blake2b(
            about + password.octets(), key=self._pepper, digest_size=32
        ).digest()
