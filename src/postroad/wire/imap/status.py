"""STATUS as the client writes it (RFC 9051 section 6.3.11)."""

from dataclasses import dataclass
from enum import Enum

from postroad.wire.imap.cursor import Cursor

_MAX_ITEMS = 50


class StatusItem(Enum):
    MESSAGES = b"MESSAGES"
    RECENT = b"RECENT"  # RFC 3501
    UIDNEXT = b"UIDNEXT"
    UIDVALIDITY = b"UIDVALIDITY"
    UNSEEN = b"UNSEEN"
    DELETED = b"DELETED"
    DELETED_STORAGE = b"DELETED-STORAGE"  # RFC 9208 section 4.1.4
    SIZE = b"SIZE"
    HIGHESTMODSEQ = b"HIGHESTMODSEQ"  # RFC 7162 section 3.1.7
    APPENDLIMIT = b"APPENDLIMIT"  # RFC 7889 section 3
    MAILBOXID = b"MAILBOXID"  # RFC 8474 section 4.3


@dataclass(frozen=True, slots=True)
class StatusQuery:
    mailbox: str
    items: tuple[StatusItem, ...]


def parse_status(cursor: Cursor) -> StatusQuery:
    cursor.sp()
    mailbox = cursor.mailbox()
    cursor.sp()
    items = status_items(cursor)
    cursor.end()
    return StatusQuery(mailbox, items)


def status_items(cursor: Cursor) -> tuple[StatusItem, ...]:
    """``(item item ...)``; also a return option of LIST."""
    items = cursor.parenthesized(lambda: _item(cursor), limit=_MAX_ITEMS)
    return tuple(dict.fromkeys(items))


def _item(cursor: Cursor) -> StatusItem:
    try:
        return StatusItem(cursor.word())
    except ValueError:
        raise cursor.wrong("a known status item") from None
