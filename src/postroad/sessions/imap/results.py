"""What SEARCH and SORT answer with, as the RETURN options say."""

from collections.abc import Mapping, Sequence

from postroad.sessions.imap.feature import Context, Done, Extension, UidRequired
from postroad.sessions.imap.view import Selected
from postroad.wire.imap.responses import ESearch
from postroad.wire.imap.search import Return, Search

_ENDS = Return.MIN | Return.MAX | Return.PARTIAL


def begin(context: Context, command: Search) -> None:
    """What holds for every command with search keys, before it is carried out."""
    if command.uses_numbers and context.uid_only:
        raise UidRequired  # RFC 9586 section 3.5
    if command.uses_mod_seq:
        context.enable(Extension.CONDSTORE)  # RFC 7162 section 3.1
    if command.returns is not None and Return.SAVE in command.returns:
        # A SEARCH that fails saves nothing (RFC 5182 section 2.1).
        context.selected.saved = ()


def extended(
    context: Context,
    command: Search,
    places: Sequence[int],
    returns: Return,
    *,
    by_uid: bool,
    view: Selected | None = None,
    scores: Mapping[int, int] | None = None,
) -> ESearch | None:
    """The ESEARCH response, and the result kept for ``$``; None if only that was asked for.

    `places` are in the order of the command: of the mailbox, or sorted. `view`
    is there where it is not the selected mailbox.
    """
    view = view or context.selected
    told = _told(places, command, returns)
    if Return.SAVE in returns:
        view.saved = [view.uids[place] for place in sorted(told)]
    if returns == Return.SAVE:
        return None
    numbers = numbers_of(view, places, by_uid=by_uid)
    partial = None
    if command.partial is not None:
        first, last = command.partial.places(len(numbers))
        partial = command.partial.text, numbers[first:last]
    return ESearch(
        context.tag,
        by_uid,
        minimum=numbers[0] if Return.MIN in returns and numbers else None,
        maximum=numbers[-1] if Return.MAX in returns and numbers else None,
        everything=numbers if Return.ALL in returns else None,
        count=len(numbers) if Return.COUNT in returns else None,
        mod_seq=highest(view, told) if command.uses_mod_seq else None,
        partial=partial,
        relevancy=_scores(view, command, places, returns, scores),
    )


def _scores(
    view: Selected,
    command: Search,
    places: Sequence[int],
    returns: Return,
    scores: Mapping[int, int] | None,
) -> list[int] | None:
    """Of the messages that are named, in their order (RFC 6203 section 4)."""
    if scores is None or Return.RELEVANCY not in returns:
        return None
    if command.partial is not None:
        first, last = command.partial.places(len(places))
        places = places[first:last]
    return [scores[view.uids[place]] for place in places]


async def done(view: Selected, text: str, *, by_uid: bool) -> Done:
    """The end of a search, in which messages that are gone matched nothing.

    By number the client is not told of them now: it may want to know (RFC 5530 section 3). They
    may have gone while it was searched.
    """
    if by_uid:
        return Done(text)
    await view.refresh()
    return Done(text, b"EXPUNGEISSUED" if view.lacks([(0, len(view.uids))]) else b"")


def numbers_of(view: Selected, places: Sequence[int], *, by_uid: bool) -> Sequence[int]:
    uids = view.uids
    return [uids[place] for place in places] if by_uid else [place + 1 for place in places]


def highest(view: Selected, places: Sequence[int]) -> int | None:
    """The highest modification sequence of what is told (RFC 7162 section 3.1.10)."""
    snapshot = view.snapshot
    found = (snapshot.index(view.uids[place]) for place in places)
    mod_seqs = snapshot.placements.mod_seqs
    return max((mod_seqs[place] for place in found if place is not None), default=None)


def _told(places: Sequence[int], command: Search, returns: Return) -> Sequence[int]:
    """What the result consists of: with MIN, MAX and PARTIAL alone only these.

    RFC 5182 section 2.4, RFC 9394 section 3.2.
    """
    if not returns & _ENDS or returns & (Return.ALL | Return.COUNT) or not places:
        return places
    chosen: list[int] = []
    if Return.MIN in returns:
        chosen.append(places[0])
    if command.partial is not None:
        first, last = command.partial.places(len(places))
        chosen += places[first:last]
    if Return.MAX in returns:
        chosen.append(places[-1])
    return list(dict.fromkeys(chosen))
