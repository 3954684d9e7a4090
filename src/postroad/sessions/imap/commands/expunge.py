"""EXPUNGE and UID EXPUNGE (RFC 9051 sections 6.4.3 and 6.4.9)."""

from postroad.model.ids import ModSeq
from postroad.sessions.imap.feature import (
    ONLY_SELECTED,
    Context,
    Done,
    Feature,
    News,
    Replies,
    always,
    no_arguments,
)
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.responses import Condition
from postroad.wire.imap.sequence import SequenceSet


def parse_uids(cursor: Cursor) -> SequenceSet:
    cursor.sp()
    uids = cursor.sequence_set()
    cursor.end()
    return uids


async def handle(context: Context, command: SequenceSet | None) -> Replies:
    """The EXPUNGE responses are what the session announces after the command."""
    view = context.selected
    if view.read_only:
        yield Done("The mailbox is selected read-only", b"READ-ONLY", Condition.NO)
        return
    await view.refresh()
    uids = view.deleted()
    if command is not None:
        named = set(view.named(command, uid=True))
        uids = [uid for uid in uids if uid in named]
    gone = await context.mailboxes.expunge(view.place, uids, context.begin(len(uids)))
    code = b""
    if context.qresync and gone:
        await view.refresh()
        code = highest_mod_seq(view.snapshot.mod_seq)
    yield Done("Expunged", code)


def highest_mod_seq(mod_seq: ModSeq) -> bytes:
    """RFC 7162 section 3.2.8: told with the tagged OK, so that the client can resume there."""
    return b"HIGHESTMODSEQ %d" % mod_seq


def parse_all(cursor: Cursor) -> None:
    no_arguments(cursor)


EXPUNGE = Feature(b"EXPUNGE", ONLY_SELECTED, parse_all, handle, news=News.ITS_OWN)
UID_EXPUNGE = Feature(
    b"UID EXPUNGE", ONLY_SELECTED, parse_uids, handle, always(b"UIDPLUS"), news=News.ITS_OWN
)
