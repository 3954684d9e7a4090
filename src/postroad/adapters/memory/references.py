"""References to blobs in memory, and forgetting what is old."""

from collections.abc import Sequence

from postroad.adapters.memory.state import Box, Kept, MemoryState, Owner, VirtualBox
from postroad.base.moments import Moment
from postroad.model.ids import AccountId, BlobId, ModSeq, TraceId
from postroad.stores.queue import ReferenceStore


class MemoryReferenceStore(ReferenceStore):
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def purge_expunged(self, before: Moment, limit: int) -> int:
        purged = 0
        for account, owner in self._state.owners.items():
            old = [kept for kept in owner.expunged if kept.at < before][: limit - purged]
            for kept in old:
                self._forget(account, owner, kept)
            purged += len(old)
        return purged

    async def purge_excess(self, limit: int) -> int:
        purged = 0
        for account, owner in self._state.owners.items():
            if (quota_octets := owner.limits.octets) is None:
                continue
            while purged < limit and _kept_octets(owner) > quota_octets // 2:
                self._forget(account, owner, min(owner.expunged, key=lambda kept: kept.at))
                purged += 1
        return purged

    def _forget(self, account: AccountId, owner: Owner, old: Kept) -> None:
        """And drop the email when it is in no mailbox, and not kept for another one either."""
        owner.expunged.remove(old)
        email = old.placed.email
        kept = any(one.placed.email.email_id == email.email_id for one in owner.expunged)
        if not kept and next(owner.holders(email.email_id), None) is None:
            del owner.emails[email.email_id]
            self._state.dropped(account, [email.new.blob_id])

    async def purge_settled(self, before: Moment, limit: int) -> int:
        old = [
            key
            for key, entry in self._state.entries.items()
            if entry.settled_at is not None and entry.settled_at < before
        ][:limit]
        for key in old:
            entry = self._state.entries.pop(key)
            self._state.dropped(key[0], [entry.new.blob_id])
        return len(old)

    async def purge_keys(self, before: Moment) -> int:
        used = self._state.used_keys
        old = [key for key, one in used.items() if one.created_at < before]
        for key in old:
            del used[key]
        return len(old)

    async def purge_events(self, before: TraceId, limit: int) -> int:
        events = self._state.events
        traces = sorted({one.trace_id for one in events if one.trace_id < before})[:limit]
        kept = [one for one in events if one.trace_id not in traces]
        purged = len(events) - len(kept)
        self._state.events = kept
        return purged

    async def purge_changes(self, before: Moment, limit: int) -> int:
        forgotten = mailboxes = 0
        for owner in self._state.owners.values():
            boxes: list[Box | VirtualBox] = [*owner.boxes.values(), *owner.virtual.values()]
            for box in boxes:
                old = [mod_seq for mod_seq, at in box.log if at < before]
                if not old or mailboxes == limit:
                    continue
                last = max(old)
                box.log = [one for one in box.log if one[0] > last]
                box.oldest_known_mod_seq = max(box.oldest_known_mod_seq, ModSeq(last))
                mailboxes += 1
                forgotten += len(old)
        return forgotten

    async def unreferenced(self, blobs: Sequence[BlobId]) -> list[BlobId]:
        return [blob for blob in blobs if not self._state.is_referred(blob)]

    async def garbage(self, limit: int) -> list[BlobId]:
        candidates = sorted(self._state.garbage)[:limit]
        found = await self.unreferenced(candidates)
        self._state.garbage -= set(candidates) - set(found)
        return found

    async def forget_garbage(self, blobs: Sequence[BlobId]) -> None:
        self._state.garbage -= set(blobs)

    async def references(self, after: BlobId, limit: int) -> list[tuple[AccountId, BlobId]]:
        pairs = sorted(
            (blob, account)
            for account in self._state.owners
            for blob in self._state.blobs_of(account)
            if blob > after
        )
        return [(account, blob) for blob, account in pairs[:limit]]

    async def check(self) -> list[str]:
        faults = []
        for account, owner in self._state.owners.items():
            for box in owner.boxes.values():
                place = f"account {account}, mailbox {box.name}"
                uids = list(box.placed)
                if uids != sorted(uids) or (uids and uids[-1] >= box.uid_next):
                    faults.append(f"{place}: UIDs are out of order or beyond UIDNEXT")
                if any(placed.mod_seq > box.mod_seq for placed in box.placed.values()):
                    faults.append(f"{place}: a MODSEQ is beyond HIGHESTMODSEQ")
                faults.extend(
                    f"{place}: UID {uid} has no email"
                    for uid, placed in box.placed.items()
                    if owner.emails.get(placed.email.email_id) is not placed.email
                )
        return faults


def _kept_octets(owner: Owner) -> int:
    return sum(kept.placed.email.new.size for kept in owner.expunged)
