"""Proving who somebody is: the one place that all protocols ask."""

import contextlib
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from postroad.base.errors import AuthenticationFailed, MailError, NotAuthorised, TryLater
from postroad.base.moments import Moment
from postroad.base.phrases import phrase
from postroad.base.secret import Secret
from postroad.core.auth.passwords import (
    Passwords,
    api_token_hash,
    app_password_fits,
)
from postroad.core.auth.scram import ITERATIONS, Digest, ScramVerifiers
from postroad.core.auth.sealing import Sealer
from postroad.core.auth.throttle import Throttle
from postroad.core.auth.verified import VerifiedPasswords
from postroad.formats.mailaddress import normalise_address
from postroad.model.directory import Account, Credential, CredentialKind
from postroad.model.principal import Principal, Program
from postroad.ports.clock import Clock
from postroad.ports.counters import Counter, Counters, NoCounters
from postroad.ports.tokens import TokenVerifier
from postroad.stores.directory import DirectoryStore

_MAX_ADDRESSES = 20  # of one certificate
_TOUCH_AFTER = Moment(60 * 1_000_000)


@dataclass(frozen=True, slots=True)
class _Login:
    """What is counted of an attempt."""

    address: str
    protocol: str
    peer: str


@dataclass(frozen=True, slots=True)
class ScramExchange:
    """What the server says first (RFC 5802 section 5), and how the proof is judged."""

    salt: bytes
    iterations: int
    prove: Callable[[bytes, bytes], tuple[Principal, bytes]]
    """From AuthMessage and ClientProof to who it is and ServerSignature.

    Raises `AuthenticationFailed`. Once only.
    """


log = logging.getLogger(__name__)


class Authenticator:
    """Checks names and secrets; wrong ones cost the same time whatever was wrong about them."""

    def __init__(
        self,
        directory: DirectoryStore,
        passwords: Passwords,
        sealer: Sealer,
        throttle: Throttle,
        clock: Clock,
        scram: ScramVerifiers,
        counters: Counters | None = None,
        tokens: TokenVerifier | None = None,
        verified: VerifiedPasswords | None = None,
    ) -> None:
        """Without `tokens`, no access token opens anything."""
        self._directory = directory
        self._passwords = passwords
        self._sealer = sealer
        self._throttle = throttle
        self._clock = clock
        self._scram = scram
        self._counters = counters or NoCounters()
        self._tokens = tokens
        self._verified = verified or VerifiedPasswords()

    async def authenticate(
        self, name: str, password: Secret, *, protocol: str, peer: str
    ) -> Principal:
        """The person behind an address and a password or app password.

        `protocol` is what an app password's scopes name: imap, smtp, http.
        Raises `AuthenticationFailed`, or `TryLater` when there were too many failures.
        """
        address = self._admitted(name, peer)
        found = await self._directory.credentials_of(address)
        proven = None
        if found is not None and found[0].may_log_in:
            proven = await self._prove(found[0], found[1], password, protocol)
        else:
            await self._passwords.fits(None, password)
        login = _Login(address, protocol, peer)
        return self._concluded(login, None if found is None else found[0], proven, password)

    async def scram(
        self, name: str, digest: Digest, *, protocol: str, peer: str
    ) -> "ScramExchange":
        """Begin an exchange of SCRAM, alike for names that are known and those that are not.

        Raises `TryLater` when there were too many failures.
        """
        address = self._admitted(name, peer)
        found = await self._directory.credentials_of(address)
        account, credentials = found if found is not None and found[0].may_log_in else (None, ())
        candidates = self._scram.candidates(credentials, protocol)

        def conclude(auth_message: bytes, proof: bytes) -> tuple[Principal, bytes]:
            proven = self._scram.prove(candidates, address, digest, auth_message, proof)
            # Limit: a proof tells nothing of the password, so the same wrong one counts each time.
            wrong = Secret(secrets.token_hex(8))
            credential, signature = proven or (None, b"")
            login = _Login(address, protocol, peer)
            return self._concluded(login, account, credential, wrong), signature

        return ScramExchange(self._scram.salt(address), ITERATIONS, conclude)

    async def bearer(self, token: Secret, name: str, *, protocol: str, peer: str) -> Principal:
        """The person that an access token of OAuth is of; `name` is "" or says the same.

        Raises `AuthenticationFailed`, `NotAuthorised` for the token of another, `TryLater`.
        """
        address = normalise_address(name)
        # Security: who names nobody is counted by the peer: else any could lock all of them out.
        login = _Login(self._admitted(name or f"token {peer}", peer), protocol, peer)
        try:
            if self._tokens is None:
                raise AuthenticationFailed("tokens are not taken")
            told = normalise_address((await self._tokens.verify(token)).name)
        except AuthenticationFailed as error:
            log.info("a token was refused", extra={"why": str(error), "peer": peer})
            return self._concluded(login, None, None, token)
        if address and told != address:
            self._throttle.failed(address, peer, token, self._clock.now())
            self._counters.count(Counter.REFUSED_LOGINS, protocol)
            raise NotAuthorised("the token is of somebody else")
        account = await self._directory.find_account(told)
        known = account if account is not None and account.may_log_in else None
        return self._concluded(replace(login, address=told), known, "oauth", token)

    async def certified(
        self, addresses: Sequence[str], name: str, *, protocol: str, peer: str
    ) -> Principal:
        """The person of a certificate that was verified, by the addresses that it names.

        `name` says which one, "" when only one of them has an account. Raises
        `AuthenticationFailed`, `NotAuthorised` for an address that is not in it.
        """
        mine = dict.fromkeys(normalise_address(one) for one in addresses[:_MAX_ADDRESSES])
        wanted = normalise_address(name)
        if wanted and wanted not in mine:
            raise NotAuthorised("the certificate is of somebody else")
        found = [
            account
            for address in ([wanted] if wanted else mine)
            if (account := await self._directory.find_account(address)) is not None
            and account.may_log_in
        ]
        account = found[0] if len(found) == 1 else None
        address = account.address if account is not None else next(iter(mine), "")
        login = _Login(address, protocol, peer)
        return self._concluded(login, account, "certificate", Secret("certificate"))

    def _admitted(self, name: str, peer: str) -> str:
        """The address in its normalised form. Raises `TryLater` for who failed too often."""
        address = normalise_address(name)
        wait = self._throttle.wait_seconds(address, peer, self._clock.now())
        if wait:
            raise TryLater(
                phrase("too many failed logins, try again in {wait} seconds", wait=wait)
            )
        return address

    def _concluded(
        self, login: "_Login", account: Account | None, proven: str | None, secret: Secret
    ) -> Principal:
        """Count how it ended. Raises `AuthenticationFailed`, whatever it was that was wrong."""
        if account is None or proven is None or account.disabled or not account.may_log_in:
            self._throttle.failed(login.address, login.peer, secret, self._clock.now())
            self._counters.count(Counter.REFUSED_LOGINS, login.protocol)
            raise AuthenticationFailed("the name or the password is wrong")
        self._throttle.succeeded(login.address, login.peer)
        self._counters.count(Counter.LOGINS, login.protocol)
        return Principal(account, proven)

    async def program(self, token: Secret, *, peer: str) -> Program:
        """The program behind an API key. Raises `AuthenticationFailed`, `TryLater`."""
        now = self._clock.now()
        name = "api key"
        found = await self._directory.find_program(api_token_hash(self._sealer, token))
        if found is None:
            # Only who is wrong waits: keys cannot be guessed, and a proxy's address is everyone's.
            wait = self._throttle.wait_seconds(name + peer, peer, now)
            if wait:
                raise TryLater(
                    phrase("too many unknown API keys, try again in {wait} seconds", wait=wait)
                )
            self._throttle.failed(name + peer, peer, token, now)
            raise AuthenticationFailed("the API key is not valid")
        key = found.key
        if key.last_used_at is None or now - key.last_used_at > _TOUCH_AFTER:
            await self._directory.touch_api_key(key.tenant_id, key.key_id, now)
        return found

    async def _prove(
        self,
        account: Account,
        credentials: tuple[Credential, ...],
        password: Secret,
        protocol: str,
    ) -> str | None:
        """The id of the credential that fits, or None."""
        if (known := self._verified.find(account, password, protocol)) is not None:
            return known
        for credential in credentials:
            if credential.kind is not CredentialKind.APP_PASSWORD:
                continue
            allowed = not credential.scopes or protocol in credential.scopes
            if app_password_fits(self._sealer, credential.verifier, password) and allowed:
                await self._keep_scram(account, credential, password)
                return credential.credential_id
        own = next((c for c in credentials if c.kind is CredentialKind.PASSWORD), None)
        fits = await self._passwords.fits(own.verifier if own else None, password)
        if own is None or not fits:
            return None
        await self._keep_scram(account, own, password)
        self._verified.add(account, password, protocol, own.credential_id)
        return own.credential_id

    async def _keep_scram(
        self, account: Account, credential: Credential, password: Secret
    ) -> None:
        """For later logins by SCRAM; a store that cannot keep it now is no reason to refuse."""
        scram = await self._scram.make_if_wanted(account, credential, password)
        if scram is not None:
            with contextlib.suppress(MailError):
                await self._directory.keep_scram(credential, scram)
