"""How well messages match a FUZZY search (RFC 6203 section 4).

A text is matched fuzzily when all of its words are there, in any order. How well TEXT and BODY
match is what the search index says; in a header field the whole text counts more than its words.
What is in the subject counts more than what is elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from postroad.core.search.folding import fold
from postroad.model.ids import Uid
from postroad.model.mailbox import Column
from postroad.sessions.imap.evaluate import Evaluation, loosened
from postroad.sessions.imap.feature import Context
from postroad.sessions.imap.turns import turn
from postroad.sessions.imap.view import Selected
from postroad.wire.errors import BadSyntax
from postroad.wire.imap.search import Return, Search
from postroad.wire.imap.searchkeys import And, Fuzzy, HasHeader, HasText, InSet, Key, Or, Where
from postroad.wire.imap.sequence import SequenceSet, spans_of
from postroad.wire.imap.sort import Criterion, SortKey

Scores = Mapping[int, int]
"""From 1 to 100, by UID."""

_MAX_TEXTS = 10  # of one search that are looked at
_BEST, _WHOLE, _IN_SUBJECT, _WORDS = 8.0, 6.0, 4.0, 2.0
_ROWS = 1000


def wants_scores(search: Search, criteria: Sequence[Criterion] = ()) -> bool:
    """Raises `BadSyntax` where scores are asked for of a search that is exact."""
    told = search.returns is not None and Return.RELEVANCY in search.returns
    if not told and all(each.key is not SortKey.RELEVANCY for each in criteria):
        return False
    if not search.uses_fuzzy:
        raise BadSyntax("FUZZY beside RELEVANCY", 0)  # RFC 6203 sections 4 and 6
    return True


async def scores_of(
    context: Context, view: Selected, search: Search, places: Sequence[int]
) -> Scores:
    """The scores of the messages that match, spread over the whole range."""
    uids = [view.uids[place] for place in places]
    points = dict.fromkeys(uids, 0.0)
    for key in _fuzzy_texts(search.key)[:_MAX_TEXTS]:
        for uid, more in (await _points(context, view, key, uids)).items():
            points[uid] += more
    if not points:
        return {}
    low, high = min(points.values()), max(points.values())
    if low == high:
        return dict.fromkeys(uids, 100)
    return {uid: int(1 + 99 * (each - low) / (high - low)) for uid, each in points.items()}


async def _points(
    context: Context, view: Selected, key: HasHeader | HasText, uids: Sequence[int]
) -> dict[int, float]:
    if isinstance(key, HasHeader):
        return await _of_field(context, view, key, uids)
    found = await context.services.search.with_words(
        view.account,
        view.mailbox_id,
        [Uid(uid) for uid in sorted(uids)],
        key.text,
        in_header=key.where is Where.TEXT,
    )
    subjects = await _with_subject(context, view, list(found), key.text)
    return {
        uid: _WHOLE * score + (_BEST - _WHOLE if uid in subjects else 0)
        for uid, score in found.items()
    }


async def _with_subject(
    context: Context, view: Selected, uids: Sequence[Uid], text: str
) -> set[int]:
    """Those that have all words in their subject, as the rows have it."""
    words = fold(text).split()
    found: set[int] = set()
    told = context.begin(len(uids))
    for start in range(0, len(uids), _ROWS):
        some = uids[start : start + _ROWS]
        rows = await context.mailboxes.rows(
            view.account, view.mailbox_id, some, [Column.SUBJECT_BASE]
        )
        for uid, subject in rows:
            folded = fold(cast("str", subject))  # see Column
            if all(word in folded for word in words):
                found.add(cast("int", uid))  # rows begin with the UID
        told(start + len(some))
        await turn()
    return found


async def _of_field(
    context: Context, view: Selected, key: HasHeader, uids: Sequence[int]
) -> dict[int, float]:
    subject = HasHeader("subject", key.text)
    whole = await _matching(context, view, key, uids)
    best = await _matching(context, view, subject, sorted(whole))
    rest = [uid for uid in uids if uid not in whole]
    in_subject = await _matching(context, view, loosened(subject), rest)
    return {
        **dict.fromkeys(uids, _WORDS),
        **dict.fromkeys(in_subject, _IN_SUBJECT),
        **dict.fromkeys(whole, _WHOLE),
        **dict.fromkeys(best, _BEST),
    }


async def _matching(context: Context, view: Selected, key: Key, uids: Sequence[int]) -> set[int]:
    if not uids:
        return set()
    among = InSet(SequenceSet(tuple(spans_of(uids))), uid=True)
    places = await Evaluation(context, view).places(And((among, key)))
    return {view.uids[place] for place in places}


def _fuzzy_texts(key: Key) -> list[HasHeader | HasText]:
    return list(dict.fromkeys(_texts(key, fuzzy=False)))


def _texts(key: Key, *, fuzzy: bool) -> Iterator[HasHeader | HasText]:
    """What is looked for fuzzily; what must not be there is no measure."""
    match key:
        case Fuzzy():
            yield from _texts(key.key, fuzzy=True)
        case And() | Or():
            for each in key.keys:
                yield from _texts(each, fuzzy=fuzzy)
        case HasHeader() | HasText():
            if fuzzy:
                yield key
        case _:
            return
