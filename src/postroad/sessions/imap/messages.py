"""What FETCH items other than octets say of messages, a batch at a time, column by column."""

from collections.abc import Container, Mapping, Sequence
from typing import cast

from postroad.model.ids import EmailId, Uid
from postroad.model.mailbox import Column, Joined
from postroad.sessions.imap.attached import number_offset
from postroad.sessions.imap.feature import Context
from postroad.sessions.imap.labels import labels_of
from postroad.sessions.imap.view import Batch, Selected
from postroad.wire.imap.fetch import Item
from postroad.wire.imap.responses import MODSEQ, UID, Told, ToldJoined, date_time, string

_PLAIN = {
    Item.ENVELOPE: (Column.ENVELOPE,),
    Item.BODY: (Column.BODY,),
    Item.BODYSTRUCTURE: (Column.BODY_STRUCTURE,),
    Item.INTERNALDATE: (Column.INTERNAL_DATE,),
    Item.RFC822_SIZE: (Column.SIZE,),
    Item.THREADID: (Column.THREAD_ID,),
    Item.X_GM_THRID: (Column.THREAD_ID,),
    Item.PREVIEW: (Column.PREVIEW,),
    Item.SAVEDATE: (Column.SAVED_AT,),
}
# The second form is None where the first serves; it may hold UTF-8 (RFC 6855 section 3).
_UTF8 = _PLAIN | {
    Item.ENVELOPE: (Column.ENVELOPE, Column.ENVELOPE_UTF8),
    Item.BODYSTRUCTURE: (Column.BODY_STRUCTURE, Column.BODY_STRUCTURE_UTF8),
}
_OCTETS = {
    Item.ENVELOPE: b"ENVELOPE %b",
    Item.BODY: b"BODY %b",
    Item.BODYSTRUCTURE: b"BODYSTRUCTURE %b",
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
        self._id_prefix = view.place.id_prefix.encode()
        self._offset = number_offset(view.place)
        self._by_item = _UTF8 if context.utf8 else _PLAIN
        wanted = [column for item in items for column in self._by_item.get(item, ())]
        self._columns = list(dict.fromkeys([*wanted, *more]))
        stored = [item for item in items if item in self._by_item]
        self._wants_labels = Item.X_GM_LABELS in items
        plain = not more and not self._wants_labels
        is_alone = len(stored) == 1 and stored[0] in _OCTETS and plain
        self._alone = stored[0] if is_alone else None

    async def told(self, batch: Batch) -> tuple[Batch, Sequence[Told | ToldJoined]]:
        """The messages of the batch that are still there, and what items say of them."""
        if self._alone is not None:
            return await self._read_octets(batch, self._alone)
        there, told, _ = await self.read(batch)
        return there, told

    async def read(self, batch: Batch) -> tuple[Batch, list[Told], Stored]:
        """As `told`, and `more`."""
        stored: Stored = {}
        if self._columns:
            rows = await self._context.mailboxes.rows(
                self._view.account,
                self._view.mailbox_id,
                cast("Sequence[Uid]", batch.uids),  # an array cannot say what its numbers are
                self._columns,
            )
            if len(rows) < len(batch.uids):
                batch = _still_there(batch, {cast("int", row[0]) for row in rows})
            by_column = list(zip(*rows, strict=True))[1:] if rows else [()] * len(self._columns)
            stored = dict(zip(self._columns, by_column, strict=True))
        told = [self._told(item, batch, stored) for item in self._items]
        if self._wants_labels:
            at = self._items.index(Item.X_GM_LABELS)
            told[at] = Told(told[at].form, await self._labels(batch))
        return batch, told, stored

    async def _labels(self, batch: Batch) -> Sequence[bytes]:
        email_ids = batch.of(self._view.snapshot.placements.email_ids)
        return await labels_of(self._context, self._view, email_ids)

    async def _read_octets(
        self, batch: Batch, alone: Item
    ) -> tuple[Batch, list[Told | ToldJoined]]:
        """As `told`, where octets of one item are all that is wanted of the rows."""
        # The second form goes before the first where there is one.
        columns = self._by_item[alone][::-1]
        uids = cast("Sequence[Uid]", batch.uids)  # see above
        email_ids = batch.of(self._view.snapshot.placements.email_ids)
        found, octets = await self._context.mailboxes.octets_of(
            self._view.account,
            self._view.mailbox_id,
            uids,
            columns,
            cast("Sequence[EmailId]", email_ids),
        )
        if len(found) < len(uids):
            batch = _still_there(batch, set(found))
        told = [
            _told_alone(item, octets) if item is alone else self._told(item, batch, {})
            for item in self._items
        ]
        return batch, told

    def _told(self, item: Item, batch: Batch, stored: Stored) -> Told:
        placements = self._view.snapshot.placements
        match item:
            case Item.FLAGS:
                return self._view.flags_column(batch)
            case Item.UID:
                return Told(UID, batch.uids)
            case Item.MODSEQ:
                return Told(MODSEQ, batch.of(placements.mod_seqs))
            case Item.EMAILID:
                return Told(b"EMAILID (M%b%%d)" % self._id_prefix, batch.of(placements.email_ids))
            case Item.X_GM_MSGID:
                return Told(b"X-GM-MSGID %d", self._numbers(batch.of(placements.email_ids)))
            case Item.X_GM_LABELS:
                return Told(b"X-GM-LABELS %b", ())  # filled in by `read`
            case _:
                return self._stored(item, stored)

    def _numbers(self, ids: Sequence[int]) -> Sequence[int]:
        return [number + self._offset for number in ids] if self._offset else ids

    def _stored(self, item: Item, stored: Stored) -> Told:
        columns = [stored[column] for column in self._by_item[item]]
        match item:
            case Item.INTERNALDATE | Item.SAVEDATE:
                moments = cast("Sequence[int]", columns[0])  # see Column
                return Told(item.value + b" %b", [date_time(moment) for moment in moments])
            case Item.PREVIEW:
                texts = cast("Sequence[str]", columns[0])  # see Column
                encoded = [string(text.encode(errors="replace")) for text in texts]
                return Told(b"PREVIEW %b", encoded)
            case Item.RFC822_SIZE:
                return Told(b"RFC822.SIZE %d", cast("Sequence[int]", columns[0]))
            case Item.X_GM_THRID:
                threads = self._numbers(cast("Sequence[int]", columns[0]))  # see Column
                return Told(b"X-GM-THRID %d", threads)
            case Item.THREADID:
                return Told(
                    b"THREADID (T%b%%d)" % self._id_prefix, cast("Sequence[int]", columns[0])
                )
            case _:
                first = cast("Sequence[bytes]", columns[0])  # see Column
                if len(columns) == 1:
                    return Told(_OCTETS[item], first)
                second = cast("Sequence[bytes | None]", columns[1])  # see Column
                both = zip(first, second, strict=True)
                return Told(_OCTETS[item], [b or a for a, b in both])


def _told_alone(item: Item, octets: Joined | list[bytes]) -> Told | ToldJoined:
    form = _OCTETS[item]
    if isinstance(octets, Joined):
        return ToldJoined(form.removesuffix(b"%b"), octets)
    return Told(form, octets)


def _still_there(batch: Batch, found: Container[int]) -> Batch:
    kept = [
        each
        for each in zip(batch.numbers, batch.uids, batch.places, strict=True)
        if each[1] in found
    ]
    return Batch(*map(list, zip(*kept, strict=True))) if kept else Batch((), (), ())
