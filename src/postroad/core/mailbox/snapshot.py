"""A mailbox as it was at one moment, shared by all sessions that look at it."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import cast

from postroad.model.ids import ModSeq, Uid
from postroad.model.mailbox import Mailbox, MailboxChanges, Placements, Stored

_CHUNK = 1024
_OTHER = (1, 0)
_FEW = 64  # of a column one in so many: slices between them are the fastest way to leave them out


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Immutable. Its arrays are shared between versions wherever they did not change."""

    mailbox: Mailbox
    placements: Placements

    @property
    def mod_seq(self) -> ModSeq:
        return self.mailbox.mod_seq

    @property
    def uids(self) -> "array[int]":
        return self.placements.uids

    def __len__(self) -> int:
        return len(self.placements.uids)

    def index(self, uid: int) -> int | None:
        """The place of a UID, counted from 0; None when it is not there."""
        uids = self.placements.uids
        place = bisect_left(uids, uid)
        return place if place < len(uids) and uids[place] == uid else None

    def look(self, place: int) -> tuple[int, str]:
        """Flags and keywords of the message at a place."""
        return self.placements.combinations[self.placements.looks[place]]


@dataclass(frozen=True, slots=True)
class Difference:
    """What came between two snapshots of one mailbox; all ascending."""

    expunged: Sequence[Uid]
    appended: Sequence[Uid]
    changed: Sequence[Uid]  # in both, with another mod_seq


def apply(snapshot: Snapshot, changes: MailboxChanges) -> Snapshot:
    """The snapshot after the changes. Raises nothing; `changes.complete` must be true."""
    old, new = snapshot.placements, changes.placed
    if not changes.expunged and not new.uids:
        return Snapshot(changes.mailbox, old)
    combinations, places = _merge_combinations(old.combinations, new.combinations)
    looks_of_new = array("I", [places[look] for look in new.looks])
    last = old.uids[-1] if old.uids else 0
    fresh = bisect_left(new.uids, last + 1)  # from here on new UIDs
    columns = _Columns(old)
    columns.replace(snapshot, new, looks_of_new, fresh)
    columns.remove(snapshot, changes.expunged)
    columns.extend(new, looks_of_new, fresh)
    return Snapshot(changes.mailbox, columns.placements(combinations))


def flagged(snapshot: Snapshot, done: Stored) -> Snapshot | None:
    """The snapshot after a change of flags that came right behind it, without asking the store.

    None where the snapshot does not have what was changed.
    """
    old, uids = snapshot.placements, array("I", done.changed)
    places = _places(snapshot, uids)
    if places is None:
        return None
    combinations, targets = _merge_combinations(old.combinations, tuple(done.became.values()))
    becomes = dict(zip(done.became, targets, strict=True))
    before = _at(old.looks, places)
    present = set(before)
    if any(old.combinations[look] not in becomes for look in present):
        return None
    by_look = {look: becomes[old.combinations[look]] for look in present}
    looks, mod_seqs = old.looks[:], old.mod_seqs[:]
    _put(looks, places, array("I", map(by_look.__getitem__, before)))
    _put(mod_seqs, places, array("Q", [done.mod_seq]) * len(uids))
    placements = Placements(old.uids, old.email_ids, looks, mod_seqs, combinations)
    return Snapshot(replace(snapshot.mailbox, mod_seq=done.mod_seq), placements)


def _places(snapshot: Snapshot, uids: "array[int]") -> Sequence[int] | None:
    """The places of ascending UIDs, a range where they form one; None if one is not there."""
    first = bisect_left(snapshot.uids, uids[0]) if uids else 0
    if snapshot.uids[first : first + len(uids)] == uids:
        return range(first, first + len(uids))
    found = [place for uid in uids if (place := snapshot.index(uid)) is not None]
    return found if len(found) == len(uids) else None


def _at(values: "array[int]", places: Sequence[int]) -> Sequence[int]:
    if isinstance(places, range):
        return values[places.start : places.stop]
    return [values[place] for place in places]


def _put(values: "array[int]", places: Sequence[int], new: "array[int]") -> None:
    if isinstance(places, range):
        values[places.start : places.stop] = new
        return
    for place, value in zip(places, new, strict=True):
        values[place] = value


def difference(old: Snapshot, new: Snapshot) -> Difference:
    """Compare two versions; costs microseconds for what they share, whatever their size."""
    if old.placements is new.placements:
        return Difference((), (), ())
    before, now = old.placements, new.placements
    kept = len(before.uids)
    if now.uids[:kept] == before.uids:
        changed = _changed(before.uids, before.mod_seqs, now.mod_seqs)
        return Difference((), _as_uids(now.uids[kept:]), changed)
    gone = lacking(before.uids, now.uids)
    expunged = [before.uids[place] for place in gone]
    first_new = bisect_left(now.uids, before.uids[-1] + 1 if before.uids else 0)
    uids = now.uids[:first_new]
    if len(uids) == kept - len(gone):
        changed = _changed(uids, without(before.mod_seqs, gone), now.mod_seqs)
    else:  # a version that is older than the one before
        known = dict(zip(before.uids, before.mod_seqs, strict=True))
        pairs = zip(uids, now.mod_seqs, strict=False)
        changed = [Uid(uid) for uid, mod_seq in pairs if known.get(uid) != mod_seq]
    return Difference(_as_uids(expunged), _as_uids(now.uids[first_new:]), changed)


def lacking(before: "array[int]", now: "array[int]") -> list[int]:
    """The places in `before` of numbers that `now` has not; both ascend.

    What they share costs microseconds for a thousand.
    """
    places = list[int]()
    for start in range(0, len(before), _CHUNK):
        some = before[start : start + _CHUNK]
        first = bisect_left(now, some[0])
        if now[first : first + len(some)] != some:
            left = set(now[first : bisect_right(now, some[-1], first)])
            gone = map(_OTHER.__getitem__, map(left.__contains__, some))
            places += compress(range(start, start + len(some)), gone)
    return places


def _as_uids(numbers: Sequence[int]) -> Sequence[Uid]:
    return cast("Sequence[Uid]", numbers)  # an array cannot say what its numbers are


def _changed(uids: "array[int]", before: "array[int]", now: "array[int]") -> list[Uid]:
    """UIDs whose mod_seq differs, comparing chunk by chunk in C."""
    if before is now:
        return []
    changed: list[int] = []
    for start in range(0, len(uids), _CHUNK):
        a, b = before[start : start + _CHUNK], now[start : start + _CHUNK]
        b = b[: len(a)]
        if a != b:
            rows = zip(uids[start : start + _CHUNK], a, b, strict=True)
            changed += [uid for uid, x, y in rows if x != y]
    return cast("list[Uid]", changed)  # an array cannot say what its numbers are


def _merge_combinations(
    old: tuple[tuple[int, str], ...], new: tuple[tuple[int, str], ...]
) -> tuple[tuple[tuple[int, str], ...], list[int]]:
    """All combinations of both, the old ones at their places, and where the new ones are."""
    index = {combination: n for n, combination in enumerate(old)}
    places = [index.setdefault(combination, len(index)) for combination in new]
    return tuple(index), places


class _Columns:
    """Copies of the arrays, made only when something in them changes."""

    def __init__(self, old: Placements) -> None:
        self.uids, self.email_ids = old.uids, old.email_ids
        self.looks, self.mod_seqs = old.looks, old.mod_seqs

    def replace(
        self, snapshot: Snapshot, new: Placements, looks: "array[int]", fresh: int
    ) -> None:
        if not fresh:
            return
        self.looks, self.mod_seqs = self.looks[:], self.mod_seqs[:]
        first = bisect_left(self.uids, new.uids[0])
        if self.uids[first : first + fresh] == new.uids[:fresh]:  # one run: in C
            self.looks[first : first + fresh] = looks[:fresh]
            self.mod_seqs[first : first + fresh] = new.mod_seqs[:fresh]
            return
        for n in range(fresh):
            place = snapshot.index(new.uids[n])
            if place is not None:
                self.looks[place] = looks[n]
                self.mod_seqs[place] = new.mod_seqs[n]

    def remove(self, snapshot: Snapshot, gone: "array[int]") -> None:
        """Leave out what is gone, as far as it was there."""
        places = [place for place in map(snapshot.index, gone) if place is not None]
        if not places:
            return
        self.uids = without(self.uids, places)
        self.email_ids = without(self.email_ids, places)
        self.looks = without(self.looks, places)
        self.mod_seqs = without(self.mod_seqs, places)

    def extend(self, new: Placements, looks: "array[int]", fresh: int) -> None:
        if fresh == len(new.uids):
            return
        self.uids = self.uids + new.uids[fresh:]
        self.email_ids = self.email_ids + new.email_ids[fresh:]
        self.looks = self.looks + looks[fresh:]
        self.mod_seqs = self.mod_seqs + new.mod_seqs[fresh:]

    def placements(self, combinations: tuple[tuple[int, str], ...]) -> Placements:
        return Placements(self.uids, self.email_ids, self.looks, self.mod_seqs, combinations)


def without(values: "array[int]", places: Sequence[int]) -> "array[int]":
    """The array without the given places, which ascend; with few crossings into Python."""
    if len(places) * _FEW > len(values):
        stays = bytearray(b"\1") * len(values)
        for place in places:
            stays[place] = 0
        return array(values.typecode, compress(values, stays))
    kept = array(values.typecode)
    start = 0
    for place in places:
        kept += values[start:place]
        start = place + 1
    return kept + values[start:]
