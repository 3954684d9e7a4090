"""COPY and UID COPY (RFC 9051 sections 6.4.7 and 6.4.9, RFC 4315)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from postroad.model.ids import MailboxName
from postroad.model.mailbox import Copied
from postroad.sessions.imap.feature import ONLY_SELECTED, Context, Done, Feature, Replies
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.sequence import SequenceSet, encode_in_order


@dataclass(frozen=True, slots=True)
class Copy:
    messages: SequenceSet
    target: MailboxName


def parse(cursor: Cursor) -> Copy:
    cursor.sp()
    messages = cursor.sequence_set()
    cursor.sp()
    target = MailboxName(cursor.mailbox())
    cursor.end()
    return Copy(messages, target)


def copy_uid(copied: Copied) -> bytes:
    """The COPYUID code; nothing when nothing was copied (RFC 4315 section 3)."""
    if not copied.source:
        return b""
    pairs: tuple[Sequence[int], Sequence[int]] = (copied.source, copied.target)
    source, target = map(encode_in_order, pairs)
    return b"COPYUID %d %b %b" % (copied.uid_validity, source, target)


async def handle(context: Context, command: Copy, *, by_uid: bool) -> Replies:
    view = context.selected
    uids = view.named(command.messages, uid=by_uid)
    target = await context.reach.target(context.viewer, command.target)
    copied = await context.mailboxes.copy(view.place, uids, target)
    context.put_in(target, copied.target)
    yield Done("Copied", copy_uid(copied))


COPY = Feature(b"COPY", ONLY_SELECTED, parse, partial(handle, by_uid=False), by_number=True)
UID_COPY = Feature(b"UID COPY", ONLY_SELECTED, parse, partial(handle, by_uid=True))
