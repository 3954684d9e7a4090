"""THREAD and UID THREAD (RFC 5256 section 3; REFS: draft-ietf-morg-inthread)."""

from functools import partial

from postroad.base.phrases import phrase
from postroad.sessions.imap.feature import (
    ONLY_SELECTED,
    Context,
    Feature,
    News,
    Replies,
    always,
)
from postroad.sessions.imap.filters import with_filters
from postroad.sessions.imap.progress import find
from postroad.sessions.imap.results import begin, done
from postroad.sessions.imap.threadlists import thread_lists
from postroad.wire.imap.sort import Thread, Threads, parse_thread


async def handle(context: Context, command: Thread, *, by_uid: bool) -> Replies:
    view, search = context.selected, await with_filters(context, command.search)
    begin(context, search)
    await view.refresh()
    places = await find(context, view, search.key)
    lists = await thread_lists(context, view, places, command.algorithm, by_uid=by_uid)
    yield Threads(lists)
    yield await done(view, phrase("Threaded"), by_uid=by_uid)


THREAD = Feature(
    b"THREAD",
    ONLY_SELECTED,
    parse_thread,
    partial(handle, by_uid=False),
    always(b"THREAD=ORDEREDSUBJECT", b"THREAD=REFERENCES", b"THREAD=REFS"),
    news=News.NO_EXPUNGE,
    refreshes=True,
    by_number=True,
)
UID_THREAD = Feature(
    b"UID THREAD", ONLY_SELECTED, parse_thread, partial(handle, by_uid=True), refreshes=True
)
