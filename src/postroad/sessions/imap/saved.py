"""The search keys of virtual mailboxes, evaluated as those of SEARCH are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from postroad.base.errors import Invalid
from postroad.base.moments import Moment
from postroad.base.phrases import phrase, said_by
from postroad.core.mailbox.service import MailboxService
from postroad.core.mailbox.virtual import Matching
from postroad.core.search.service import TextSearch
from postroad.model.comparator import Comparator
from postroad.model.ids import AccountId, Uid
from postroad.model.mailbox import Mailbox
from postroad.model.sharing import Place, Spot
from postroad.sessions.imap.evaluate import Evaluation
from postroad.sessions.imap.view import Selected
from postroad.wire.errors import WireError
from postroad.wire.imap import searchkeys as s
from postroad.wire.imap.search import parse_criteria
from postroad.wire.imap.sequence import SequenceSet, spans_of

_MAX_LETTERS = 5000
# What has a meaning only in one session, or becomes another by time alone.
_REFUSED = {
    s.InSet: "numbers of messages",
    s.IsRecent: "RECENT, NEW and OLD",
    s.ModifiedSince: "MODSEQ",
    s.Within: "OLDER and YOUNGER",
    s.Filter: "FILTER",
    s.GmailRaw: "X-GM-RAW",
    s.HasLabel: "X-GM-LABELS",
    s.HasNumber: "X-GM-MSGID and X-GM-THRID",
}


def parse_saved(text: str) -> s.Key:
    """The keys of a search that is kept. Raises `Invalid`."""
    if len(text) > _MAX_LETTERS:
        raise Invalid(
            phrase(
                "a search that is kept has at most {most} characters",
                most=_MAX_LETTERS,
            )
        )
    try:
        key = parse_criteria(text.encode())
    except (WireError, UnicodeEncodeError) as error:
        raise Invalid(phrase("that is no search: {error}", error=said_by(error))) from error
    _check(key.key)
    return key.key


def _check(key: s.Key) -> None:
    match key:
        case s.And() | s.Or():
            for each in key.keys:
                _check(each)
        case s.Not() | s.Fuzzy():
            _check(key.key)
        case _ if type(key) in _REFUSED:
            raise Invalid(
                phrase("{refused} cannot be in a search that is kept", refused=_REFUSED[type(key)])
            )


@dataclass(frozen=True, slots=True)
class _Services:
    search: TextSearch
    now: Callable[[], Moment]


class SavedSearches(Matching):
    """`mailboxes` are the real ones; what a session has set counts for none of them."""

    comparator = Comparator.UNICODE

    def __init__(
        self, mailboxes: MailboxService, search: TextSearch, now: Callable[[], Moment]
    ) -> None:
        self.mailboxes = mailboxes
        self.services = _Services(search, now)

    async def matching(
        self, account: AccountId, mailbox: Mailbox, uids: Sequence[Uid] | None, search: str
    ) -> Sequence[Uid]:
        key = parse_saved(search)
        place = Place(Spot(account, mailbox.name), mailbox)
        snapshot = await self.mailboxes.snapshot(place)
        view = Selected(self.mailboxes, place, snapshot, read_only=True)
        if uids is not None:
            if not uids:
                return []
            among = s.InSet(SequenceSet(tuple(spans_of(uids))), uid=True)
            key = s.And((among, key))
        return [Uid(view.uids[place]) for place in await Evaluation(self, view).places(key)]
