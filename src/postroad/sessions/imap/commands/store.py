"""STORE and UID STORE (RFC 9051 section 6.4.6, RFC 7162 section 3.1.3)."""

from collections.abc import Iterable, Sequence
from functools import partial

from postroad.model.ids import ModSeq, Uid
from postroad.model.mailbox import FlagAction, FlagChange, Flags, Stored
from postroad.sessions.imap import flags
from postroad.sessions.imap.feature import (
    ONLY_SELECTED,
    Context,
    Done,
    Extension,
    Feature,
    News,
    Replies,
)
from postroad.sessions.imap.flags import Look
from postroad.sessions.imap.labelling import store_labels
from postroad.sessions.imap.view import Selected
from postroad.wire.imap.responses import MODSEQ, UID, Condition, Fetched, Told
from postroad.wire.imap.sequence import encode_numbers
from postroad.wire.imap.store import Action, Store, StoreLabels, parse_store

_ACTIONS = {
    Action.REPLACE: FlagAction.REPLACE,
    Action.ADD: FlagAction.ADD,
    Action.REMOVE: FlagAction.REMOVE,
}


def handle(context: Context, command: Store | StoreLabels, *, by_uid: bool) -> Replies:
    if isinstance(command, StoreLabels):
        return store_labels(context, command, by_uid=by_uid)
    return _store(context, command, by_uid=by_uid)


async def _store(context: Context, command: Store, *, by_uid: bool) -> Replies:
    view = context.selected
    if command.unchanged_since is not None:
        context.enable(Extension.CONDSTORE)  # RFC 7162 section 3.1
    if view.read_only:
        yield Done("The mailbox is selected read-only", b"READ-ONLY", Condition.NO)
        return
    spans = view.spans(command.messages, uid=by_uid)
    uids = view.at(spans)
    change = FlagChange(_ACTIONS[command.action], *flags.stored(command.flags))
    since = None if command.unchanged_since is None else ModSeq(command.unchanged_since)
    done = await context.mailboxes.store_flags(
        view.place, uids, change, since, context.begin(len(uids))
    )
    await view.refresh()
    modified = set(done.modified)
    told = _told(view, uids, done, change, silent=command.silent)
    for told_first in view.new_flags():
        yield told_first
    if not command.silent:
        for response in _flags(context, view, told, by_uid=by_uid):
            yield response
    elif context.condstore:
        for response in _mod_seqs(view, told, uid_only=context.uid_only):
            yield response
    view.tell_of(done, told)
    yield _end(view, uids, modified, by_uid=by_uid, silent=command.silent)


def _told(
    view: Selected, uids: Sequence[Uid], done: Stored, change: FlagChange, *, silent: bool
) -> Sequence[Uid]:
    """The messages whose flags the client is told, or must expect to be so."""
    told = uids
    if silent:
        told = done.changed if view.is_all(done) else _silently(view, done, change)
    if not done.modified:
        return told
    modified = set(done.modified)
    return [uid for uid in told if uid not in modified]


def _end(
    view: Selected, uids: Sequence[Uid], modified: set[Uid], *, by_uid: bool, silent: bool
) -> Done:
    if modified:
        # RFC 7162 section 3.1.3: in numbers for STORE, in UIDs for UID STORE.
        numbers = sorted(modified) if by_uid else view.numbers_of(sorted(modified))
        return Done("Conditional STORE failed", b"MODIFIED " + encode_numbers(numbers))
    if view.lacks(view.spans_of_uids(uids)):
        # RFC 2180 section 4.2: a client that waits for the flags must not wait for these; UIDs
        # that are gone are no error (RFC 9051 section 6.4.9).
        condition = Condition.OK if silent or by_uid else Condition.NO
        return Done("Some messages have been deleted", b"EXPUNGEISSUED", condition)
    return Done("Stored")


def _flags(
    context: Context, view: Selected, uids: Sequence[Uid], *, by_uid: bool
) -> Iterable[Fetched]:
    """The flags as they are now; with UID and MODSEQ for clients that resynchronise."""
    placements = view.snapshot.placements
    for batch in view.batches_of(uids):
        told = []
        if (by_uid or context.qresync) and not context.uid_only:
            told.append(Told(UID, batch.uids))
        if context.condstore:
            told.append(Told(MODSEQ, batch.of(placements.mod_seqs)))
        told.append(view.flags_column(batch))
        yield batch.fetched(told, uid_only=context.uid_only)


def _mod_seqs(view: Selected, uids: Sequence[Uid], *, uid_only: bool) -> Iterable[Fetched]:
    """RFC 7162 section 3.1.3: also with .SILENT the client has to hear of the new sequence."""
    mod_seqs = view.snapshot.placements.mod_seqs
    for batch in view.batches_of(uids):
        told = [] if uid_only else [Told(UID, batch.uids)]
        told.append(Told(MODSEQ, batch.of(mod_seqs)))
        yield batch.fetched(told, uid_only=uid_only)


def _silently(view: Selected, done: Stored, change: FlagChange) -> list[Uid]:
    """Of what changed, the messages that look as the client must expect.

    The others were changed by somebody else too, and are announced (RFC 9051 section 6.4.6).
    """
    before, now = view.announced, view.snapshot
    expected: dict[Look, Look] = {}
    silent = []
    for uid in done.changed:
        old, new = before.index(uid), now.index(uid)
        if old is None or new is None:
            continue
        look = before.look(old)
        if look not in expected:
            expected[look] = _after(look, change)
        if now.look(new) == expected[look]:
            silent.append(uid)
    return silent


def _after(look: Look, change: FlagChange) -> Look:
    system, keywords = Flags(look[0]), dict.fromkeys(look[1].split())
    wanted = {word.lower() for word in change.keywords}
    if change.action is FlagAction.REPLACE:
        system, keywords = change.flags, dict.fromkeys(change.keywords)
    elif change.action is FlagAction.ADD:
        known = {word.lower() for word in keywords}
        system |= change.flags
        keywords |= dict.fromkeys(w for w in change.keywords if w.lower() not in known)
    else:
        system &= ~change.flags
        keywords = dict.fromkeys(word for word in keywords if word.lower() not in wanted)
    return int(system), " ".join(sorted(keywords))


def capabilities(context: Context) -> tuple[bytes, ...]:
    """X-GM-EXT-1 is a promise about FETCH and SEARCH, too."""
    return (b"X-GM-EXT-1",) if context.settings.gmail else ()


STORE = Feature(
    b"STORE",
    ONLY_SELECTED,
    parse_store,
    partial(handle, by_uid=False),
    capabilities,
    news=News.NO_EXPUNGE,
    refreshes=True,
    by_number=True,
)
UID_STORE = Feature(
    b"UID STORE", ONLY_SELECTED, parse_store, partial(handle, by_uid=True), refreshes=True
)
