"""The selected mailbox as one client has been told about it."""

from array import array
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from postroad.base.errors import NotFound
from postroad.core.mailbox.service import MailboxService
from postroad.core.mailbox.snapshot import Snapshot, difference, lacking
from postroad.model.ids import AccountId, MailboxId, ModSeq, Uid, UidValidity
from postroad.model.mailbox import Flags, Stored
from postroad.model.sharing import ALL_RIGHTS, Place, Rights
from postroad.sessions.imap import flags
from postroad.sessions.imap.kept import Update
from postroad.sessions.imap.recent import RecentMessages
from postroad.wire.errors import BadSyntax
from postroad.wire.imap.responses import (
    MODSEQ,
    UID,
    Condition,
    Exists,
    Expunged,
    Fetched,
    Recent,
    Response,
    Status,
    Told,
    ToldJoined,
    Vanished,
    flag_list,
)
from postroad.wire.imap.responses import Flags as FlagList
from postroad.wire.imap.sequence import SequenceSet, Span, merged, spans_of

_BATCH = 2000


@dataclass(frozen=True, slots=True)
class Batch:
    """Some messages: their numbers, UIDs, and places in the snapshot, all ascending."""

    numbers: Sequence[int]
    uids: Sequence[int]
    places: Sequence[int]

    def cut(self, some: slice) -> "Batch":
        return Batch(self.numbers[some], self.uids[some], self.places[some])

    def names(self, *, uid_only: bool) -> Sequence[int]:
        """What the messages are called in responses about them."""
        return self.uids if uid_only else self.numbers

    def fetched(self, told: Sequence[Told | ToldJoined], *, uid_only: bool) -> Fetched:
        return Fetched(self.names(uid_only=uid_only), told, by_uid=uid_only)

    def of(self, values: "array[int]") -> Sequence[int]:
        """Of a column of the snapshot what is said of these messages."""
        if isinstance(places := self.places, range):
            return values[places.start : places.stop]
        return [values[place] for place in places]


Renewal = Callable[[Place], Awaitable[Place]]
"""The place with the rights as they are now."""


async def _unchanged(place: Place) -> Place:
    return place


class Selected:
    """Sequence numbers and what the client knows; the truth is in `snapshot`.

    `uids` are the messages in the client's numbering. It is the array of the snapshot itself
    unless expunges are still to be announced, so a session costs nothing for each message.
    `announced` is the snapshot whose flags the client was told; `snapshot` is the newest read.
    """

    def __init__(
        self,
        mailboxes: MailboxService,
        place: Place,
        snapshot: Snapshot,
        *,
        read_only: bool,
        renewed: Renewal = _unchanged,
    ) -> None:
        self._mailboxes = mailboxes
        self._renewed = renewed
        self.place = place
        self._rights_told = place.rights  # in FLAGS and PERMANENTFLAGS
        self.read_only = read_only
        self.uids = snapshot.uids
        self.announced = snapshot
        self.snapshot = snapshot
        self.saved: Sequence[int] = ()  # ``$``, the result of the last SEARCH with SAVE
        self.updates: dict[bytes, Update] = {}  # by the tag of the search (RFC 5267)
        self.recent = RecentMessages()
        self._told: set[int] = set()  # UIDs whose flags in `snapshot` the client was told
        self._is_behind = False  # the client was told that `_settled` is its HIGHESTMODSEQ
        self._settled = snapshot.mod_seq
        self._combinations = snapshot.placements.combinations  # whose keywords were told
        self._keywords = frozenset(flags.keywords_in(self._combinations))

    @property
    def account(self) -> AccountId:
        """The owner of the mailbox."""
        return self.place.owner

    @property
    def mailbox_id(self) -> MailboxId:
        return self.snapshot.mailbox.mailbox_id

    @property
    def settled(self) -> ModSeq:
        """Up to here the client was told everything."""
        return self._settled

    @property
    def uid_validity(self) -> UidValidity:
        return self.announced.mailbox.uid_validity

    async def renew(self) -> None:
        """Read the rights as they are now. Raises `NotFound` where it may not be read any more."""
        if self.place.spot.is_foreign:
            self.place = await self._renewed(self.place)

    async def refresh(self) -> None:
        """Read the mailbox as it is now. Raises `NotFound` when it is gone or another one."""
        await self.renew()
        snapshot = await self._mailboxes.snapshot(self.place)
        if snapshot.mailbox.uid_validity != self.uid_validity:
            raise NotFound("the mailbox was replaced by another one of its name")
        self.snapshot = snapshot

    async def look_for_recent(self) -> None:
        """Claim the messages in `snapshot` that no session was told of (RFC 3501)."""
        # Those of another's mailbox are left to its owner.
        take = not self.read_only and not self.place.spot.is_foreign
        await self.recent.look(self._mailboxes, self.place, self.snapshot.mailbox, take=take)

    # What the client names

    def spans(self, messages: SequenceSet, *, uid: bool, clip: bool = False) -> list[Span]:
        """Half-open spans of places in `uids`.

        Raises `BadSyntax` for numbers that are none, or with `clip` leaves them out.
        """
        if messages.saved:
            return SequenceSet(tuple(spans_of(self.saved))).places(self.uids)
        if uid:
            return messages.places(self.uids)
        count = len(self.uids)
        if clip:
            spans = messages.spans(count)
            return [(low - 1, min(high, count)) for low, high in spans if 0 < low <= count]
        if messages.highest > count or (messages.has_star and not count):
            raise BadSyntax(f"message numbers from 1 to {count}", 0)
        return [(low - 1, high) for low, high in messages.spans(count)]

    def named(self, messages: SequenceSet, *, uid: bool) -> list[Uid]:
        """The UIDs named, ascending."""
        return self.at(self.spans(messages, uid=uid))

    def at(self, spans: Iterable[Span]) -> list[Uid]:
        """The UIDs at `spans`."""
        found: list[int] = []
        for start, stop in spans:
            found += self.uids[start:stop]
        return cast("list[Uid]", found)  # an array cannot say what its numbers are

    def spans_of_uids(self, uids: Iterable[int]) -> list[Span]:
        """Half-open spans of the places of ascending `uids` in the client's numbering."""
        known = self.uids
        wanted = array("I", uids)
        if wanted == known:
            return [(0, len(known))] if known else []
        places = merged(
            (place, place)
            for uid in wanted
            if (place := bisect_left(known, uid)) < len(known) and known[place] == uid
        )
        return [(first, last + 1) for first, last in places]

    def numbers_of(self, uids: Iterable[int]) -> list[int]:
        """The sequence numbers of ascending `uids`."""
        return [n + 1 for start, stop in self.spans_of_uids(uids) for n in range(start, stop)]

    def deleted(self) -> list[Uid]:
        """The messages the client knows of that carry \\Deleted now."""
        placements = self.snapshot.placements
        marked = {
            look
            for look, (system, _) in enumerate(placements.combinations)
            if system & Flags.DELETED
        }
        if not marked:
            return []
        known = self.uids[-1] if self.uids else 0
        return [
            Uid(uid)
            for uid, look in zip(placements.uids, placements.looks, strict=True)
            if look in marked and uid <= known
        ]

    def batches(self, spans: Iterable[Span]) -> Iterator[Batch]:
        """Messages at `spans` that are still in the snapshot, a few thousand at a time."""
        numbers, uids = array("I"), array("I")
        for start, stop in spans:
            while start < stop:
                end = min(stop, start + _BATCH - len(numbers))
                numbers.extend(range(start + 1, end + 1))
                uids.extend(self.uids[start:end])
                start = end
                if len(numbers) >= _BATCH:
                    yield self._batch(numbers, uids)
                    numbers, uids = array("I"), array("I")
        if numbers:
            yield self._batch(numbers, uids)

    def batches_of(self, uids: Sequence[int]) -> Iterator[Batch]:
        """As `batches`, of ascending UIDs; those that the client does not know are left out."""
        is_run = bool(uids) and uids[-1] - uids[0] == len(uids) - 1
        if is_run or self.uids is not self.snapshot.uids:
            yield from self.batches(self.spans_of_uids(uids))
            return
        for start in range(0, len(uids), _BATCH):
            found = [(self.snapshot.index(uid), uid) for uid in uids[start : start + _BATCH]]
            there = [(place + 1, uid, place) for place, uid in found if place is not None]
            if there:
                yield Batch(*map(list, zip(*there, strict=True)))

    def lacks(self, spans: Iterable[Span]) -> bool:
        """Whether a message at `spans` is gone, though the client was not told yet."""
        if self.snapshot.uids[: len(self.uids)] == self.uids:
            return False
        index = self.snapshot.index
        return any(index(uid) is None for a, b in spans for uid in self.uids[a:b])

    def _batch(self, numbers: "array[int]", uids: "array[int]") -> Batch:
        snapshot = self.snapshot
        first, last = numbers[0] - 1, numbers[-1]
        if last - first == len(numbers) and snapshot.uids[first:last] == uids:
            return Batch(numbers, uids, range(first, last))
        found = [
            (number, uid, place)
            for number, uid in zip(numbers, uids, strict=True)
            if (place := snapshot.index(uid)) is not None
        ]
        return Batch(*map(list, zip(*found, strict=True))) if found else Batch((), (), ())

    # What the client is told

    def tell(self, uids: Iterable[int]) -> None:
        """Remember that the client was told the flags of `uids` as they are in `snapshot`."""
        self._told.update(uids)

    def is_all(self, done: Stored) -> bool:
        """Whether all that lies between what was announced and `snapshot` is this change.

        Of what others share, not all that was asked for may have been done.
        """
        return (
            self.place.rights == ALL_RIGHTS
            and self.place.viewer is None
            and self.announced.mod_seq == done.before
            and self.snapshot.mod_seq == done.mod_seq
            and self.uids is self.snapshot.uids
        )

    def tell_of(self, done: Stored, uids: Sequence[Uid]) -> None:
        """As `tell`: the client was told of this change, which are these messages at least."""
        if self.is_all(done):
            self.announced = self.snapshot
        else:
            self.tell(uids)

    def news(
        self,
        *,
        expunge: bool,
        vanished: bool,
        mod_seq: bool,
        uid_only: bool = False,
        recent: bool = False,
        flags: bool = True,
    ) -> Iterator[Response]:
        """Everything between what was announced and `snapshot`.

        Unless `expunge`, numbers must not change now (RFC 9051 section 7.5.1): messages that
        went stay in the numbering until the next time. Without `flags` nothing is said of those.
        """
        if self.place.rights != self._rights_told:
            yield from self.new_flags()
        if self.announced is self.snapshot and self.uids is self.snapshot.uids:
            self._told.clear()
            self._settled = self.snapshot.mod_seq
            return
        found = difference(self.announced, self.snapshot)
        told, self._told = self._told, set()
        self.announced = self.snapshot
        if expunge:
            yield from self._expunged(vanished=vanished)
        appended = len(found.appended)
        if expunge and appended:
            yield Exists(len(self.uids))
        elif not expunge:
            yield from self._grown(found.appended, shrunk=bool(found.expunged))
        if recent and appended:
            yield self.recent_count()
        changed = [uid for uid in found.changed if uid not in told] if flags else []
        if changed:
            yield from self.new_flags()
        yield from self.flags_of(changed, mod_seq=mod_seq, uid_only=uid_only)
        if vanished:
            yield from self._delayed()
        if self.uids is self.snapshot.uids:
            self._settled = self.snapshot.mod_seq

    def recent_count(self) -> Recent:
        return Recent(self.recent.count(self.uids))

    def new_flags(self) -> Iterator[Response]:
        """`known_flags` where rights changed, or before a keyword that was not named yet.

        RFC 3501 section 7.2.6 and 7.1: clients take flags from the last such list.
        """
        combinations = self.snapshot.placements.combinations
        keywords = self._keywords
        if combinations is not self._combinations:
            self._combinations = combinations
            keywords = keywords.union(flags.keywords_in(combinations))
        if keywords != self._keywords or self.place.rights != self._rights_told:
            self._keywords, self._rights_told = keywords, self.place.rights
            yield from self.known_flags()

    def known_flags(self) -> Iterator[Response]:
        """FLAGS and PERMANENTFLAGS, as the rights are (RFC 4314 section 5.1.1)."""
        keywords = sorted(self._keywords)
        rights = Rights.NONE if self.read_only else self.place.rights
        yield FlagList((*flags.SYSTEM_FLAGS, *keywords))
        code = b"PERMANENTFLAGS " + flag_list(flags.permanent(keywords, rights))
        yield Status(Condition.OK, "What can be kept", code)

    def _delayed(self) -> Iterator[Response]:
        """Where expunges are still to be told, the client must not come back with a later MODSEQ.

        It takes the highest MODSEQ that it sees for what it knows, unless told otherwise
        (RFC 7162 section 6); with the expunges it is told the true one.
        """
        if self.uids is not self.snapshot.uids:
            self._is_behind = True
            yield Status(
                Condition.OK, "Expunges are still to come", b"HIGHESTMODSEQ %d" % self._settled
            )
        elif self._is_behind:
            self._is_behind = False
            code = b"HIGHESTMODSEQ %d" % self.snapshot.mod_seq
            yield Status(Condition.OK, "All is told", code)

    def _expunged(self, *, vanished: bool) -> Iterator[Response]:
        now = self.snapshot.uids
        before, self.uids = self.uids, now
        if now[: len(before)] == before:
            return
        places = lacking(before, now)
        if vanished:
            yield Vanished(spans_of([before[place] for place in places]))
        else:
            # Each number is as it is when its turn comes (RFC 9051 section 7.5.1).
            yield Expunged([place + 1 - gone for gone, place in enumerate(places)])

    def _grown(self, appended: Sequence[int], *, shrunk: bool) -> Iterator[Response]:
        if self.uids is not self.snapshot.uids:
            if shrunk or len(self.uids) + len(appended) != len(self.snapshot.uids):
                self.uids = self.uids + array("I", appended)
            else:
                self.uids = self.snapshot.uids
        if appended:
            yield Exists(len(self.uids))

    def flags_column(self, batch: Batch) -> Told:
        """FLAGS of a batch, as the client is told them."""
        placements = self.snapshot.placements
        told = flags.column(placements, batch.of(placements.looks))
        return self.recent.marked(batch.uids, told)

    def flags_of(
        self, uids: Sequence[int], *, mod_seq: bool, uid_only: bool = False
    ) -> Iterator[Response]:
        """Unsolicited FETCH responses; they always name the UID (RFC 9051 section 7.5.2)."""
        placements = self.snapshot.placements
        for batch in self.batches_of(uids):
            told = [] if uid_only else [Told(UID, batch.uids)]
            if mod_seq:
                told.append(Told(MODSEQ, batch.of(placements.mod_seqs)))
            told.append(self.flags_column(batch))
            yield batch.fetched(told, uid_only=uid_only)
