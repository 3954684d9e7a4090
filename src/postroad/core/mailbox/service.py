"""Using mailboxes: the rules that hold whichever protocol asks."""

import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

from postroad.base.errors import Invalid, NotPermitted
from postroad.base.phrases import phrase
from postroad.core.mailbox.cache import SnapshotCache
from postroad.core.mailbox.extras import Extras
from postroad.core.mailbox.happenings import Cause, Happening, Happenings
from postroad.core.mailbox.permitted import permitted_change, require
from postroad.core.mailbox.recent import Recents
from postroad.core.mailbox.snapshot import Snapshot
from postroad.core.mailbox.virtual import VirtualMailboxes
from postroad.model.ids import AccountId, BlobId, EmailId, MailboxId, MailboxName, ModSeq, Uid
from postroad.model.labels import Held, LabelChange
from postroad.model.mailbox import (
    BlobRange,
    Column,
    Copied,
    FlagChange,
    Joined,
    Mailbox,
    MailboxChanges,
    MailboxCounts,
    SpecialUse,
    Stored,
)
from postroad.model.sharing import ALL_RIGHTS, Place, Rights, Spot
from postroad.ports.bus import Bus
from postroad.stores.blobs import BlobStore, Whole
from postroad.stores.mail import MailStore, Row

T = TypeVar("T")
INBOX = MailboxName("INBOX")
DELIMITER = "/"
Told = Callable[[int], None]
"""What is done in slices says after each how many messages are dealt with."""


@dataclass(frozen=True, slots=True)
class MailboxLimits:
    """Bounds on what one account may make."""

    slice_messages: int = 2000  # MOVE and EXPUNGE of more messages commit in slices
    slice_flags: int = 20_000  # STORE, too: rows of flags are narrow, 20,000 take a few ms
    name_octets: int = 1000
    levels: int = 50
    keyword_octets: int = 255


def _nobody(done: int) -> None:
    """Where nobody wants to know."""


class MailboxService:
    """Mailboxes as `Reach` gives them out; what is done with one is held against its rights."""

    def __init__(
        self,
        store: MailStore,
        blobs: BlobStore,
        bus: Bus,
        cache: SnapshotCache,
        limits: MailboxLimits,
        virtual: VirtualMailboxes | None = None,
        extras: Extras | None = None,
        happenings: Happenings | None = None,
    ) -> None:
        self.extras = extras or Extras()
        self._store = store
        self._recents = Recents(store)
        self._blobs = blobs
        self._bus = bus
        self._cache = cache
        self._limits = limits
        self._virtual = virtual
        self._happenings = happenings or Happenings(bus)

    # Mailboxes

    async def create(self, spot: Spot, special_use: SpecialUse | None = None) -> Mailbox:
        """Raises `AlreadyExists`, `Invalid`, `TooMany`, `NotPermitted`."""
        if special_use is not None and spot.is_foreign:
            raise NotPermitted("only the owner says what a mailbox is for")
        name = self._acceptable(spot.name)
        made = await self._store.create_mailbox(spot.owner, name, special_use)
        self._bus.announce(spot.owner)
        return made

    async def delete(self, place: Place) -> None:
        """Raises `NotFound`, `NotPermitted` for INBOX, `InUse` for \\Noselect with children."""
        owner, mailbox = place.owner, place.mailbox
        if mailbox.name == INBOX:
            raise NotPermitted("INBOX cannot be deleted")
        if place.is_virtual and self._virtual is not None:
            await self._virtual.delete(place)
        else:
            await self._store.delete_mailbox(owner, mailbox.mailbox_id)
        self._cache.forget(owner, mailbox.mailbox_id)
        self._bus.announce(owner)

    async def rename(self, source: Place, target: Spot) -> None:
        """Raises `NotFound`, `AlreadyExists`, `Invalid`, `NotPermitted`."""
        if source.is_virtual:
            raise Invalid("virtual mailboxes keep their names")
        if source.owner != target.owner:
            raise NotPermitted("a mailbox cannot be moved to another account")
        if source.spot.is_foreign and source.mailbox.name == INBOX:
            raise NotPermitted("only its owner can rename an INBOX")
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

    async def current(self, place: Place) -> Place:
        """The place with the mailbox as it is now, where reading its row is not enough.

        Raises `NotFound`, `TryLater`.
        """
        if not place.is_virtual or self._virtual is None:
            return place
        mailbox = await self._virtual.refresh(place.owner, place.mailbox.mailbox_id)
        return replace(place, mailbox=mailbox)

    async def counts(self, place: Place) -> MailboxCounts:
        return await self._store.counts(place.owner, place.mailbox.mailbox_id, place.viewer)

    # Messages

    async def snapshot(self, place: Place, *, just_read: bool = False) -> Snapshot:
        """The mailbox as the store has it at this moment. Raises `NotFound` once it is deleted.

        With `just_read` the row in `place` was read for the command that asks.
        """
        await self.current(place)
        row = place.mailbox if just_read and not place.is_virtual else None
        mailbox = place.mailbox.mailbox_id
        return await self._cache.current(place.owner, mailbox, place.viewer, row)

    async def claim_recent(self, place: Place, mailbox: Mailbox) -> range:
        """The UIDs that a session is the first to be told of; `mailbox` as a snapshot has it."""
        return await self._recents.claim(place.owner, mailbox)

    async def changes(self, place: Place, since: ModSeq) -> MailboxChanges:
        """What changed after `since` (RFC 7162 section 3.2.5). Raises `NotFound`."""
        mailbox = place.mailbox.mailbox_id
        return await self._store.changes(place.owner, mailbox, since, place.viewer)

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
        emails: Sequence[EmailId] = (),
    ) -> tuple[Sequence[Uid], Joined | list[bytes]]:
        """Those that are still there, and of each the first of some columns of octets.

        `emails`, as the snapshot has them, make it faster.
        """
        return await self._store.octets_of(account, mailbox, uids, columns, emails)

    async def store_flags(
        self,
        place: Place,
        uids: Sequence[Uid],
        change: FlagChange,
        unchanged_since: ModSeq | None = None,
        told: Told = _nobody,
    ) -> Stored:
        """Change flags as far as the rights go, in slices where there are many.

        Raises `NotFound`, `Invalid`, `NotPermitted`.
        """
        change = permitted_change(change, place.rights)
        account, mailbox, viewer = place.owner, place.mailbox.mailbox_id, place.viewer
        if any(len(word.encode()) > self._limits.keyword_octets for word in change.keywords):
            raise Invalid(
                phrase(
                    "a keyword has at most {most} octets",
                    most=self._limits.keyword_octets,
                )
            )
        slices = []
        for part in _slices(uids, self._limits.slice_flags, told):
            done = await self._store.store_flags(
                account, mailbox, part, change, unchanged_since, viewer
            )
            self._cache.flagged(account, mailbox, done)
            slices.append(done)
            flagged = Happening(Cause.FLAG, place, done.changed, change, done.became)
            self._happenings.happened(flagged)
        return _together(slices)

    async def copy(self, source: Place, uids: Sequence[Uid], target: Place) -> Copied:
        """Copy messages, all or none (RFC 9051 section 6.4.7), also to another account.

        Raises `NoSuchTarget`, `OverQuota`, `NotFound`, `NotPermitted`.
        """
        done = await self._copy(source, uids, target)
        self._happenings.happened(Happening(Cause.COPY, target, done.target))
        return done

    async def _copy(self, source: Place, uids: Sequence[Uid], target: Place) -> Copied:
        if not _is_plain(source, target):
            return await self._transfer(source, uids, target, keep=True)
        mailboxes = source.mailbox.mailbox_id, target.mailbox.mailbox_id
        return await self._store.copy(source.owner, uids, *mailboxes)

    async def move(
        self, source: Place, uids: Sequence[Uid], target: Place, told: Told = _nobody
    ) -> Copied:
        """Move messages, in slices where there are many, also to another account.

        Raises `NoSuchTarget`, `NotFound`, `OverQuota`, `NotPermitted`.
        """
        require(source.rights, Rights.DELETE_MESSAGES | Rights.EXPUNGE)
        moved_from, moved_to = list[Uid](), list[Uid]()
        for part in _slices(uids, self._limits.slice_messages, told):
            done = await self._move(source, part, target)
            moved_from.extend(done.source)
            moved_to.extend(done.target)
            self._happenings.happened(Happening(Cause.COPY, target, done.target))
            if done.source and source.owner != target.owner:
                self._bus.announce(source.owner)
        return Copied(target.mailbox.uid_validity, moved_from, moved_to)

    async def _move(self, source: Place, uids: Sequence[Uid], target: Place) -> Copied:
        if not _is_plain(source, target):
            return await self._transfer(source, uids, target, keep=False)
        mailboxes = source.mailbox.mailbox_id, target.mailbox.mailbox_id
        return await self._store.move(source.owner, uids, *mailboxes)

    async def _transfer(
        self, source: Place, uids: Sequence[Uid], target: Place, *, keep: bool
    ) -> Copied:
        require(target.rights, Rights.INSERT)
        sides = source.side, target.side
        return await self._store.transfer(uids, *sides, target.rights, keep=keep)

    async def held(self, place: Place, emails: Sequence[EmailId]) -> list[Held]:
        """Where the owner has these emails; ask for a thousand at a time."""
        return await self._store.held(place.owner, emails)

    async def relabel(
        self,
        places: Mapping[MailboxId, Place],
        emails: Sequence[EmailId],
        change: LabelChange,
        told: Told = _nobody,
    ) -> None:
        """Change in which of `places`, which are all of one owner, these emails are.

        Raises `NoSuchTarget`, `OverQuota`, `Invalid` where one would be in none.
        """
        owner = next(iter(places.values())).owner
        for some in _slices(emails, self._limits.slice_messages, told):
            placed = await self._store.relabel(owner, some, change)
            self._bus.announce(owner)
            for mailbox, uids in placed:
                self._happenings.happened(Happening(Cause.COPY, places[mailbox], uids))

    async def expunge(
        self, place: Place, uids: Sequence[Uid], told: Told = _nobody
    ) -> Sequence[Uid]:
        """Remove those of `uids` that are marked \\Deleted; returns what went.

        Raises `NotFound`, `NotPermitted`.
        """
        require(place.rights, Rights.EXPUNGE)
        gone = list[Uid]()
        for part in _slices(uids, self._limits.slice_messages, told):
            went = await self._store.expunge(place.owner, place.mailbox.mailbox_id, part)
            gone.extend(went)
            if went:
                self._bus.announce(place.owner)
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

    def _acceptable(self, name: MailboxName) -> MailboxName:
        """The name in NFC without a trailing delimiter. Raises `Invalid`."""
        wanted = unicodedata.normalize("NFC", name.removesuffix(DELIMITER))
        levels = wanted.split(DELIMITER)
        if not all(levels):
            raise Invalid("a mailbox name has no empty level")
        if len(levels) > self._limits.levels:
            raise Invalid(
                phrase("a mailbox name has at most {most} levels", most=self._limits.levels)
            )
        if len(wanted.encode()) > self._limits.name_octets:
            raise Invalid(
                phrase(
                    "a mailbox name has at most {most} octets",
                    most=self._limits.name_octets,
                )
            )
        if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in wanted):
            raise Invalid("a mailbox name has no control characters")
        if levels[0].upper() == INBOX:
            levels[0] = INBOX
        return MailboxName(DELIMITER.join(levels))


def _slices(items: Sequence[T], size: int, told: Told) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
        told(min(start + size, len(items)))


def _is_plain(source: Place, target: Place) -> bool:
    """Within one account, by its owner: the rows are the same in both mailboxes."""
    is_owner = source.viewer is None and target.viewer is None and target.rights == ALL_RIGHTS
    return is_owner and source.owner == target.owner


def _together(slices: Sequence[Stored]) -> Stored:
    """What came of a change in slices."""
    if len(slices) == 1:
        return slices[0]
    if not slices:
        return Stored(ModSeq(0), (), ())
    is_chain = all(one.mod_seq == next_one.before for one, next_one in pairwise(slices))
    return Stored(
        slices[-1].mod_seq,
        [uid for done in slices for uid in done.changed],
        [uid for done in slices for uid in done.modified],
        slices[0].before if is_chain else None,
    )
