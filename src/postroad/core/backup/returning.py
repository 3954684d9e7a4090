"""Messages of one account that come back from a backup, beside those that are there."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import cast

from postroad.base.errors import NotFound, OverQuota, TryLater
from postroad.base.identifiers import new_trace_id
from postroad.base.moments import Moment, to_datetime
from postroad.core.backup.packs import Blob
from postroad.core.backup.progress import Progress
from postroad.core.backup.reading import BackupReader
from postroad.core.message.prepared import new_email, parse
from postroad.model.events import EventKind, NewEvent
from postroad.model.ids import AccountId, BlobId, MailboxId, MailboxName, TraceId, Uid
from postroad.model.mailbox import Column, Flags, Mailbox, NewEmail
from postroad.ports.bus import Bus
from postroad.ports.clock import Clock
from postroad.ports.tasks import Tasks
from postroad.stores.blobs import BlobStore
from postroad.stores.mail import MailStore

_ROWS = 1000
Arrival = tuple[NewEmail, Flags, frozenset[str]]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a message was, and how it was marked."""

    mailbox: MailboxName
    flags: Flags
    keywords: frozenset[str]
    internal_date: Moment


@dataclass(slots=True)
class Returned:
    mailboxes: dict[str, int]
    """How many messages came into which."""
    there: int = 0
    """Messages that the account has, so that they were left alone."""
    missing: int = 0
    """Messages that are not in the backup."""

    @property
    def messages(self) -> int:
        return sum(self.mailboxes.values())


class Returning:
    """Into one account, from the `old` rows of the backup and the octets that `reader` has."""

    def __init__(
        self,
        old: MailStore,
        reader: BackupReader,
        mail: MailStore,
        blobs: BlobStore,
        bus: Bus,
        tasks: Tasks,
        clock: Clock,
    ) -> None:
        self._old = old
        self._reader = reader
        self._mail = mail
        self._blobs = blobs
        self._bus = bus
        self._tasks = tasks
        self._clock = clock

    async def run(
        self,
        source: AccountId,
        target: AccountId,
        mailbox: MailboxName | None,
        made_at: Moment,
        progress: Progress,
    ) -> Returned:
        """Put what is missing into ``Restored DATE/...`` with its flags and dates.

        What the account has in any mailbox, by its octets, does not come twice; so after
        `OverQuota` it may simply be run again. Raises also `NotFound`, `DamagedPiece`, `TryLater`,
        `LowSpace`.
        """
        returned = Returned({})
        places = await self._places(source, mailbox)
        there = _There(self._mail, self._blobs)
        await there.look(target)
        wanted = {blob for blob in places if not await there.is_whole(blob)}
        returned.there = sum(len(places[blob]) for blob in places.keys() - wanted)
        folder = f"Restored {to_datetime(made_at):%Y-%m-%d}"
        found = set[BlobId]()
        async with aclosing(self._reader.blobs(wanted, progress)) as packs:
            async for blobs in packs:
                fresh = [blob for blob in blobs if blob[0] not in found]
                found.update(blob_id for blob_id, _ in fresh)
                await self._return(target, folder, fresh, places, there, returned)
        returned.missing = sum(len(places[blob]) for blob in wanted - found)
        return returned

    async def _places(
        self, account: AccountId, only: MailboxName | None
    ) -> dict[BlobId, list[_Place]]:
        """Raises `NotFound` for a mailbox that the backup does not have."""
        boxes = [box for box in await self._old.mailboxes(account) if only in (None, box.name)]
        if only is not None and not boxes:
            raise NotFound(f"the backup has no mailbox {only} of this account")
        places: defaultdict[BlobId, list[_Place]] = defaultdict(list)
        for box in boxes:
            _, placed = await self._old.placements(account, box.mailbox_id)
            looks = {
                Uid(uid): placed.combinations[look]
                for uid, look in zip(placed.uids, placed.looks, strict=True)
            }
            columns = (Column.BLOB_ID, Column.INTERNAL_DATE)
            for row in await _rows(self._old, account, box, list(looks), columns):
                uid, blob_id, date = cast("tuple[Uid, BlobId, Moment]", row)  # see Column
                flags, keywords = looks[uid]
                place = _Place(
                    box.name, Flags(flags) & ~Flags.DELETED, frozenset(keywords.split()), date
                )
                places[BlobId(bytes(blob_id))].append(place)
        return places

    async def _return(
        self,
        account: AccountId,
        folder: str,
        blobs: Sequence[Blob],
        places: dict[BlobId, list[_Place]],
        there: "_There",
        returned: Returned,
    ) -> None:
        arrivals: defaultdict[MailboxName, list[Arrival]] = defaultdict(list)
        for blob_id, octets in blobs:
            if await there.has(octets):
                returned.there += len(places[blob_id])
                continue
            parsed = await parse(bytes(octets), self._tasks)
            stored = await self._blobs.put([octets])
            for place in places[blob_id]:
                email = new_email(parsed, stored, place.internal_date, None)
                name = MailboxName(f"{folder}/{place.mailbox}")
                arrivals[name].append((email, place.flags, place.keywords))
        for name, some in arrivals.items():
            try:
                await self._append(account, name, some)
            except OverQuota as error:
                raise OverQuota(
                    f"{error}: {returned.messages} messages came back before that. Raise the "
                    "quota and run it again; what is there does not come twice."
                ) from error
            returned.mailboxes[name] = returned.mailboxes.get(name, 0) + len(some)

    async def _append(
        self, account: AccountId, name: MailboxName, arrivals: Sequence[Arrival]
    ) -> None:
        mailbox = await self._mailbox(account, name)
        now = self._clock.now()
        facts = {"way": "restore", "mailbox": name}
        events = [
            NewEvent(TraceId(new_trace_id()), EventKind.STORED, now, None, dict(facts))
            for _ in arrivals
        ]
        await self._mail.append(account, mailbox, arrivals, events)
        self._bus.announce(account)

    async def _mailbox(self, account: AccountId, name: MailboxName) -> MailboxId:
        found = await self._mail.find_mailbox(account, name)
        if found is None or not found.selectable:
            found = await self._mail.create_mailbox(account, name, None)
        return found.mailbox_id


class _There:
    """What an account has, by blob and by octets; messages are read only where sizes agree."""

    def __init__(self, mail: MailStore, blobs: BlobStore) -> None:
        self._blobs = set[BlobId]()
        self._mail = mail
        self._store = blobs
        self._by_size: defaultdict[int, set[BlobId]] = defaultdict(set)
        self._digests: dict[int, set[bytes]] = {}

    async def look(self, account: AccountId) -> None:
        for box in await self._mail.mailboxes(account):
            _, placed = await self._mail.placements(account, box.mailbox_id)
            uids = [Uid(uid) for uid in placed.uids]
            columns = (Column.BLOB_ID, Column.SIZE)
            for row in await _rows(self._mail, account, box, uids, columns):
                _, blob_id, size = cast("tuple[Uid, BlobId, int]", row)  # see Column
                self._blobs.add(BlobId(bytes(blob_id)))
                self._by_size[size].add(BlobId(bytes(blob_id)))

    async def is_whole(self, blob_id: BlobId) -> bool:
        """What is damaged is not there, here and below: it may be why somebody restores."""
        if blob_id not in self._blobs:
            return False
        with suppress(NotFound, TryLater):
            await self._store.whole([blob_id])
            return True
        return False

    async def has(self, octets: bytes | memoryview) -> bool:
        size = len(octets)
        if size not in self._by_size:
            return False
        if size not in self._digests:
            self._digests[size] = await self._digests_of(self._by_size[size])
        return hashlib.sha256(octets).digest() in self._digests[size]

    async def _digests_of(self, blobs: set[BlobId]) -> set[bytes]:
        digests = set[bytes]()
        for blob_id in blobs:
            with suppress(NotFound, TryLater):
                digests.add(hashlib.sha256((await self._store.whole([blob_id]))[0]).digest())
        return digests


async def _rows(
    store: MailStore,
    account: AccountId,
    box: Mailbox,
    uids: Sequence[Uid],
    columns: Sequence[Column],
) -> list[tuple[object, ...]]:
    rows = list[tuple[object, ...]]()
    for start in range(0, len(uids), _ROWS):
        some = uids[start : start + _ROWS]
        rows += await store.rows(account, box.mailbox_id, some, columns)
    return rows
