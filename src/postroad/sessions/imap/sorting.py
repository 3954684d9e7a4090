"""The order that SORT asks for (RFC 5256 section 3), from the keys that the rows hold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from postroad.formats.mime.thread import ascii_key, collation_key
from postroad.model.comparator import Comparator
from postroad.model.ids import Uid
from postroad.model.mailbox import Column
from postroad.sessions.imap import displaynames as names
from postroad.sessions.imap.feature import Context
from postroad.sessions.imap.orders import Order, made, renewed
from postroad.sessions.imap.turns import ordered, turn
from postroad.sessions.imap.view import Selected
from postroad.wire.imap.sort import Criterion, SortKey

ROWS_AT_ONCE = 1000

_MANY = 4  # of the messages more than one in so many: it pays to have the order of all
_Values = Sequence[Sequence[object]]
Keys = list[Any]  # Any: numbers or texts, as `_SOURCES` says


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the keys of one criterion come from; also what a kept order is known by."""

    columns: tuple[Column, ...]
    keys: Callable[[_Values], Sequence[object]]


async def sorted_places(
    context: Context,
    view: Selected,
    places: Sequence[int],
    criteria: Sequence[Criterion],
    scores: Mapping[int, int] | None = None,
    comparator: Comparator | None = None,
) -> list[int]:
    """`places` in the order of the criteria; what was expunged meanwhile is left out.

    `scores` are there for RELEVANCY, by UID; the highest comes first (RFC 6203 section 6).
    `comparator` is there where it is not the session's.
    """
    sources = _SOURCES[comparator or context.comparator]
    wanted = {each.key for each in criteria}
    if SortKey.RELEVANCY in wanted:
        return await _by_reading(context, view, places, criteria, sources, scores or {})
    orders: dict[SortKey, Order] = {}
    for key in wanted:
        order = await _order(context, view, sources[key], len(places))
        if order is None:
            return await _by_reading(context, view, places, criteria, sources, {})
        orders[key] = order
    if len(criteria) == 1:
        return await orders[criteria[0].key].of(places, reverse=criteria[0].reverse)
    ranks = {key: await order.ranks() for key, order in orders.items()}
    return await _passes(places, criteria, [ranks[each.key] for each in criteria])


async def _by_reading(
    context: Context,
    view: Selected,
    places: Sequence[int],
    criteria: Sequence[Criterion],
    sources: Mapping[SortKey, _Source],
    scores: Mapping[int, int],
) -> list[int]:
    """The same of a few messages, or where numbers are not those of the snapshot."""
    stored = [sources[each.key] for each in criteria if each.key is not SortKey.RELEVANCY]
    kept, of_stored = await _read(context, view, places, stored)
    best = [-scores.get(view.uids[place], 0) for place in kept]
    found = iter(of_stored)
    keys = [best if each.key is SortKey.RELEVANCY else next(found) for each in criteria]
    return [kept[at] for at in await _passes(range(len(kept)), criteria, keys)]


async def _passes(
    order: Sequence[int], criteria: Sequence[Criterion], keys: Sequence[Sequence[Any]]
) -> list[int]:
    """Each pass keeps the order of the one before it, so the first criterion comes last."""
    for criterion, of_key in reversed(list(zip(criteria, keys, strict=True))):
        order = await ordered(order, of_key, reverse=criterion.reverse)
    return list(order)


async def _order(context: Context, view: Selected, source: _Source, count: int) -> Order | None:
    """The order of the whole mailbox, kept or made; None where it would not serve."""
    uids = view.snapshot.uids
    if view.uids is not uids:
        return None
    extras, mailbox = context.mailboxes.extras, view.snapshot.mailbox
    known = extras.find(view.account, mailbox, source)

    async def keys(places: Sequence[int]) -> tuple[list[int], list[Any]]:
        kept, (found,) = await _read(context, view, places, [source])
        return kept, found

    if isinstance(known, Order):
        if known.uids is uids or known.uids == uids:
            return known
        order = await renewed(known, uids, keys)
    elif count * _MANY < len(uids):
        return None
    else:
        order = await made(uids, keys)
    extras.keep(view.account, mailbox, source, order)
    return order


async def read_keys(
    context: Context, view: Selected, places: Sequence[int], wanted: Sequence[SortKey]
) -> tuple[list[int], list[Keys]]:
    """The places that are still there, and for each key its values at these places."""
    sources = _SOURCES[context.comparator]
    return await _read(context, view, places, [sources[key] for key in wanted])


async def _read(
    context: Context, view: Selected, places: Sequence[int], sources: Sequence[_Source]
) -> tuple[list[int], list[Keys]]:
    columns = list(dict.fromkeys(column for source in sources for column in source.columns))
    kept: list[int] = []
    found: list[Keys] = [[] for _ in sources]
    told = context.begin(len(places))
    for start in range(0, len(places), ROWS_AT_ONCE):
        by_uid = {view.uids[place]: place for place in places[start : start + ROWS_AT_ONCE]}
        rows = await context.mailboxes.rows(
            view.account, view.mailbox_id, [Uid(uid) for uid in by_uid], columns
        )
        if not rows:
            continue
        uids, *values = zip(*rows, strict=True)
        kept += [by_uid[cast("int", uid)] for uid in uids]  # rows begin with the UID
        by_column = dict(zip(columns, values, strict=True))
        for source, into in zip(sources, found, strict=True):
            into += source.keys([by_column[column] for column in source.columns])
        told(start + len(by_uid))
        await turn()
    return kept, found


def _as_stored(values: _Values) -> Sequence[object]:
    return values[0]


def _sent(values: _Values) -> Sequence[object]:
    """The sent date; without one the internal date (RFC 5256 section 2.2)."""
    return [b if a is None else a for a, b in zip(*values, strict=True)]


def _texts(key: Callable[[str], str]) -> Callable[[_Values], Sequence[object]]:
    return lambda values: [key(text) for text in cast("Sequence[str]", values[0])]  # see Column


def _addresses(
    shown: Callable[[bytes, int], str], field: int, key: Callable[[str], str]
) -> _Source:
    """What is shown of the first address of a field of the ENVELOPE."""

    def keys(values: _Values) -> Sequence[object]:
        plain = cast("Sequence[bytes]", values[0])  # see Column
        utf8 = cast("Sequence[bytes | None]", values[1])  # see Column
        return [key(shown(b or a, field)) for a, b in zip(plain, utf8, strict=True)]

    return _Source((Column.ENVELOPE, Column.ENVELOPE_UTF8), keys)


_UNICODE = {
    SortKey.ARRIVAL: _Source((Column.INTERNAL_DATE,), _as_stored),
    SortKey.CC: _Source((Column.SORT_CC,), _as_stored),
    SortKey.DATE: _Source((Column.SENT_AT, Column.INTERNAL_DATE), _sent),
    SortKey.DISPLAYFROM: _addresses(names.display_name, names.FROM, collation_key),
    SortKey.DISPLAYTO: _addresses(names.display_name, names.TO, collation_key),
    SortKey.FROM: _Source((Column.SORT_FROM,), _as_stored),
    SortKey.SIZE: _Source((Column.SIZE,), _as_stored),
    SortKey.SUBJECT: _Source((Column.SUBJECT_BASE,), _texts(collation_key)),
    SortKey.TO: _Source((Column.SORT_TO,), _as_stored),
}
# What the rows hold to sort by is in the form of the default comparator.
_SOURCES = {
    Comparator.UNICODE: _UNICODE,
    Comparator.ASCII: _UNICODE
    | {
        SortKey.CC: _addresses(names.mailbox, names.CC, ascii_key),
        SortKey.DISPLAYFROM: _addresses(names.display_name, names.FROM, ascii_key),
        SortKey.DISPLAYTO: _addresses(names.display_name, names.TO, ascii_key),
        SortKey.FROM: _addresses(names.mailbox, names.FROM, ascii_key),
        SortKey.SUBJECT: _Source((Column.SUBJECT_BASE,), _texts(ascii_key)),
        SortKey.TO: _addresses(names.mailbox, names.TO, ascii_key),
    },
}
