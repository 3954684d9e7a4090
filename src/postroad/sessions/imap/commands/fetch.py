"""FETCH and UID FETCH (RFC 9051 sections 6.4.5 and 6.4.9, RFC 3516, RFC 7162, RFC 8474).

Extended by RFC 8514 (SAVEDATE), RFC 8970 (PREVIEW) and RFC 9394 (PARTIAL).
"""

from collections.abc import Iterator, Sequence
from contextlib import aclosing
from functools import partial
from itertools import groupby
from typing import cast

from postroad.formats.mime.transfer import UnknownEncoding
from postroad.model.ids import BlobId, ModSeq, Uid
from postroad.model.mailbox import Column, FlagAction, FlagChange, Flags
from postroad.model.sharing import Rights
from postroad.sessions.imap.bodies import (
    LARGE,
    Message,
    Wanted,
    alone,
    is_whole,
    listed,
    locate,
    locate_whole,
    of_kept,
    portions,
    respond,
    together,
)
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
from postroad.sessions.imap.messages import ItemReader, Stored
from postroad.sessions.imap.view import Batch, Selected
from postroad.wire.errors import BadSyntax
from postroad.wire.imap.fetch import Fetch, Item, Section, parse_fetch
from postroad.wire.imap.partial import PartialRange
from postroad.wire.imap.responses import Condition, Told, Vanished, begun
from postroad.wire.imap.sequence import SequenceSet, Span, absent, merged, spans_of

_SECTIONS_AT_ONCE = 100  # messages whose part tables are looked at in one go
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
    replies = _replies(context, view, spans, items, sections)
    async with aclosing(replies):
        try:
            async for reply in replies:
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


def _replies(
    context: Context,
    view: Selected,
    spans: list[Span],
    items: list[Item],
    sections: list[Section],
) -> Replies:
    if not sections:
        return _plain(context, view, spans, items)
    if (section := alone(sections)) is not None:
        return _messages(context, view, spans, items, section)
    if (section := listed(sections)) is not None:
        return _fields(context, view, spans, items, section)
    return _sections(context, view, spans, items, sections)


async def _plain(
    context: Context, view: Selected, spans: list[Span], items: list[Item]
) -> Replies:
    reader = ItemReader(context, view, items)
    for batch in view.batches(spans):
        there, told, _ = await reader.read(batch)
        if there.numbers:
            yield there.fetched(told, uid_only=context.uid_only)


async def _messages(
    context: Context,
    view: Selected,
    spans: list[Span],
    items: list[Item],
    section: Section,
) -> Replies:
    """Messages as they are, which mail programs fetch most."""
    by_uid = context.uid_only
    reader = ItemReader(context, view, items, (Column.BLOB_ID, Column.SIZE))
    for batch in view.batches(spans):
        there, told, stored = await reader.read(batch)
        names = there.names(uid_only=by_uid)
        blob_ids = cast("Sequence[BlobId]", stored[Column.BLOB_ID])  # see Column
        sizes = cast("Sequence[int]", stored[Column.SIZE])  # see Column
        for some in portions(sizes):
            said = [Told(item.form, item.values[some]) for item in told]
            if any(size > LARGE for size in sizes[some]):
                heads = begun(names[some], said, by_uid=by_uid)
                pairs = zip(heads, blob_ids[some], sizes[some], strict=True)
                messages = [Message(a, locate_whole(b, size, [section])) for a, b, size in pairs]
                async with aclosing(respond(context.mailboxes, messages)) as pieces:
                    async for piece in pieces:
                        yield piece
            elif names[some]:
                octets = await context.mailboxes.whole(blob_ids[some])
                yield together(names[some], said, section, octets, by_uid=by_uid)


async def _fields(
    context: Context,
    view: Selected,
    spans: list[Span],
    items: list[Item],
    section: Section,
) -> Replies:
    """Header fields that lists show: rows have them, of most messages."""
    reader = ItemReader(context, view, items, (Column.HEADER_FIELDS,))
    blobs = _SectionReader(context, view, items, [section])
    for batch in view.batches(spans):
        there, told, stored = await reader.read(batch)
        kept = cast("Sequence[bytes | None]", stored[Column.HEADER_FIELDS])  # see Column
        for some, octets in _runs(kept):
            if octets is None:
                async with aclosing(blobs.replies(there.cut(some))) as pieces:
                    async for piece in pieces:
                        yield piece
                continue
            said = [Told(item.form, item.values[some]) for item in told]
            said.append(of_kept(section, octets))
            yield there.cut(some).fetched(said, uid_only=context.uid_only)


def _runs(kept: Sequence[bytes | None]) -> Iterator[tuple[slice, list[bytes] | None]]:
    """Neighbours that have their octets, or that lack them: None."""
    begin = 0
    for lacks, group in groupby(kept, lambda octets: octets is None):
        run = list(group)
        some = slice(begin, begin + len(run))
        begin += len(run)
        yield some, None if lacks else [octets for octets in run if octets is not None]


async def _sections(
    context: Context,
    view: Selected,
    spans: list[Span],
    items: list[Item],
    sections: list[Section],
) -> Replies:
    reader = _SectionReader(context, view, items, sections)
    for batch in view.batches(spans):
        async with aclosing(reader.replies(batch)) as pieces:
            async for piece in pieces:
                yield piece


class _SectionReader:
    """Any sections, found with the part tables."""

    def __init__(
        self, context: Context, view: Selected, items: list[Item], sections: list[Section]
    ) -> None:
        self._context = context
        self._sections = sections
        self._whole = all(map(is_whole, sections))
        more = (Column.BLOB_ID, Column.SIZE if self._whole else Column.PART_TABLE)
        self._items = ItemReader(context, view, items, more)

    async def replies(self, batch: Batch) -> Replies:
        by_uid = self._context.uid_only
        for start in range(0, len(batch.uids), _SECTIONS_AT_ONCE):
            part = batch.cut(slice(start, start + _SECTIONS_AT_ONCE))
            there, told, stored = await self._items.read(part)
            places = _located(stored, self._sections, whole=self._whole)
            heads = begun(there.names(uid_only=by_uid), told, by_uid=by_uid)
            pairs = zip(heads, places, strict=True)
            messages = [Message(head, wanted) for head, wanted in pairs]
            async with aclosing(respond(self._context.mailboxes, messages)) as pieces:
                async for piece in pieces:
                    yield piece


def _located(stored: Stored, sections: list[Section], *, whole: bool) -> list[list[Wanted]]:
    """Where the sections of each message are."""
    blob_ids = cast("Sequence[BlobId]", stored[Column.BLOB_ID])  # see Column
    if whole:
        sizes = cast("Sequence[int]", stored[Column.SIZE])  # see Column
        pairs = zip(blob_ids, sizes, strict=True)
        return [locate_whole(blob_id, size, sections) for blob_id, size in pairs]
    tables = cast("Sequence[bytes]", stored[Column.PART_TABLE])  # see Column
    return [
        locate(blob_id, table, sections) for blob_id, table in zip(blob_ids, tables, strict=True)
    ]


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
