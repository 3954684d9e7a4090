"""A search index in memory, for tests: it keeps all texts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from postroad.model.ids import AccountId, EmailId
from postroad.stores.search import (
    EVERYTHING,
    FIELDS,
    Candidates,
    Grade,
    MessageText,
    Ranked,
    Ranking,
    Scope,
    SearchIndex,
)

_TERM = re.compile(r"[0-9a-z\x80-\U0010ffff]+")
_NOTHING = EmailId(0)


@dataclass(slots=True)
class _Texts:
    by_id: dict[EmailId, MessageText] = field(default_factory=dict)
    up_to: EmailId = _NOTHING


class MemorySearchIndex(SearchIndex):
    def __init__(self) -> None:
        self._accounts: dict[AccountId, _Texts] = {}

    async def index(
        self,
        account: AccountId,
        after: EmailId,
        texts: Sequence[MessageText],
        up_to: EmailId,
    ) -> EmailId:
        held = self._accounts.setdefault(account, _Texts())
        if held.up_to == after:
            held.by_id.update((text.email_id, text) for text in texts)
            held.up_to = up_to
        return held.up_to

    async def remove(self, account: AccountId, email_ids: Sequence[EmailId]) -> None:
        for email_id in email_ids:
            self._of(account).by_id.pop(email_id, None)

    async def indexed_up_to(self, account: AccountId) -> EmailId:
        return self._of(account).up_to

    async def candidates(
        self, account: AccountId, needle: str, scope: Scope, within: range = EVERYTHING
    ) -> Candidates | None:
        if not needle:
            return None
        held = self._of(account)
        found = {
            email_id
            for email_id, text in held.by_id.items()
            if email_id in within and any(needle in each for each in _searched(text, scope))
        }
        partly = {
            email_id
            for email_id, text in held.by_id.items()
            if email_id in within and not text.is_whole
        }
        certain = found if _TERM.fullmatch(needle) else ()
        return Candidates(frozenset(found | partly), held.up_to, frozenset(certain))

    async def with_field(
        self,
        account: AccountId,
        field: str,
        needle: str,
        among: Sequence[EmailId] | range = EVERYTHING,
    ) -> Candidates | None:
        held = self._of(account)
        number, wanted = FIELDS.index(field), needle or "\n"
        known = {key: text.fields[number] for key, text in held.by_id.items() if key in among}
        certain = {key for key, text in known.items() if text is not None and wanted in text}
        unknown = {key for key, text in known.items() if text is None}
        return Candidates(frozenset(certain | unknown), held.up_to, frozenset(certain))

    async def ranked(
        self, account: AccountId, words: Sequence[str], *, in_header: bool
    ) -> Ranked | None:
        held = self._of(account)
        ranking = Ranking(held.up_to)
        for terms in map(_TERM.findall, words):
            if terms:
                ranking.add(_grades(held, terms, in_header))
        unsure = (key for key, text in held.by_id.items() if not text.is_whole)
        return ranking.ranked(frozenset(unsure))

    async def forget(self, account: AccountId) -> None:
        self._accounts.pop(account, None)

    def _of(self, account: AccountId) -> _Texts:
        return self._accounts.get(account) or _Texts()


def _searched(text: MessageText, scope: Scope) -> tuple[str, ...]:
    match scope:
        case Scope.HEADER:
            return (text.header,)
        case Scope.BODY:
            return (text.body,)
        case Scope.ANYWHERE:
            return text.header, text.body


def _grades(held: _Texts, terms: list[str], in_header: bool) -> dict[EmailId, Grade]:
    found = {key: _grade(text, terms, in_header) for key, text in held.by_id.items()}
    return {key: grade for key, grade in found.items() if grade is not None}


def _grade(text: MessageText, terms: list[str], in_header: bool) -> Grade | None:
    header = text.header if in_header else ""
    for grade, there in (
        (Grade.WORD_OF_HEADER, _TERM.findall(header)),
        (Grade.IN_HEADER, header),
        (Grade.WORD_OF_BODY, _TERM.findall(text.body)),
        (Grade.IN_BODY, header + text.body),
    ):
        if all(term in there for term in terms):
            return grade
    return None
