"""A search index in memory, for tests: it keeps all texts."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from postroad.model.ids import AccountId, EmailId
from postroad.stores.search import Candidates, MessageText, Scope, SearchIndex

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

    async def candidates(self, account: AccountId, needle: str, scope: Scope) -> Candidates | None:
        if not needle:
            return None
        held = self._of(account)
        found = (
            email_id
            for email_id, text in held.by_id.items()
            if not text.is_whole or any(needle in each for each in _searched(text, scope))
        )
        return Candidates(frozenset(found), held.up_to)

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
