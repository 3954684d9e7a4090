"""Slow down who guesses: failed logins by account, by address and by network."""

import hashlib
import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from postroad.base.moments import Moment
from postroad.base.secret import Secret

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class ThrottleSettings:
    """Failures that are free within `window_seconds`, for each kind of name; more must wait."""

    account: int = 10
    """Failures for one account; the same wrong password counts once."""
    address: int = 20
    """Failures from one address."""
    network: int = 100
    """Failures from one network, a /24 of IPv4 or a /48 of IPv6."""
    window_seconds: int = 600
    """Failures older than this are forgotten, and whoever waits may try again."""
    entries: int = 50_000
    """Names kept at a time, to bound the memory; the oldest goes."""


@dataclass(slots=True)
class _Entry:
    since: Moment
    failures: int = 0
    passwords: set[str] = field(default_factory=set)


Tell = Callable[[str, str, str, str, int], None]
"""Topic, account, address, digest of the password (of a failure), and when."""
FAILED, SUCCEEDED = "login failed", "login succeeded"


class Throttle:
    """Counts in memory; the same wrong password for the same account counts once.

    A person whose old phone repeats an old password is not locked out by it; who tries many
    passwords, or one password on many accounts, is. Nor is a person locked out by what others try:
    where the account has logged in from, only the failures from there count.

    Where several processes serve, each tells the others and hears of what they saw, so that a
    guesser gains nothing by their number.
    """

    def __init__(self, settings: ThrottleSettings, tell: Tell | None = None) -> None:
        self._settings = settings
        self._tell = tell
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._at_home: OrderedDict[tuple[str, str], None] = OrderedDict()  # account and address

    def wait_seconds(self, account: str, peer: str, now: Moment) -> int:
        """How long until another attempt is taken; 0: now."""
        waits = [0]
        names = self._names(account, peer)
        for key, free in names[1:] if (account, peer) in self._at_home else names:
            entry = self._entries.get(key)
            if entry is not None and entry.failures >= free:
                end = entry.since + self._settings.window_seconds * _MICROSECONDS
                waits.append(-(-(end - now) // _MICROSECONDS))
        return max(waits)

    def failed(self, account: str, peer: str, password: Secret, now: Moment) -> None:
        digest = hashlib.blake2b(
            account.encode() + b"\0" + password.octets(), digest_size=8
        ).hexdigest()
        self.hear_failed(account, peer, digest, now)
        if self._tell is not None:
            self._tell(FAILED, account, peer, digest, now)

    def hear_failed(self, account: str, peer: str, digest: str, now: Moment) -> None:
        """A login failed, here or in another process."""
        for key, _ in self._names(account, peer):
            entry = self._entries.get(key)
            if entry is None or now - entry.since > self._settings.window_seconds * _MICROSECONDS:
                entry = self._entries[key] = _Entry(now)
            if digest not in entry.passwords:
                entry.failures += 1
                if len(entry.passwords) < self._settings.network:
                    entry.passwords.add(digest)
            self._entries.move_to_end(key)
        while len(self._entries) > self._settings.entries:
            self._entries.popitem(last=False)

    def succeeded(self, account: str, peer: str) -> None:
        is_news = ("account", account) in self._entries or (account, peer) not in self._at_home
        self.hear_succeeded(account, peer)
        if is_news and self._tell is not None:
            self._tell(SUCCEEDED, account, peer, "", 0)

    def hear_succeeded(self, account: str, peer: str) -> None:
        """A login was right, here or in another process."""
        self._entries.pop(("account", account), None)
        self._at_home[account, peer] = None
        self._at_home.move_to_end((account, peer))
        if len(self._at_home) > self._settings.entries:
            self._at_home.popitem(last=False)

    def _names(self, account: str, peer: str) -> list[tuple[tuple[str, str], int]]:
        settings = self._settings
        return [  # the account first, see `wait_seconds`
            (("account", account), settings.account),
            (("address", peer), settings.address),
            (("network", _network(peer)), settings.network),
        ]


def _network(peer: str) -> str:
    """The /24 or /48 that an address lies in."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    bits = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network((address, bits), strict=False))
