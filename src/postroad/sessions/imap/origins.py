"""What THREAD=REFERENCES needs of a message's header; only the blob has References.

Limit: the headers are read anew for each THREAD, a batch of messages in one hop.
"""

from collections.abc import Sequence
from typing import cast

from postroad.formats.mime import msgid, parttable
from postroad.formats.mime.headers import Header, select_fields, to_text
from postroad.formats.mime.thread import is_reply_or_forward
from postroad.model.ids import BlobId, Uid
from postroad.model.mailbox import BlobRange, Column
from postroad.sessions.imap.feature import Context
from postroad.sessions.imap.threads import Origin
from postroad.sessions.imap.turns import turn
from postroad.sessions.imap.view import Selected

_ROWS_AT_ONCE = 1000
_READ_AT_ONCE = 50  # headers, which is less than 5 ms of reading them
_HEADER_OCTETS = 64 * 1024  # Limit: what identifies a message stands before
_FIELDS = frozenset(("message-id", "references", "in-reply-to", "subject"))
_UNKNOWN = Origin(None, (), is_reply=False)


async def read_origins(context: Context, view: Selected, places: Sequence[int]) -> list[Origin]:
    """The origin of each message; of those expunged meanwhile, one that says nothing."""
    found: dict[int, Origin] = {}
    for start in range(0, len(places), _ROWS_AT_ONCE):
        uids = [Uid(view.uids[place]) for place in places[start : start + _ROWS_AT_ONCE]]
        rows = await context.mailboxes.rows(
            view.account, view.mailbox_id, uids, [Column.BLOB_ID, Column.PART_TABLE]
        )
        for first in range(0, len(rows), _READ_AT_ONCE):
            some = rows[first : first + _READ_AT_ONCE]
            ranges = [_header(cast("BlobId", row[1]), cast("bytes", row[2])) for row in some]
            blocks = await context.mailboxes.read(ranges)
            for row, block in zip(some, blocks, strict=True):
                found[cast("int", row[0])] = origin_of(block)  # rows begin with the UID
            await turn()
    return [found.get(view.uids[place], _UNKNOWN) for place in places]


def origin_of(block: bytes) -> Origin:
    """Read a header block."""
    header = Header(select_fields(block, _FIELDS))
    subject = header.text("subject")
    return Origin(
        msgid.message_id(header),
        _references(header),
        subject is not None and is_reply_or_forward(subject),
    )


def _references(header: Header) -> tuple[str, ...]:
    """RFC 5256 section 3: References, or else the first identifier in In-Reply-To."""
    found: dict[str, None] = {}
    for value in header.find_all("references"):
        found |= dict.fromkeys(_identifiers(to_text(value)))
    if not found and (answered := header.text("in-reply-to")):
        return _identifiers(answered)[:1]
    return tuple(found)[-msgid.IDENTIFIERS_LIMIT :]


def _identifiers(text: str) -> tuple[str, ...]:
    return msgid.find_all(text) if "<" in text else ()


def _header(blob_id: BlobId, table: bytes) -> BlobRange:
    place = parttable.resolve(parttable.decode(table), (), parttable.Section.HEADER)
    start, end = place if place is not None else (0, 0)
    return BlobRange(blob_id, start, min(end, start + _HEADER_OCTETS))
