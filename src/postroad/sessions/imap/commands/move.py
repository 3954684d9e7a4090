"""MOVE and UID MOVE (RFC 6851, RFC 9051 sections 6.4.8 and 6.4.9)."""

from functools import partial

from postroad.sessions.imap.commands.copy import Copy, copy_uid, parse
from postroad.sessions.imap.commands.expunge import highest_mod_seq
from postroad.sessions.imap.feature import (
    ONLY_SELECTED,
    Context,
    Done,
    Feature,
    News,
    Replies,
    always,
)
from postroad.wire.imap.responses import Condition, Status


async def handle(context: Context, command: Copy, *, by_uid: bool) -> Replies:
    view = context.selected
    if view.read_only:
        yield Done("The mailbox is selected read-only", b"READ-ONLY", Condition.NO)
        return
    uids = view.named(command.messages, uid=by_uid)
    target = await context.reach.target(context.viewer, command.target)
    moved = await context.mailboxes.move(view.place, uids, target, context.begin(len(uids)))
    code = b""
    context.put_in(target, moved.target)
    if moved.source:
        # COPYUID goes before the EXPUNGEs, untagged: RFC 6851 section 4.3.
        yield Status(Condition.OK, "Moved", copy_uid(moved))
        if context.qresync:
            await view.refresh()
            code = highest_mod_seq(view.snapshot.mod_seq)
    yield Done("Moved", code)


MOVE = Feature(
    b"MOVE",
    ONLY_SELECTED,
    parse,
    partial(handle, by_uid=False),
    always(b"MOVE"),
    news=News.ITS_OWN,
    by_number=True,
)
UID_MOVE = Feature(
    b"UID MOVE", ONLY_SELECTED, parse, partial(handle, by_uid=True), news=News.ITS_OWN
)
