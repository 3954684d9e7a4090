"""Searches whose results are kept up to date (RFC 5267 section 4.3, RFC 5465 section 7)."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from postroad.core.mailbox.snapshot import difference
from postroad.sessions.imap.evaluate import Evaluation
from postroad.sessions.imap.feature import Context
from postroad.sessions.imap.kept import Update
from postroad.sessions.imap.sorting import sorted_places
from postroad.sessions.imap.view import Selected
from postroad.wire.errors import BadSyntax
from postroad.wire.imap.responses import Condition, ESearchUpdate, Status, quoted
from postroad.wire.imap.search import Return, Search
from postroad.wire.imap.searchkeys import And, Fuzzy, InSet, Key, Not, Or
from postroad.wire.imap.sequence import SequenceSet, spans_of
from postroad.wire.imap.sort import Criterion, SortKey

_MAX_UPDATES = 10  # of one session
_MAX_MEMBERS = 500_000  # of all of them; the first may have any number


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed in the result of one search."""

    update: Update
    added: Sequence[int] = ()  # ascending
    removed: frozenset[int] = frozenset()


def check_tag(context: Context, command: Search) -> None:
    """RFC 5267 section 4.3: the tag names the result. Raises `BadSyntax`."""
    wants = command.returns is not None and Return.UPDATE in command.returns
    if wants and context.tag in context.selected.updates:
        raise BadSyntax("a tag that names no other search with UPDATE", 0)


def keep_up(
    context: Context,
    command: Search,
    places: Sequence[int],
    criteria: tuple[Criterion, ...] = (),
    *,
    by_uid: bool,
    source: bytes = b"",
) -> Status | None:
    """Begin to keep a result up to date, if that is asked for; or say why not."""
    view = context.selected
    if command.returns is None or Return.UPDATE not in command.returns:
        return None
    if command.uses_gmail:
        return no_update(context.tag, "Results of labels are not kept up to date")
    held = sum(len(update.members) for update in view.updates.values())
    if any(each.key is SortKey.RELEVANCY for each in criteria):
        return no_update(context.tag, "Scores are not kept up to date")
    too_many = len(view.updates) >= _MAX_UPDATES
    if too_many or (view.updates and held + len(places) > _MAX_MEMBERS):
        return no_update(context.tag, "So many results are not kept up to date")
    members = array("I", [view.uids[place] for place in places])
    view.updates[context.tag] = Update(
        context.tag,
        _by_uid(view, command.key),
        by_uid,
        criteria,
        command.attributes,
        members,
        view.snapshot,
        context.comparator,
        source,
    )
    return None


def gone(update: Update, view: Selected) -> list[ESearchUpdate]:
    """What is about to be told as expunged, while its numbers are still right."""
    if update.snapshot is view.snapshot:
        return []
    expunged = set(difference(update.snapshot, view.snapshot).expunged)
    return _remove(update, view, frozenset(expunged.intersection(update.members)))


async def changed(context: Context, view: Selected, update: Update) -> Delta:
    """Which messages match now and did not, and the other way round."""
    if update.snapshot is view.snapshot:
        return Delta(update)
    found = difference(update.snapshot, view.snapshot)
    update.snapshot = view.snapshot
    candidates = sorted({*found.changed, *found.appended})
    if not candidates:
        return Delta(update)
    among = InSet(SequenceSet(tuple(spans_of(candidates))), uid=True)
    evaluation = Evaluation(context, view, update.comparator)
    places = await evaluation.places(And((among, update.key)))
    matching = {view.uids[place] for place in places}
    members = set(update.members)
    removed = frozenset(uid for uid in candidates if uid in members and uid not in matching)
    return Delta(update, sorted(matching - members), removed)


async def responses(context: Context, view: Selected, delta: Delta) -> list[ESearchUpdate]:
    """How the client is told; its result is right then."""
    removed = _remove(delta.update, view, delta.removed)
    return [*removed, *await _add(context, view, delta.update, delta.added)]


def _remove(update: Update, view: Selected, uids: frozenset[int]) -> list[ESearchUpdate]:
    if not uids:
        return []
    members = update.members
    spans = spans_of([place for place, uid in enumerate(members) if uid in uids])
    update.members = array("I", [uid for uid in members if uid not in uids])
    if not update.criteria:
        return [_told(update, view, b"REMOVEFROM", [(0, sorted(uids))])]
    runs = []
    before = 0  # how many the pairs so far took away
    for first, last in spans:
        runs.append((first + 1 - before, members[first : last + 1]))
        before += last + 1 - first
    return [_told(update, view, b"REMOVEFROM", runs)]


async def _add(
    context: Context, view: Selected, update: Update, uids: Sequence[int]
) -> list[ESearchUpdate]:
    if not uids:
        return []
    everything = sorted({*update.members, *uids})
    if not update.criteria:
        update.members = array("I", everything)
        return [_told(update, view, b"ADDTO", [(0, uids)])]
    places = [bisect_left(view.uids, uid) for uid in everything]
    order = await sorted_places(
        context, view, places, update.criteria, comparator=update.comparator
    )
    members = update.members = array("I", [view.uids[place] for place in order])
    fresh = set(uids)
    spans = spans_of([place for place, uid in enumerate(members) if uid in fresh])
    # Each pair goes where it stands in the end, because those before it are in already.
    runs = [(first + 1, members[first : last + 1]) for first, last in spans]
    return [_told(update, view, b"ADDTO", runs)] if runs else []


def _told(
    update: Update, view: Selected, name: bytes, runs: Sequence[tuple[int, Sequence[int]]]
) -> ESearchUpdate:
    if not update.by_uid:
        known = view.uids
        runs = [(at, [bisect_left(known, uid) + 1 for uid in uids]) for at, uids in runs]
    return ESearchUpdate(update.tag, update.by_uid, name, runs, update.source)


def no_update(tag: bytes, why: str) -> Status:
    """RFC 5267 section 4.3.1."""
    return Status(Condition.NO, why, b"NOUPDATE %b" % quoted(tag))


def _by_uid(view: Selected, key: Key) -> Key:
    """Message numbers mean what they meant when the command came."""
    match key:
        case InSet(uid=False):
            spans = view.spans(key.messages, uid=False, clip=True)
            uids = [view.uids[place] for start, stop in spans for place in range(start, stop)]
            return InSet(SequenceSet(tuple(spans_of(uids))), uid=True)
        case And():
            return And(tuple(_by_uid(view, each) for each in key.keys))
        case Or():
            return Or((_by_uid(view, key.keys[0]), _by_uid(view, key.keys[1])))
        case Fuzzy():
            return Fuzzy(_by_uid(view, key.key))
        case Not():
            return Not(_by_uid(view, key.key))
        case _:
            return key
