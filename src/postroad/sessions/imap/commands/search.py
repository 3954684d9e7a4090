"""SEARCH and UID SEARCH (RFC 9051 section 6.4.4, RFC 4731, RFC 5182, RFC 7162)."""

from collections.abc import Sequence
from functools import partial

from postroad.sessions.imap.evaluate import Evaluation
from postroad.sessions.imap.feature import (
    ONLY_SELECTED,
    Context,
    Done,
    Extension,
    Feature,
    News,
    Replies,
    always,
)
from postroad.sessions.imap.view import Selected
from postroad.wire.imap.responses import ESearch, SearchHits
from postroad.wire.imap.search import Return, Search, parse_search


async def handle(context: Context, command: Search, *, by_uid: bool) -> Replies:
    view = context.selected
    if command.uses_mod_seq:
        context.enable(Extension.CONDSTORE)  # RFC 7162 section 3.1
    returns = command.returns
    if returns is not None and Return.SAVE in returns:
        view.saved = ()  # a SEARCH that fails saves nothing (RFC 5182 section 2.1)
    await view.refresh()
    places = await Evaluation(context, view).places(command.key)
    if returns is None and context.rev2:
        returns = Return.ALL
    if returns is None:
        mod_seq = _highest(view, places) if command.uses_mod_seq else None
        yield SearchHits(_numbers(view, places, by_uid=by_uid), mod_seq)
    else:
        told = _told(places, returns)
        if Return.SAVE in returns:
            view.saved = [view.uids[place] for place in told]
        if returns != Return.SAVE:
            mod_seq = _highest(view, told) if command.uses_mod_seq else None
            yield _extended(context, view, places, returns, mod_seq, by_uid=by_uid)
    yield Done("Searched")


def _told(places: Sequence[int], returns: Return) -> Sequence[int]:
    """What the result consists of: with MIN and MAX alone only these (RFC 5182 section 2.4)."""
    ends = returns & (Return.MIN | Return.MAX)
    if not ends or returns & (Return.ALL | Return.COUNT) or not places:
        return places
    chosen = []
    if Return.MIN in ends:
        chosen.append(places[0])
    if Return.MAX in ends and (not chosen or places[-1] != chosen[0]):
        chosen.append(places[-1])
    return chosen


def _extended(
    context: Context,
    view: Selected,
    places: Sequence[int],
    returns: Return,
    mod_seq: int | None,
    *,
    by_uid: bool,
) -> ESearch:
    numbers = _numbers(view, places, by_uid=by_uid)
    return ESearch(
        context.tag,
        by_uid,
        minimum=numbers[0] if Return.MIN in returns and numbers else None,
        maximum=numbers[-1] if Return.MAX in returns and numbers else None,
        everything=numbers if Return.ALL in returns else None,
        count=len(numbers) if Return.COUNT in returns else None,
        mod_seq=mod_seq,
    )


def _numbers(view: Selected, places: Sequence[int], *, by_uid: bool) -> Sequence[int]:
    uids = view.uids
    return [uids[place] for place in places] if by_uid else [place + 1 for place in places]


def _highest(view: Selected, places: Sequence[int]) -> int | None:
    """The highest modification sequence of what is told (RFC 7162 section 3.1.10)."""
    snapshot = view.snapshot
    found = (snapshot.index(view.uids[place]) for place in places)
    mod_seqs = snapshot.placements.mod_seqs
    return max((mod_seqs[place] for place in found if place is not None), default=None)


SEARCH = Feature(
    b"SEARCH",
    ONLY_SELECTED,
    parse_search,
    partial(handle, by_uid=False),
    always(b"ESEARCH", b"SEARCHRES"),
    news=News.NO_EXPUNGE,
    refreshes=True,
)
UID_SEARCH = Feature(
    b"UID SEARCH", ONLY_SELECTED, parse_search, partial(handle, by_uid=True), refreshes=True
)
