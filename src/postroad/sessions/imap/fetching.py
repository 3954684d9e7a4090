"""FETCH responses about messages (RFC 9051 section 7.5.2), whoever asked for them."""

from collections.abc import Iterator, Sequence
from contextlib import aclosing
from itertools import groupby
from typing import cast

from postroad.model.ids import BlobId
from postroad.model.mailbox import Column
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
from postroad.sessions.imap.feature import Context, Replies
from postroad.sessions.imap.messages import ItemReader, Stored
from postroad.sessions.imap.view import Batch, Selected
from postroad.wire.imap.fetch import Item, Section
from postroad.wire.imap.responses import Told, begun
from postroad.wire.imap.sequence import Span

_SECTIONS_AT_ONCE = 100  # messages whose part tables are looked at in one go


def replies(
    context: Context,
    view: Selected,
    spans: list[Span],
    items: list[Item],
    sections: list[Section],
) -> Replies:
    """FETCH responses about the messages at `spans`. Raises `UnknownEncoding` in the middle."""
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
        there, told = await reader.told(batch)
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
