"""What THREAD=REFERENCES needs of messages: their rows have it, and the blobs of old ones."""

from collections.abc import Sequence
from typing import cast

from postroad.formats.mime import origin, parttable
from postroad.formats.mime.headers import Header, select_fields
from postroad.formats.mime.origin import Origin
from postroad.model.ids import BlobId, Uid
from postroad.model.mailbox import BlobRange, Column, Joined
from postroad.sessions.imap.feature import Context
from postroad.sessions.imap.turns import turn
from postroad.sessions.imap.view import Selected

_ROWS_AT_ONCE = 1000
_READ_AT_ONCE = 50  # headers, which is less than 5 ms of reading them
_HEADER_OCTETS = 64 * 1024  # Limit: what identifies a message stands before
_FIELDS = frozenset(("message-id", "references", "in-reply-to", "subject"))
_UNKNOWN = Origin(None, (), is_reply=False)


async def read_origins(context: Context, view: Selected, places: Sequence[int]) -> list[Origin]:
    """The origin of each message; of those expunged meanwhile, one that says nothing."""
    origins: list[Origin] = []
    told = context.begin(len(places))
    for start in range(0, len(places), _ROWS_AT_ONCE):
        uids = [Uid(view.uids[place]) for place in places[start : start + _ROWS_AT_ONCE]]
        there, kept = await context.mailboxes.octets_of(
            view.account, view.mailbox_id, sorted(uids), [Column.ORIGIN]
        )
        parts = kept.split() if isinstance(kept, Joined) else kept
        pairs = zip(there, parts, strict=True)
        found: dict[int, Origin] = {uid: origin.decode(octets) for uid, octets in pairs if octets}
        old = [uid for uid in there if uid not in found]
        for first in range(0, len(old), _READ_AT_ONCE):
            found |= await _from_blobs(context, view, old[first : first + _READ_AT_ONCE])
            await turn()
        origins += [found.get(uid, _UNKNOWN) for uid in uids]
        told(start + len(uids))
        await turn()
    return origins


async def _from_blobs(context: Context, view: Selected, uids: list[Uid]) -> dict[int, Origin]:
    """Of messages that came before rows kept their origins."""
    wanted = [Column.BLOB_ID, Column.PART_TABLE]
    rows = await context.mailboxes.rows(view.account, view.mailbox_id, uids, wanted)
    # Rows begin with the UID.
    ranges = [_header(cast("BlobId", row[1]), cast("bytes", row[2])) for row in rows]
    blocks = await context.mailboxes.read(ranges)
    pairs = zip(rows, blocks, strict=True)
    return {cast("int", row[0]): origin_of(block) for row, block in pairs}


def origin_of(block: bytes) -> Origin:
    """Read a header block."""
    return origin.decode(origin.encode(Header(select_fields(block, _FIELDS))))


def _header(blob_id: BlobId, table: bytes) -> BlobRange:
    place = parttable.resolve(parttable.decode(table), (), parttable.Section.HEADER)
    start, end = place if place is not None else (0, 0)
    return BlobRange(blob_id, start, min(end, start + _HEADER_OCTETS))
