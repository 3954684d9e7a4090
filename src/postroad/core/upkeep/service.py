"""Forgetting what is old and winning its room back."""

from dataclasses import dataclass
from datetime import timedelta

from postroad.base.identifiers import minted_at_milliseconds, trace_id_at
from postroad.base.moments import Moment, after
from postroad.model.ids import BlobId, TraceId
from postroad.ports.clock import Clock
from postroad.stores.blobs import BlobStore
from postroad.stores.leases import LeaseStore
from postroad.stores.queue import ReferenceStore

BACKUP_LEASE = "backup "
"""How the names of leases begin that keep blobs from being deleted while a backup reads them."""
_SLICE = 500
_IDS = 5000
# A blob may get its first reference for a day (see adapters.sql.references); then it is an orphan.
_ORPHAN_AGE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is kept after it was needed."""

    expunged: timedelta
    submissions: timedelta
    events: timedelta
    changes: timedelta
    idempotency_keys: timedelta = timedelta(hours=24)  # as the Resend API promises


class Upkeep:
    """Duties that may run at any time, again and again; each step is a small transaction."""

    def __init__(
        self,
        references: ReferenceStore,
        blobs: BlobStore,
        leases: LeaseStore,
        clock: Clock,
        retention: Retention,
    ) -> None:
        self._references = references
        self._blobs = blobs
        self._leases = leases
        self._clock = clock
        self._retention = retention
        self._swept_to = BlobId(b"")

    async def purge(self) -> int:
        """Forget what is past its retention; how many rows that were."""
        keep = self._retention
        forgotten = 0
        while done := await self._references.purge_expunged(self._ago(keep.expunged), _SLICE):
            forgotten += done
        while done := await self._references.purge_excess(_SLICE):
            forgotten += done
        while done := await self._references.purge_settled(self._ago(keep.submissions), _SLICE):
            forgotten += done
        oldest = TraceId(trace_id_at(self._ago(keep.events)))
        while done := await self._references.purge_events(oldest, _SLICE):
            forgotten += done
        while done := await self._references.purge_changes(self._ago(keep.changes), _SLICE):
            forgotten += done
        forgotten += await self._references.purge_keys(self._ago(keep.idempotency_keys))
        return forgotten

    async def collect(self) -> int:
        """Delete blobs that lost their last reference; how many that were."""
        deleted = 0
        while blobs := await self._references.garbage(_SLICE):
            # A fresh blob may still be given a reference; its time comes later.
            ripe = [blob for blob in blobs if self._is_orphan_age(blob)]
            if await self._is_backup_reading():
                break
            await self._blobs.delete(ripe)
            await self._references.forget_garbage(ripe)
            deleted += len(ripe)
            if len(ripe) < len(blobs):
                break
        return deleted

    async def sweep(self) -> int:
        """Delete blobs that never got a reference, such as those of a crash before its commit.

        Each process looks at a blob once: one that loses its last reference later is `collect`'s.
        """
        deleted = 0
        while ids := await self._blobs.ids(self._swept_to, _IDS):
            old = [blob for blob in ids if self._is_orphan_age(blob)]
            orphans = await self._references.unreferenced(old)
            if await self._is_backup_reading():
                break
            await self._blobs.delete(orphans)
            deleted += len(orphans)
            self._swept_to = old[-1] if old else self._swept_to
            if len(old) < len(ids):
                break  # ids follow the time of minting: all that come are younger
        return deleted

    async def run(self) -> dict[str, int]:
        """All duties in their order; what each did."""
        return {
            "forgotten": await self.purge(),
            "collected": await self.collect(),
            "swept": await self.sweep(),
            "freed_octets": await self._blobs.compact(),
        }

    async def _is_backup_reading(self) -> bool:
        """To be asked between finding what nothing refers to and deleting it.

        A backup takes its lease before it looks at the references. So if there is none now, every
        later backup sees what was just seen: that nothing refers to these blobs.
        """
        return await self._leases.any_held(BACKUP_LEASE, self._clock.now())

    def _ago(self, age: timedelta) -> Moment:
        return after(self._clock.now(), -age)

    def _is_orphan_age(self, blob: BlobId) -> bool:
        limit = self._ago(_ORPHAN_AGE) // 1000
        return minted_at_milliseconds(blob) < limit
