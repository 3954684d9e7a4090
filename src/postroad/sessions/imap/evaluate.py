"""Which messages of a view match a search key (RFC 9051 section 6.4.4).

A result is a `Mask`: an integer with one octet for each message, 1 where it matches. Masks of
100,000 messages are joined in microseconds. Flags and the like come from the snapshot, dates
and sizes from the rows; only then, and only for what is still possible, texts are searched.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from itertools import compress
from typing import Protocol, assert_never, cast

from postroad.base.moments import Moment
from postroad.core.mailbox.service import MailboxService
from postroad.core.search.folding import fold
from postroad.core.search.service import TextSearch
from postroad.model.comparator import Comparator
from postroad.model.ids import Uid
from postroad.model.mailbox import Column
from postroad.model.sharing import Place
from postroad.sessions.imap import flags
from postroad.sessions.imap.attached import has_attachment, number_offset
from postroad.sessions.imap.columns import NONE, kept_column
from postroad.sessions.imap.turns import turn
from postroad.sessions.imap.view import Selected
from postroad.wire.imap import searchkeys as s
from postroad.wire.imap.searchkeys import Key, Side

Mask = int

_ROWS = 2000
_MAX_WORDS = 10  # of a text that is matched fuzzily
_DAY = 86_400_000_000
_EPOCH = date(1970, 1, 1)
# How much it costs to evaluate a key; within AND the cheap ones go first.
_COSTS = {
    s.Dated: 1,
    s.Saved: 1,
    s.Within: 1,
    s.Sized: 1,
    s.HasId: 1,
    s.HasNumber: 1,
    s.HasAttachment: 1,
    s.HasHeader: 2,
    s.HasText: 3,
}
_RowKey = s.Sized | s.Dated | s.Saved | s.Within | s.HasId | s.HasNumber | s.HasAttachment
_GONE = -1  # the place in the snapshot of a message that was expunged meanwhile


class SearchServices(Protocol):
    @property
    def search(self) -> TextSearch: ...

    @property
    def now(self) -> Callable[[], Moment]: ...


class Searching(Protocol):
    """As much of a `Context` as a search needs."""

    @property
    def comparator(self) -> Comparator: ...

    @property
    def mailboxes(self) -> MailboxService: ...

    @property
    def services(self) -> SearchServices: ...


class Evaluation:
    """One search over one view. Messages expunged meanwhile match nothing.

    Texts are compared as the session does now, or as the one does that is given.
    """

    def __init__(
        self, context: Searching, view: Selected, comparator: Comparator | None = None
    ) -> None:
        self._context = context
        self._comparator = comparator or context.comparator
        self._view = view
        self._count = len(view.uids)
        self._all = int.from_bytes(b"\1" * self._count, "little")
        self._now = context.services.now()

    async def places(self, key: Key) -> list[int]:
        """The places of the messages that match, ascending, counted from 0."""
        mask = await self._mask(key, self._present())
        return list(compress(range(self._count), mask.to_bytes(self._count, "little")))

    def _present(self) -> Mask:
        if self._view.uids is self._view.snapshot.uids:
            return self._all
        return self._where(place != _GONE for place in self._places())

    async def _mask(self, key: Key, among: Mask) -> Mask:
        """The matches of `key` within `among`."""
        if not among:
            return 0
        match key:
            case s.And():
                for each in sorted(key.keys, key=_cost):
                    among = await self._mask(each, among)
                return among
            case s.Or():
                first = await self._mask(key.keys[0], among)
                return first | await self._mask(key.keys[1], among & ~first)
            case s.Fuzzy():
                return await self._fuzzy(key.key, among)
            case s.Not():
                return among & ~await self._mask(key.key, among)
            case s.HasHeader() | s.HasText():
                return await self._text(key, among)
            case s.Sized() | s.Dated() | s.Saved() | s.Within():
                return among & await self._stored(key, among)
            case s.HasId() | s.HasNumber() | s.HasAttachment():
                return among & await self._stored(key, among)
            case _:
                return among & self._known(key)

    def _known(
        self,
        key: s.All
        | s.HasFlag
        | s.IsRecent
        | s.InSet
        | s.ModifiedSince
        | s.HasEmail
        | s.Filter
        | s.HasLabel
        | s.GmailRaw,
    ) -> Mask:
        """What the snapshot alone answers."""
        match key:
            case s.All():
                return self._all if key.wanted else 0
            case s.HasFlag():
                return self._flag(key)
            case s.IsRecent():
                recent = self._view.recent
                return self._where((uid in recent) == key.wanted for uid in self._view.uids)
            case s.InSet():
                return self._in_set(key)
            case s.ModifiedSince():
                mod_seqs = self._view.snapshot.placements.mod_seqs
                return self._where(
                    place != _GONE and mod_seqs[place] >= key.mod_seq for place in self._places()
                )
            case s.HasEmail():
                return self._has_email(key)
            case s.Filter() | s.HasLabel() | s.GmailRaw():
                raise RuntimeError("what these stand for is put in before a search begins")
            case _:
                assert_never(key)

    def _has_email(self, key: s.HasEmail) -> Mask:
        if key.owner != self._view.account:
            return 0
        email_ids = self._view.snapshot.placements.email_ids
        return self._where(
            place != _GONE and email_ids[place] in key.email_ids for place in self._places()
        )

    def _flag(self, key: s.HasFlag) -> Mask:
        placements = self._view.snapshot.placements
        table = bytes(flags.has(look, key.flag) == key.wanted for look in placements.combinations)
        if not any(table):
            return 0
        if all(table):
            return self._all
        if self._view.uids is self._view.snapshot.uids:
            return self._where(map(table.__getitem__, placements.looks))
        looks = placements.looks
        return self._where(
            place != _GONE and bool(table[looks[place]]) for place in self._places()
        )

    def _in_set(self, key: s.InSet) -> Mask:
        # Interop: numbers beyond the last message match nothing, as other servers have it.
        mask = bytearray(self._count)
        for start, stop in self._view.spans(key.messages, uid=key.uid, clip=True):
            mask[start:stop] = b"\1" * (stop - start)
        return int.from_bytes(mask, "little")

    def _places(self) -> Sequence[int]:
        """Where the messages of the view stand in the snapshot."""
        view = self._view
        if view.uids is view.snapshot.uids:
            return range(self._count)
        found = (view.snapshot.index(uid) for uid in view.uids)
        return [_GONE if place is None else place for place in found]

    def _where(self, matches: Iterable[int]) -> Mask:
        return int.from_bytes(bytes(matches), "little")

    # What needs rows

    async def _stored(self, key: _RowKey, among: Mask) -> Mask:
        column, matches = _row_test(key, self._now, self._view.place)
        mask = bytearray(self._count)
        places = list(compress(range(self._count), among.to_bytes(self._count, "little")))
        view, mailboxes = self._view, self._context.mailboxes
        kept = await kept_column(mailboxes, view, column, len(places))
        for start in range(0, len(places), _ROWS):
            some = places[start : start + _ROWS]
            if kept is None:
                by_uid = {Uid(view.uids[place]): place for place in some}
                wanted = view.account, view.mailbox_id, list(by_uid)
                rows = await mailboxes.rows(*wanted, [column])
                # Rows begin with the UID.
                found = [by_uid[cast("Uid", uid)] for uid, value in rows if matches(value)]
            else:
                found = [place for place in some if matches(kept[place])]
                await turn()
            for place in found:
                mask[place] = 1
        return int.from_bytes(mask, "little")

    # What needs texts

    async def _text(self, key: s.HasHeader | s.HasText, among: Mask) -> Mask:
        view, search = self._view, self._context.services.search
        uids = self._uids(among)
        if isinstance(key, s.HasHeader):
            found = await search.with_header(
                view.account, view.mailbox_id, uids, key.field, key.text, self._comparator
            )
        else:
            in_header = key.where is s.Where.TEXT
            found = await search.with_text(
                view.account,
                view.mailbox_id,
                uids,
                key.text,
                self._comparator,
                in_header=in_header,
            )
        return self._only(found, among)

    async def _fuzzy(self, key: Key, among: Mask) -> Mask:
        if not isinstance(key, s.HasText):
            return await self._mask(loosened(key), among)
        view, search = self._view, self._context.services.search
        in_header = key.where is s.Where.TEXT
        found = await search.with_words(
            view.account, view.mailbox_id, self._uids(among), key.text, in_header=in_header
        )
        return self._only(found, among)

    def _uids(self, among: Mask) -> list[Uid]:
        octets = among.to_bytes(self._count, "little")
        # An array cannot say what its numbers are.
        return cast("list[Uid]", list(compress(self._view.uids, octets)))

    def _only(self, uids: Iterable[Uid], among: Mask) -> Mask:
        wanted: set[int] = set(uids)
        return among & self._where(map(wanted.__contains__, self._view.uids))


def reads_texts(key: Key) -> bool:
    """Whether messages have to be read for it."""
    return _cost(key) >= _COSTS[s.HasHeader]


def loosened(key: Key) -> Key:
    """What FUZZY makes of a key: of texts the words, in any order; the rest stays exact.

    What stays under `Fuzzy` is left to the index.
    """
    match key:
        case s.HasHeader():
            return s.And(tuple(s.HasHeader(key.field, word) for word in _words(key.text)))
        case s.HasText():
            return s.Fuzzy(key)
        case s.And():
            return s.And(tuple(map(loosened, key.keys)))
        case s.Or():
            return s.Or((loosened(key.keys[0]), loosened(key.keys[1])))
        case s.Not():
            return s.Not(loosened(key.key))
        case s.Fuzzy():
            return loosened(key.key)
        case _:
            return key


def _words(text: str) -> list[str]:
    """The words, each once; of many the first, and what has none stays as it is."""
    return list(dict.fromkeys(text.split()))[:_MAX_WORDS] or [text]


def _cost(key: Key) -> int:
    match key:
        case s.And() | s.Or():
            return max(_cost(each) for each in key.keys)
        case s.Not() | s.Fuzzy():
            return _cost(key.key)
        case _:
            return _COSTS.get(type(key), 0)


def _row_test(key: _RowKey, now: Moment, place: Place) -> tuple[Column, Callable[[object], bool]]:
    """The column that decides, and how."""
    match key:
        case s.Sized():
            # LARGER is over the number (RFC 9051 section 6.4.4), SINCE includes its day.
            first = key.octets if key.side is Side.BEFORE else key.octets + 1
            return Column.SIZE, _side(key.side, first, first)
        case s.Dated(sent=True):
            ordinal = key.day.toordinal()
            return Column.SENT_ON, _side(key.side, ordinal, ordinal + 1)
        case s.Dated() | s.Saved():
            # These dates are told in UTC, and the day is the one told.
            column = Column.SAVED_AT if isinstance(key, s.Saved) else Column.INTERNAL_DATE
            start = (key.day - _EPOCH) // timedelta(days=1) * _DAY
            return column, _side(key.side, start, start + _DAY)
        case s.Within():
            # RFC 5032 section 2: a date that is equal is in both.
            since = now - key.seconds * 1_000_000
            if key.younger:
                return Column.INTERNAL_DATE, _side(Side.SINCE, since, since)
            return Column.INTERNAL_DATE, _side(Side.BEFORE, since + 1, since)
        case s.HasId():
            column = Column.THREAD_ID if key.thread else Column.EMAIL_ID
            start_of_id = ("T" if key.thread else "M") + place.id_prefix
            return column, lambda value: f"{start_of_id}{value}" == key.object_id
        case s.HasNumber():
            column = Column.THREAD_ID if key.thread else Column.EMAIL_ID
            number = key.number - number_offset(place)
            return column, lambda value: value == number
        case s.HasAttachment():
            wanted = fold(key.filename)
            return Column.PART_TABLE, lambda value: has_attachment(cast("bytes", value), wanted)


def _side(side: Side, start: int, end: int) -> Callable[[object], bool]:
    """Before `start`, from it to `end`, or from it on; None matches nothing."""
    match side:
        case Side.BEFORE:
            return lambda value: isinstance(value, int) and NONE < value < start
        case Side.ON:
            return lambda value: isinstance(value, int) and start <= value < end
        case Side.SINCE:
            return lambda value: isinstance(value, int) and value >= start
