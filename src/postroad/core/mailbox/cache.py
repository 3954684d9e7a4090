"""Snapshots of mailboxes in this process, each kept once however many sessions look."""

from collections import OrderedDict

from postroad.core.mailbox.snapshot import Snapshot, apply, flagged
from postroad.model.ids import AccountId, MailboxId
from postroad.model.mailbox import Mailbox, Stored
from postroad.stores.mail import MailStore

_OCTETS_PER_MESSAGE = 24
_OCTETS_PER_SNAPSHOT = 2000
_Key = tuple[AccountId, MailboxId, AccountId | None]  # owner, mailbox, viewer


class SnapshotCache:
    """Keeps snapshots up to `max_octets`; the one used longest ago goes first.

    What a session still holds stays alive with the session, so eviction costs time, not truth.
    """

    def __init__(self, store: MailStore, max_octets: int = 64 * 2**20) -> None:
        self._store = store
        self._max_octets = max_octets
        self._octets = 0
        self._kept: OrderedDict[_Key, Snapshot] = OrderedDict()

    async def current(
        self,
        account: AccountId,
        mailbox: MailboxId,
        viewer: AccountId | None = None,
        row: Mailbox | None = None,
    ) -> Snapshot:
        """The mailbox as the store has it now. Raises `NotFound`.

        With `viewer`, \\Seen is what that person has seen. `row` is the mailbox's own as it was
        read a moment ago: where nothing happened since the snapshot, it says so.
        """
        key = account, mailbox, viewer
        known = self._kept.get(key)
        if known is None:
            return self._keep(key, await self._read(key))
        self._kept.move_to_end(key)
        if row == known.mailbox:
            return known
        changes = await self._store.changes(account, mailbox, known.mod_seq, viewer)
        if changes.mailbox.uid_validity != known.mailbox.uid_validity or not changes.complete:
            return self._keep(key, await self._read(key))
        if changes.mailbox == known.mailbox:
            return known
        return self._keep(key, apply(known, changes))

    def flagged(self, account: AccountId, mailbox: MailboxId, done: Stored) -> None:
        """Take a change of flags over, if it came right behind what is known."""
        key = account, mailbox, None
        known = self._kept.get(key)
        if done.before is None or known is None or known.mod_seq != done.before:
            return
        if (changed := flagged(known, done)) is not None:
            self._keep(key, changed)

    def forget(self, account: AccountId, mailbox: MailboxId) -> None:
        """What is kept for other viewers goes by itself, when it was not used for long."""
        self._drop((account, mailbox, None))

    def _drop(self, key: _Key) -> None:
        known = self._kept.pop(key, None)
        if known is not None:
            self._octets -= _cost(known)

    async def _read(self, key: _Key) -> Snapshot:
        return Snapshot(*await self._store.placements(*key))

    def _keep(self, key: _Key, snapshot: Snapshot) -> Snapshot:
        # Two readers may have asked at the same time: the later state stays.
        other = self._kept.get(key)
        if other is not None and other.mod_seq > snapshot.mod_seq:
            return other
        self._drop(key)
        self._kept[key] = snapshot
        self._octets += _cost(snapshot)
        while self._octets > self._max_octets and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))
        return snapshot


def _cost(snapshot: Snapshot) -> int:
    return _OCTETS_PER_SNAPSHOT + _OCTETS_PER_MESSAGE * len(snapshot)
