"""THREAD and UID THREAD (RFC 5256 section 3; REFS: draft-ietf-morg-inthread)."""

from functools import partial

from postroad.sessions.imap.feature import (
    ONLY_SELECTED,
    Context,
    Feature,
    News,
    Replies,
    always,
)
from postroad.sessions.imap.filters import with_filters
from postroad.sessions.imap.origins import read_origins
from postroad.sessions.imap.progress import find
from postroad.sessions.imap.results import begin, done, numbers_of
from postroad.sessions.imap.sorting import read_keys
from postroad.sessions.imap.threads import by_references, by_references_alone, by_subject
from postroad.wire.imap.sort import Algorithm, SortKey, Thread, Threads, parse_thread


async def handle(context: Context, command: Thread, *, by_uid: bool) -> Replies:
    view, search = context.selected, await with_filters(context, command.search)
    begin(context, search)
    await view.refresh()
    places = await find(context, view, search.key)
    kept, (subjects, dates) = await read_keys(context, view, places, _KEYS)
    if command.algorithm is Algorithm.ORDEREDSUBJECT:
        forest = await by_subject(subjects, dates)
    else:
        origins = await read_origins(context, view, kept)
        if command.algorithm is Algorithm.REFS:
            forest = await by_references_alone(origins, dates)
        else:
            forest = await by_references(origins, subjects, dates)
    yield Threads(await forest.encode(numbers_of(view, kept, by_uid=by_uid)))
    yield await done(view, "Threaded", by_uid=by_uid)


_KEYS = (SortKey.SUBJECT, SortKey.DATE)

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
