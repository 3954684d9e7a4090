"""FETCH and UID FETCH (RFC 9051 sections 6.4.5 and 6.4.9, RFC 3516, RFC 7162, RFC 8474).

Extended by RFC 8514 (SAVEDATE), RFC 8970 (PREVIEW) and RFC 9394 (PARTIAL).
"""

from collections.abc import Sequence
from contextlib import aclosing
from functools import partial

from postroad.formats.mime.transfer import UnknownEncoding
from postroad.model.ids import ModSeq, Uid
from postroad.model.mailbox import FlagAction, FlagChange, Flags
from postroad.model.sharing import Rights
from postroad.sessions.imap.feature import (
    ONLY_SELECTED,
    Context,
    Done,
    Extension,
    Feature,
    News,
    Replies,
    always,
)
from postroad.sessions.imap.fetching import replies
from postroad.sessions.imap.labels import require_gmail
from postroad.sessions.imap.view import Selected
from postroad.wire.errors import BadSyntax
from postroad.wire.imap.fetch import GMAIL_ITEMS, Fetch, Item, Section, parse_fetch
from postroad.wire.imap.partial import PartialRange
from postroad.wire.imap.responses import Condition, Vanished
from postroad.wire.imap.sequence import SequenceSet, Span, absent, merged, spans_of

_UNKNOWN_ENCODING = Done("A part has an unknown encoding", b"UNKNOWN-CTE", Condition.NO)


async def handle(context: Context, command: Fetch, *, by_uid: bool) -> Replies:
    view = context.selected
    _begin(context, command, by_uid=by_uid)
    await view.refresh()
    spans = view.spans(command.messages, uid=by_uid)
    if command.partial is not None:
        spans = _partial(spans, command.partial)
    if command.vanished and command.changed_since is not None:
        gone = await _vanished(context, command, command.changed_since)
        if gone:
            yield Vanished(gone, earlier=True)
    if command.changed_since is not None:
        spans = _changed_since(view, spans, command.changed_since)
    seen = await _see(context, view, command, spans)
    if seen or Item.FLAGS in command.items:
        for response in view.new_flags():
            yield response
    items, sections = _items(context, command, by_uid=by_uid, seen=bool(seen))
    lacks = view.lacks(spans)
    found = replies(context, view, spans, items, sections)
    async with aclosing(found):
        try:
            async for reply in found:
                yield reply
        except UnknownEncoding:
            yield _UNKNOWN_ENCODING
            return
    view.tell(seen)
    # RFC 5530 section 3: somebody expunged what was asked for.
    yield Done("Fetched", b"EXPUNGEISSUED" if lacks else b"")


def _begin(context: Context, command: Fetch, *, by_uid: bool) -> None:
    """What holds for the modifiers, before anything is read."""
    if command.vanished and not (by_uid and context.qresync):
        raise BadSyntax("VANISHED in UID FETCH, after ENABLE QRESYNC", 0)  # RFC 7162 3.2.6
    if not GMAIL_ITEMS.isdisjoint(command.items):
        require_gmail(context)
    if command.partial is not None and not by_uid:
        raise BadSyntax("PARTIAL in UID FETCH", 0)  # RFC 9394 section 3.3
    if command.changed_since is not None or Item.MODSEQ in command.items:
        context.enable(Extension.CONDSTORE)  # RFC 7162 section 3.1


def _items(
    context: Context, command: Fetch, *, by_uid: bool, seen: bool
) -> tuple[list[Item], list[Section]]:
    """What to answer with: what was asked for, and what extensions add."""
    items = [item for item in command.items if isinstance(item, Item)]
    sections = [item for item in command.items if isinstance(item, Section)]
    if seen:
        items.append(Item.FLAGS)
    if (by_uid or context.qresync) and not context.uid_only:
        items.insert(0, Item.UID)
    wants_mod_seq = command.changed_since is not None or seen or context.qresync
    if wants_mod_seq and context.condstore:
        items.append(Item.MODSEQ)
    return list(dict.fromkeys(items)), sections


def _partial(spans: list[Span], wanted: PartialRange) -> list[Span]:
    """Some of the messages at `spans`, counted as PARTIAL does."""
    first, last = wanted.places(sum(stop - start for start, stop in spans))
    kept: list[Span] = []
    before = 0  # messages of the spans so far
    for start, stop in spans:
        low = start + max(first - before, 0)
        high = min(stop, start + last - before)
        if low < high:
            kept.append((low, high))
        before += stop - start
    return kept


def _changed_since(view: Selected, spans: list[Span], since: int) -> list[Span]:
    index, mod_seqs = view.snapshot.index, view.snapshot.placements.mod_seqs
    if view.uids is view.snapshot.uids:
        places = [n for start, stop in spans for n in range(start, stop) if mod_seqs[n] > since]
    else:
        places = [
            n
            for start, stop in spans
            for n in range(start, stop)
            if (place := index(view.uids[n])) is not None and mod_seqs[place] > since
        ]
    return [(first, last + 1) for first, last in merged((n, n) for n in places)]


async def _vanished(context: Context, command: Fetch, since: int) -> list[Span]:
    """What of the set is gone since then (RFC 7162 section 3.2.6)."""
    view = context.selected
    changes = await context.mailboxes.changes(view.place, ModSeq(since))
    last = view.snapshot.mailbox.uid_next - 1
    if not changes.complete:
        # What has come since is not announced yet, and has not vanished either.
        here = sorted({*view.uids, *view.snapshot.uids})
        return absent(command.messages, here, 1, last)
    expunged = changes.expunged
    known = set(view.uids)
    places = SequenceSet(tuple(command.messages.spans(last))).places(expunged)
    return spans_of([uid for a, b in places for uid in expunged[a:b] if uid not in known])


async def _see(
    context: Context, view: Selected, command: Fetch, spans: list[Span]
) -> Sequence[Uid]:
    """Set \\Seen where octets are fetched without PEEK; returns where it was not set."""
    peeks = all(isinstance(item, Item) or item.peek for item in command.items)
    if peeks or view.read_only or Rights.SEEN not in view.place.rights:
        return ()
    unseen = {
        look
        for look, (system, _) in enumerate(view.snapshot.placements.combinations)
        if not system & Flags.SEEN
    }
    looks = view.snapshot.placements.looks
    uids = [
        Uid(uid)
        for batch in view.batches(spans)
        for uid, place in zip(batch.uids, batch.places, strict=True)
        if looks[place] in unseen
    ]
    if not uids:
        return ()
    change = FlagChange(FlagAction.ADD, Flags.SEEN, frozenset())
    done = await context.mailboxes.store_flags(view.place, uids, change)
    await view.refresh()
    return done.changed


FETCH = Feature(
    b"FETCH",
    ONLY_SELECTED,
    parse_fetch,
    partial(handle, by_uid=False),
    always(b"BINARY", b"PREVIEW", b"SAVEDATE"),
    news=News.NO_EXPUNGE,
    refreshes=True,
    by_number=True,
)
UID_FETCH = Feature(
    b"UID FETCH", ONLY_SELECTED, parse_fetch, partial(handle, by_uid=True), refreshes=True
)
