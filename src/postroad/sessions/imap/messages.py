"""What FETCH items other than octets say of messages, a batch at a time, column by column."""

from collections.abc import Mapping, Sequence
from typing import cast

from postroad.model.ids import Uid
from postroad.model.mailbox import Column
from postroad.sessions.imap import flags
from postroad.sessions.imap.feature import Context
from postroad.sessions.imap.view import Batch, Selected
from postroad.stores.mail import Row
from postroad.wire.imap.fetch import Item
from postroad.wire.imap.responses import date_time, string

_PLAIN = {
    Item.ENVELOPE: (Column.ENVELOPE,),
    Item.BODY: (Column.BODY,),
    Item.BODYSTRUCTURE: (Column.BODY_STRUCTURE,),
    Item.INTERNALDATE: (Column.INTERNAL_DATE,),
    Item.RFC822_SIZE: (Column.SIZE,),
    Item.THREADID: (Column.THREAD_ID,),
    Item.PREVIEW: (Column.PREVIEW,),
    Item.SAVEDATE: (Column.SAVED_AT,),
}
# The second form is None where the first serves; it may hold UTF-8 (RFC 6855 section 3).
_UTF8 = _PLAIN | {
    Item.ENVELOPE: (Column.ENVELOPE, Column.ENVELOPE_UTF8),
    Item.BODYSTRUCTURE: (Column.BODY_STRUCTURE, Column.BODY_STRUCTURE_UTF8),
}
_OCTETS = {
    Item.ENVELOPE: b"ENVELOPE ",
    Item.BODY: b"BODY ",
    Item.BODYSTRUCTURE: b"BODYSTRUCTURE ",
}
Stored = Mapping[Column, Sequence[object]]


class ItemReader:
    """Reads the items of one FETCH; `more` are columns that the caller wants besides."""

    def __init__(
        self,
        context: Context,
        view: Selected,
        items: Sequence[Item],
        more: Sequence[Column] = (),
    ) -> None:
        self._context = context
        self._view = view
        self._items = items
        self._by_item = _UTF8 if context.utf8 else _PLAIN
        wanted = [column for item in items for column in self._by_item.get(item, ())]
        self._columns = list(dict.fromkeys([*wanted, *more]))
        combinations = view.snapshot.placements.combinations
        self._looks = [flags.told(look) for look in combinations]

    async def read(self, batch: Batch) -> tuple[Batch, list[Sequence[bytes]], Stored]:
        """The messages of the batch that are still there, a column for each item, and `more`."""
        stored: Stored = {}
        if self._columns:
            rows = await self._context.mailboxes.rows(
                self._view.account,
                self._view.mailbox_id,
                cast("Sequence[Uid]", batch.uids),  # an array cannot say what its numbers are
                self._columns,
            )
            batch = _still_there(batch, rows)
            by_column = list(zip(*rows, strict=True))[1:] if rows else [()] * len(self._columns)
            stored = dict(zip(self._columns, by_column, strict=True))
        return batch, [self._column(item, batch, stored) for item in self._items], stored

    def _column(self, item: Item, batch: Batch, stored: Stored) -> Sequence[bytes]:
        placements = self._view.snapshot.placements
        match item:
            case Item.FLAGS:
                looks, told = placements.looks, self._looks
                if isinstance(places := batch.places, range):
                    return [told[look] for look in looks[places.start : places.stop]]
                return [told[looks[place]] for place in places]
            case Item.UID:
                return [b"UID %d" % uid for uid in batch.uids]
            case Item.MODSEQ:
                mod_seqs = placements.mod_seqs
                return [b"MODSEQ (%d)" % mod_seqs[place] for place in batch.places]
            case Item.EMAILID:
                email_ids = placements.email_ids
                return [b"EMAILID (M%d)" % email_ids[place] for place in batch.places]
            case _:
                return self._stored_column(item, stored)

    def _stored_column(self, item: Item, stored: Stored) -> Sequence[bytes]:
        columns = [stored[column] for column in self._by_item[item]]
        match item:
            case Item.INTERNALDATE | Item.SAVEDATE:
                moments = cast("Sequence[int]", columns[0])  # see Column
                return [b"%b %b" % (item.value, date_time(moment)) for moment in moments]
            case Item.PREVIEW:
                texts = cast("Sequence[str]", columns[0])  # see Column
                return [b"PREVIEW " + string(text.encode(errors="replace")) for text in texts]
            case Item.RFC822_SIZE:
                return [b"RFC822.SIZE %d" % size for size in cast("Sequence[int]", columns[0])]
            case Item.THREADID:
                return [b"THREADID (T%d)" % each for each in cast("Sequence[int]", columns[0])]
            case _:
                name = _OCTETS[item]
                first = cast("Sequence[bytes]", columns[0])  # see Column
                if len(columns) == 1:
                    return [name + octets for octets in first]
                second = cast("Sequence[bytes | None]", columns[1])  # see Column
                return [name + (b or a) for a, b in zip(first, second, strict=True)]


def _still_there(batch: Batch, rows: Sequence[Row]) -> Batch:
    if len(rows) == len(batch.uids):
        return batch
    found = {row[0] for row in rows}
    kept = [
        each
        for each in zip(batch.numbers, batch.uids, batch.places, strict=True)
        if each[1] in found
    ]
    return Batch(*map(list, zip(*kept, strict=True))) if kept else Batch((), (), ())
