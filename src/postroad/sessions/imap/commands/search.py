"""SEARCH and UID SEARCH (RFC 9051 section 6.4.4, RFC 4731, RFC 5182, RFC 7162).

Extended by RFC 5032 (WITHIN), RFC 5267 (CONTEXT=SEARCH), RFC 5466 (FILTERS), RFC 6203 (FUZZY),
RFC 8514 (SAVEDATE) and RFC 9394 (PARTIAL).
"""

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
from postroad.sessions.imap.updating import check_tag, keep_up
from postroad.wire.imap.responses import SearchHits
from postroad.wire.imap.search import Return, Search, parse_search


async def handle(context: Context, command: Search, *, by_uid: bool) -> Replies:
    view, command = context.selected, await with_filters(context, command)
    begin(context, command)
    check_tag(context, command)
    await view.refresh()
    wants = wants_scores(command)
    places = await find(context, view, command.key)
    scores = await scores_of(context, view, command, places) if wants else None
    returns = command.returns
    if returns is None and context.rev2:
        returns = Return.ALL
    if returns is None:
        mod_seq = highest(view, places) if command.uses_mod_seq else None
        yield SearchHits(numbers_of(view, places, by_uid=by_uid), mod_seq)
    else:
        answer = extended(context, command, places, returns, by_uid=by_uid, scores=scores)
        if answer is not None:
            yield answer
    if (refused := keep_up(context, command, places, by_uid=by_uid)) is not None:
        yield refused
    yield await done(view, phrase("Searched"), by_uid=by_uid)


SEARCH = Feature(
    b"SEARCH",
    ONLY_SELECTED,
    parse_search,
    partial(handle, by_uid=False),
    always(
        b"ESEARCH",
        b"SEARCHRES",
        b"WITHIN",
        b"PARTIAL",
        b"FILTERS",
        b"CONTEXT=SEARCH",
        b"SEARCH=FUZZY",
        b"INPROGRESS",
    ),
    news=News.NO_EXPUNGE,
    refreshes=True,
    by_number=True,
)
UID_SEARCH = Feature(
    b"UID SEARCH", ONLY_SELECTED, parse_search, partial(handle, by_uid=True), refreshes=True
)
