"""Using mailboxes: the rules that hold whichever protocol asks."""

import unicodedata
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from postroad.base.errors import Invalid, NotPermitted
from postroad.core.mailbox.cache import SnapshotCache
from postroad.core.mailbox.snapshot import Snapshot
from postroad.model.ids import AccountId, BlobId, MailboxId, MailboxName, ModSeq, Uid
from postroad.model.mailbox import (
    BlobRange,
    Column,
    Copied,
    FlagChange,
    Mailbox,
    MailboxChanges,
    MailboxCounts,
    SpecialUse,
    Stored,
)
from postroad.model.sharing import Place, Spot
from postroad.ports.bus import Bus
from postroad.stores.blobs import BlobStore, Whole
from postroad.stores.mail import MailStore, Row

INBOX = MailboxName("INBOX")
DELIMITER = "/"


@dataclass(frozen=True, slots=True)
class MailboxLimits:
    """Bounds on what one account may make."""

    slice_messages: int = 2000  # MOVE and EXPUNGE of more messages commit in slices
    slice_flags: int = 20_000  # STORE, too: rows of flags are narrow, 20,000 take a few ms
    name_octets: int = 1000
    levels: int = 50
    keyword_octets: int = 255


class MailboxService:
    """Mailboxes of one account at a time; the caller has proven that the account is its own."""

    def __init__(
        self,
        store: MailStore,
        blobs: BlobStore,
        bus: Bus,
        cache: SnapshotCache,
        limits: MailboxLimits,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._bus = bus
        self._cache = cache
        self._limits = limits

    # Mailboxes

    async def create(
        self, account: AccountId, name: MailboxName, special_use: SpecialUse | None = None
    ) -> Mailbox:
        """Raises `AlreadyExists`, `Invalid`, `TooMany`."""
        made = await self._store.create_mailbox(account, self._acceptable(name), special_use)
        self._bus.announce(account)
        return made

    async def delete(self, place: Place) -> None:
        """Raises `NotFound`, `NotPermitted` for INBOX, `InUse` for \\Noselect with children."""
        owner, mailbox = place.owner, place.mailbox
        if mailbox.name == INBOX:
            raise NotPermitted("INBOX cannot be deleted")
        await self._store.delete_mailbox(owner, mailbox.mailbox_id)
        self._cache.forget(owner, mailbox.mailbox_id)
        self._bus.announce(owner)

    async def rename(self, source: Place, target: Spot) -> None:
        """Raises `NotFound`, `AlreadyExists`, `Invalid`."""
        wanted = self._acceptable(target.name)
        if wanted.startswith(source.mailbox.name + DELIMITER):
            raise Invalid("a mailbox cannot be moved below itself")
        await self._store.rename_mailbox(source.owner, source.mailbox.name, wanted)
        self._bus.announce(source.owner)

    async def subscriptions(self, account: AccountId) -> frozenset[MailboxName]:
        return await self._store.subscriptions(account)

    async def set_subscribed(
        self, account: AccountId, name: MailboxName, *, subscribed: bool
    ) -> None:
        wanted = self._acceptable(name) if subscribed else name
        await self._store.set_subscribed(account, wanted, subscribed=subscribed)

    async def counts(self, account: AccountId, mailbox: MailboxId) -> MailboxCounts:
        return await self._store.counts(account, mailbox)

    async def quota(self, account: AccountId) -> tuple[int, int | None]:
        return await self._store.quota(account)

    # Messages

    async def snapshot(self, account: AccountId, mailbox: MailboxId) -> Snapshot:
        """The mailbox as the store has it at this moment. Raises `NotFound` once it is deleted."""
        return await self._cache.current(account, mailbox)

    async def changes(
        self, account: AccountId, mailbox: MailboxId, since: ModSeq
    ) -> MailboxChanges:
        """What changed after `since` (RFC 7162 section 3.2.5). Raises `NotFound`."""
        return await self._store.changes(account, mailbox, since)

    async def rows(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        columns: Sequence[Column],
    ) -> list[Row]:
        """`(uid, *columns)` of those that are still there; ask for a thousand at a time."""
        return await self._store.rows(account, mailbox, uids, columns)

    async def octets_of(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        columns: Sequence[Column],
    ) -> tuple[Sequence[Uid], list[bytes]]:
        """Those that are still there, and of each the first of some columns of octets."""
        return await self._store.octets_of(account, mailbox, uids, columns)

    async def store_flags(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        change: FlagChange,
        unchanged_since: ModSeq | None = None,
    ) -> Stored:
        """Change flags, in slices where there are many. Raises `NotFound`, `Invalid`."""
        if any(len(word.encode()) > self._limits.keyword_octets for word in change.keywords):
            raise Invalid(f"a keyword has at most {self._limits.keyword_octets} octets")
        mod_seq, changed, modified = ModSeq(0), list[Uid](), list[Uid]()
        for part in self._slices(uids, self._limits.slice_flags):
            done = await self._store.store_flags(account, mailbox, part, change, unchanged_since)
            mod_seq = done.mod_seq
            changed.extend(done.changed)
            modified.extend(done.modified)
        if changed:
            self._bus.announce(account)
        return Stored(mod_seq, changed, modified)

    async def copy(self, source: Place, uids: Sequence[Uid], target: Place) -> Copied:
        """Copy messages, all or none (RFC 9051 section 6.4.7).

        Raises `NoSuchTarget`, `OverQuota`, `NotFound`.
        """
        account, places = source.owner, (source.mailbox.mailbox_id, target.mailbox.mailbox_id)
        done = await self._store.copy(account, uids, *places)
        self._bus.announce(account)
        return done

    async def move(self, source: Place, uids: Sequence[Uid], target: Place) -> Copied:
        """Move messages, in slices where there are many. Raises `NoSuchTarget`, `NotFound`."""
        account, places = source.owner, (source.mailbox.mailbox_id, target.mailbox.mailbox_id)
        moved_from, moved_to = list[Uid](), list[Uid]()
        for part in self._slices(uids):
            done = await self._store.move(account, part, *places)
            moved_from.extend(done.source)
            moved_to.extend(done.target)
        if moved_from:
            # After the commit, never before: a listener must not hear of what may yet fail.
            self._bus.announce(account)
        return Copied(target.mailbox.uid_validity, moved_from, moved_to)

    async def expunge(
        self, account: AccountId, mailbox: MailboxId, uids: Sequence[Uid] | None = None
    ) -> Sequence[Uid]:
        """Remove what is marked \\Deleted, of `uids` only if given; returns what went."""
        if uids is None:
            gone = list(await self._store.expunge(account, mailbox, None))
        else:
            gone = []
            for part in self._slices(uids):
                gone.extend(await self._store.expunge(account, mailbox, part))
        if gone:
            self._bus.announce(account)
        return gone

    # Octets

    async def read(self, ranges: Sequence[BlobRange]) -> list[bytes]:
        """Octets of several messages in one hop; keep the sum to a few megabytes."""
        return await self._blobs.read(ranges)

    async def whole(self, blobs: Sequence[BlobId]) -> list[Whole]:
        """All octets of several messages in one hop; keep the sum to a few megabytes."""
        return await self._blobs.whole(blobs)

    def stream(self, wanted: BlobRange) -> AsyncIterator[bytes]:
        return self._blobs.stream(wanted)

    def _slices(self, uids: Sequence[Uid], size: int = 0) -> list[Sequence[Uid]]:
        size = size or self._limits.slice_messages
        return [uids[start : start + size] for start in range(0, len(uids), size)]

    def _acceptable(self, name: MailboxName) -> MailboxName:
        """The name in NFC without a trailing delimiter. Raises `Invalid`."""
        wanted = unicodedata.normalize("NFC", name.removesuffix(DELIMITER))
        levels = wanted.split(DELIMITER)
        if not all(levels):
            raise Invalid("a mailbox name has no empty level")
        if len(levels) > self._limits.levels:
            raise Invalid(f"a mailbox name has at most {self._limits.levels} levels")
        if len(wanted.encode()) > self._limits.name_octets:
            raise Invalid(f"a mailbox name has at most {self._limits.name_octets} octets")
        if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in wanted):
            raise Invalid("a mailbox name has no control characters")
        if levels[0].upper() == INBOX:
            levels[0] = INBOX
        return MailboxName(DELIMITER.join(levels))
