"""REPLACE and UID REPLACE (RFC 8508): one message in the place of another, in one step."""

from contextlib import closing
from functools import partial

from postroad.base.errors import NotFound
from postroad.core.mailbox.permitted import require
from postroad.model.mailbox import Appended, Replaced
from postroad.model.sharing import Rights
from postroad.sessions.imap.appending import Assembly, check
from postroad.sessions.imap.commands.append import append_uid
from postroad.sessions.imap.commands.expunge import highest_mod_seq
from postroad.sessions.imap.errors import ReadOnly
from postroad.sessions.imap.feature import (
    ONLY_SELECTED,
    Context,
    Done,
    Feature,
    News,
    Replies,
    Stream,
    always,
)
from postroad.wire.imap.append import Replace, parse_replace
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.responses import Condition, Status


async def begin(context: Context, cursor: Cursor, *, by_uid: bool) -> Stream:
    command = parse_replace(cursor, uid=by_uid, whole=False)
    check(context, cursor, command.append)
    return ReplaceStream(context, await _open(context, command, by_uid=by_uid), by_uid=by_uid)


async def _open(context: Context, command: Replace, *, by_uid: bool) -> Assembly:
    view = context.selected
    uids = view.named(command.message, uid=by_uid)
    if not uids:
        raise NotFound("there is no such message")
    if view.read_only:
        raise ReadOnly("the mailbox is selected read-only")
    require(view.place.rights, Rights.DELETE_MESSAGES | Rights.EXPUNGE)  # RFC 8508 section 5
    replaced = Replaced(view.account, view.mailbox_id, uids[0])
    return await Assembly.begin(context, command.append, replaced)


class ReplaceStream:
    def __init__(self, context: Context, assembly: Assembly, *, by_uid: bool) -> None:
        self._context = context
        self._assembly = assembly
        self._by_uid = by_uid

    async def write(self, chunk: bytes) -> None:
        await self._assembly.write(chunk)

    async def next(self, cursor: Cursor) -> None:
        command = parse_replace(cursor, uid=self._by_uid, whole=False).append
        check(self._context, cursor, command)
        await self._assembly.go_on(command)

    async def finish(self, cursor: Cursor) -> Replies:
        command = parse_replace(cursor, uid=self._by_uid)
        done = await self._assembly.finish(command.append)
        async for reply in _told(self._context, done):
            yield reply

    def close(self) -> None:
        self._assembly.close()


async def _told(context: Context, done: Appended) -> Replies:
    """APPENDUID goes before what the session announces then: RFC 8508 section 4.3."""
    yield Status(Condition.OK, "The message is there", append_uid(done))
    code = b""
    if context.qresync:
        await context.selected.refresh()
        code = highest_mod_seq(context.selected.snapshot.mod_seq)
    yield Done("Replaced", code)


async def handle(context: Context, command: Replace, *, by_uid: bool) -> Replies:
    """A REPLACE that reaches this has no literal: its message is made of URLs (RFC 4469)."""
    with closing(await _open(context, command, by_uid=by_uid)) as assembly:
        done = await assembly.finish(command.append)
    async for reply in _told(context, done):
        yield reply


def _feature(name: bytes, *, by_uid: bool) -> Feature[Replace]:
    return Feature(
        name,
        ONLY_SELECTED,
        partial(parse_replace, uid=by_uid),
        partial(handle, by_uid=by_uid),
        always(b"REPLACE"),
        news=News.ITS_OWN,
        begin=partial(begin, by_uid=by_uid),
        by_number=not by_uid,
    )


REPLACE = _feature(b"REPLACE", by_uid=False)
UID_REPLACE = _feature(b"UID REPLACE", by_uid=True)
