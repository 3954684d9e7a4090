"""DKIM signatures for what leaves (RFC 6376, RFC 8463): every key of the author's domain signs."""

from collections import OrderedDict

from postroad.base.moments import Moment, to_datetime
from postroad.core.auth.sealing import Sealer
from postroad.core.message.headers import header_end
from postroad.formats.dkim.canonical import BodyHasher, Canonicalisation
from postroad.formats.dkim.keys import load_pem
from postroad.formats.dkim.signing import SigningKey, sign
from postroad.model.directory import DkimKey
from postroad.ports.spool import Octets
from postroad.ports.tasks import Tasks
from postroad.stores.directory import DirectoryStore

_INLINE_OCTETS = 262_144
_WINDOW = 1_048_576
_KEPT = 1000
PURPOSE = "DKIM key"


class Signer:
    def __init__(self, directory: DirectoryStore, sealer: Sealer, tasks: Tasks) -> None:
        self._directory = directory
        self._sealer = sealer
        self._tasks = tasks
        self._opened: OrderedDict[tuple[str, str, bytes], SigningKey] = OrderedDict()

    async def signatures(
        self, domain: str, octets: Octets, at: Moment, known: tuple[DkimKey, ...] | None = None
    ) -> bytes:
        """DKIM-Signature fields to put before the message; empty when the domain has no keys.

        Who has just looked the keys up brings them along.
        """
        keys = await self.keys(domain) if known is None else self._all(known)
        if not keys:
            return b""
        if len(octets) <= _INLINE_OCTETS:
            return _sign(octets, keys, at)
        return await self._tasks.offload(lambda: _sign(octets, keys, at))

    async def keys(self, domain: str) -> list[SigningKey]:
        """Raises `Invalid` when the master key does not open them."""
        return self._all(await self._directory.dkim_keys(domain))

    def _all(self, keys: tuple[DkimKey, ...]) -> list[SigningKey]:
        return [self._open(key.domain, key.selector, key.sealed_key) for key in keys]

    def _open(self, domain: str, selector: str, sealed: bytes) -> SigningKey:
        name = domain, selector, sealed[:24]
        known = self._opened.get(name)
        if known is None:
            pem = self._sealer.open(PURPOSE, f"{selector}._domainkey.{domain}", sealed)
            known = self._opened[name] = SigningKey(domain, selector, load_pem(pem))
            while len(self._opened) > _KEPT:
                self._opened.popitem(last=False)
        return known


def _sign(octets: Octets, keys: list[SigningKey], at: Moment) -> bytes:
    end = header_end(octets)
    hasher = BodyHasher(Canonicalisation.RELAXED)
    for start in range(end + 2, len(octets), _WINDOW):
        hasher.update(octets[start : start + _WINDOW])
    return sign(octets[:end], hasher.finish(), keys, signed_at=to_datetime(at))
