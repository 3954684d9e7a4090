"""SORT and UID SORT (RFC 5256 section 3, RFC 5267, RFC 5957)."""

from dataclasses import replace
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
from postroad.sessions.imap.relevancy import scores_of, wants_scores
from postroad.sessions.imap.results import begin, done, extended, highest, numbers_of
from postroad.sessions.imap.sorting import sorted_places
from postroad.sessions.imap.updating import check_tag, keep_up
from postroad.wire.imap.sort import Sort, Sorted, parse_sort


async def handle(context: Context, command: Sort, *, by_uid: bool) -> Replies:
    view, search = context.selected, await with_filters(context, command.search)
    begin(context, search)
    check_tag(context, search)
    await view.refresh()
    wants = wants_scores(search, command.criteria)
    found = await find(context, view, search.key)
    scores = await scores_of(context, view, search, found) if wants else None
    places = await sorted_places(context, view, found, command.criteria, scores)
    if search.returns is None:
        mod_seq = highest(view, places) if search.uses_mod_seq else None
        yield Sorted(numbers_of(view, places, by_uid=by_uid), mod_seq)
    else:
        answer = extended(context, search, places, search.returns, by_uid=by_uid, scores=scores)
        if answer is not None:
            yield replace(answer, in_order=True)
    refused = keep_up(context, search, places, command.criteria, by_uid=by_uid)
    if refused is not None:
        yield refused
    yield await done(view, phrase("Sorted"), by_uid=by_uid)


SORT = Feature(
    b"SORT",
    ONLY_SELECTED,
    parse_sort,
    partial(handle, by_uid=False),
    always(b"SORT", b"SORT=DISPLAY", b"ESORT", b"CONTEXT=SORT"),
    news=News.NO_EXPUNGE,
    refreshes=True,
    by_number=True,
)
UID_SORT = Feature(
    b"UID SORT", ONLY_SELECTED, parse_sort, partial(handle, by_uid=True), refreshes=True
)
