"""Searches that are kept on the server as annotations of it (RFC 5466)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from postroad.base.errors import Invalid
from postroad.base.phrases import phrase, said_by
from postroad.sessions.imap.errors import UndefinedFilter
from postroad.sessions.imap.feature import Context
from postroad.sessions.imap.labels import with_labels
from postroad.wire.errors import WireError
from postroad.wire.imap.search import Search, parse_criteria
from postroad.wire.imap.searchkeys import And, Filter, Fuzzy, Key, Not, Or

_ROOTS = ("/private/filters/values/", "/shared/filters/values/")  # the private one counts first
_MAX_FILTERS = 100  # named by one search, however they name each other


async def with_filters(context: Context, search: Search) -> Search:
    """The search with what its filters and labels stand for.

    Raises `UndefinedFilter`, `BadSyntax`.
    """
    if search.uses_filters:
        search = await _expanded(context, search)
    return await with_labels(context, search)


async def _expanded(context: Context, search: Search) -> Search:
    there = await context.services.annotations.of_server(context.viewer)
    expansion = _Expansion(there)
    key = expansion.key(search.key, ())
    return replace(
        search,
        key=key,
        uses_filters=False,
        uses_mod_seq=search.uses_mod_seq or expansion.uses_mod_seq,
        uses_fuzzy=search.uses_fuzzy or expansion.uses_fuzzy,
        uses_numbers=search.uses_numbers or expansion.uses_numbers,
        uses_gmail=search.uses_gmail or expansion.uses_gmail,
    )


def check_filters(values: Mapping[str, bytes | None]) -> None:
    """Raises `Invalid` where what is to be kept as a filter is no search."""
    for entry, value in values.items():
        if value is None or not entry.startswith(_ROOTS):
            continue
        try:
            parse_criteria(value)
        except WireError as error:
            raise Invalid(
                phrase("{entry} is no search: {error}", entry=entry, error=said_by(error))
            ) from error


@dataclass(slots=True)
class _Expansion:
    there: Mapping[str, bytes]
    count: int = 0
    uses_mod_seq: bool = False
    uses_numbers: bool = False
    uses_fuzzy: bool = False
    uses_gmail: bool = False

    def key(self, key: Key, within: tuple[str, ...]) -> Key:
        """`within` are the filters that led here."""
        match key:
            case Filter():
                return self._filter(key.name, within)
            case Fuzzy():
                return Fuzzy(self.key(key.key, within))
            case Not():
                return Not(self.key(key.key, within))
            case And():
                return And(tuple(self.key(each, within) for each in key.keys))
            case Or():
                return Or((self.key(key.keys[0], within), self.key(key.keys[1], within)))
            case _:
                return key

    def _filter(self, name: str, within: tuple[str, ...]) -> Key:
        self.count += 1
        if name in within or self.count > _MAX_FILTERS:
            raise UndefinedFilter(
                name, phrase("the filter {name} leads to too many others, or to itself", name=name)
            )
        found = next(
            (self.there[root + name] for root in _ROOTS if root + name in self.there), None
        )
        if found is None:
            raise UndefinedFilter(name, phrase("the filter {name} is not there", name=name))
        try:
            search = parse_criteria(found)
        except WireError as error:
            raise UndefinedFilter(
                name,
                phrase("the filter {name} is no search: {error}", name=name, error=said_by(error)),
            ) from error
        self.uses_mod_seq |= search.uses_mod_seq
        self.uses_fuzzy |= search.uses_fuzzy
        self.uses_numbers |= search.uses_numbers
        self.uses_gmail |= search.uses_gmail
        return self.key(search.key, (*within, name))
