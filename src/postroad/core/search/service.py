"""Searching texts in messages: the index names candidates, the messages decide.

Where the index is certain, and for fuzzy searches, it decides itself.
Without an index, or where it is behind, the messages themselves are read.
"""

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import compress
from typing import TypeVar

from postroad.base.errors import TryLater
from postroad.core.mailbox.cache import SnapshotCache
from postroad.core.mailbox.snapshot import Snapshot
from postroad.core.search.fieldtexts import texts_of
from postroad.core.search.folding import Needle, fold
from postroad.core.search.plan import Message, Plan, Wanted, batches, make_plan
from postroad.core.search.reading import read
from postroad.model.comparator import Comparator
from postroad.model.ids import AccountId, BlobId, EmailId, MailboxId, Uid
from postroad.model.mailbox import Column
from postroad.ports.tasks import Tasks
from postroad.stores.blobs import BlobStore
from postroad.stores.mail import MailStore, Row
from postroad.stores.search import FIELDS, Candidates, Ranked, Scope, SearchIndex

T = TypeVar("T")
Test = Callable[[Message], float]
"""How well a message matches; 0: it does not."""

_ROWS = 500
_MAX_WORDS = 10  # of a text that is matched fuzzily
_BATCH_OCTETS = 4 * 1024 * 1024
_BATCH_MESSAGES = 200
# Limit: of the text of one message, more than this as transferred is not searched.
_MESSAGE_OCTETS = 16 * 1024 * 1024
_FEW = 5000
_HEADER = Wanted(header=True, body_octets=0)
_ONLY_WORDS, _WHOLE = 1 / 3, 1.0  # how well a message matches that had to be read

log = logging.getLogger(__name__)


class TextSearch:
    """Substrings in messages (RFC 9051 section 6.4.4), encodings set aside, case as compared.

    `on_behind` is told of accounts that have messages the index does not know yet.
    """

    def __init__(
        self,
        mail: MailStore,
        blobs: BlobStore,
        snapshots: SnapshotCache,
        tasks: Tasks,
        index: SearchIndex | None = None,
        on_behind: Callable[[AccountId], None] | None = None,
    ) -> None:
        self._mail = mail
        self._blobs = blobs
        self._snapshots = snapshots
        self._tasks = tasks
        self._index = index
        self._on_behind = on_behind

    async def with_header(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        field: str,
        text: str,
        comparator: Comparator = Comparator.UNICODE,
    ) -> list[Uid]:
        """Those of `uids`, which ascend, with a field of that name that contains `text`.

        `field` is in lower case. An empty `text` matches wherever the field is there.
        """
        needle = Needle.of(text, comparator)
        indexed = needle.indexed
        snapshot = await self._snapshots.current(account, mailbox)
        among = _emails(snapshot, uids)
        if field in FIELDS:
            found = await self._asked(
                account, lambda index: index.with_field(account, field, indexed, among)
            )
        else:
            within = among if isinstance(among, range) else _spanned(among)
            found = await self._asked(
                account,
                lambda index: index.candidates(account, indexed or field, Scope.HEADER, within),
            )
        # What is somewhere in the header need not be in that field.
        is_certain = field in FIELDS and needle.is_as_indexed
        sure, possible = await self._possible(account, snapshot, uids, found, is_certain)
        test = partial(_has_field, field=field, needle=needle)
        verified = await self._matching(account, mailbox, possible, _HEADER, test)
        return sorted([*sure, *verified])

    async def with_text(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        text: str,
        comparator: Comparator = Comparator.UNICODE,
        *,
        in_header: bool,
    ) -> list[Uid]:
        """Those of `uids`, which ascend, with `text` in the body, or `in_header` anywhere.

        The body is its texts, the headers of inner messages and the names of attached files.
        """
        needle = Needle.of(text, comparator)
        if not needle.text:
            return list(uids)
        scope = Scope.ANYWHERE if in_header else Scope.BODY
        snapshot = await self._snapshots.current(account, mailbox)
        among = _emails(snapshot, uids)
        within = among if isinstance(among, range) else _spanned(among)
        indexed, found = needle.indexed, None
        if indexed:
            found = await self._asked(
                account, lambda index: index.candidates(account, indexed, scope, within)
            )
        sure, possible = await self._possible(account, snapshot, uids, found, needle.is_as_indexed)
        wanted = Wanted(header=in_header, body_octets=_MESSAGE_OCTETS)
        test = partial(_has_text, needle=needle)
        verified = await self._matching(account, mailbox, possible, wanted, test)
        return sorted([*sure, *verified])

    async def with_words(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        text: str,
        *,
        in_header: bool,
    ) -> Mapping[Uid, float]:
        """Those of `uids`, which ascend, with the words of `text`, and how well: up to 1.

        The index alone says so; only what it does not know whole is read (RFC 6203 section 3).
        """
        whole = fold(text).strip()
        words = list(dict.fromkeys(whole.split()))[:_MAX_WORDS]
        if not words:
            return dict.fromkeys(uids, _WHOLE)
        ranked = await self._asked(
            account, lambda index: index.ranked(account, words, in_header=in_header)
        )
        found: dict[Uid, float] = {}
        unknown = uids
        if ranked is not None:
            snapshot = await self._snapshots.current(account, mailbox)
            found, unknown, is_behind = await self._tasks.offload(
                lambda: _told(snapshot, uids, ranked)
            )
            self._note(account, is_behind)
        wanted = Wanted(header=in_header, body_octets=_MESSAGE_OCTETS)
        needles = [Needle(word) for word in words]
        test = partial(_fitting, words=needles, whole=Needle(whole))
        return found | await self._matching(account, mailbox, unknown, wanted, test)

    async def _possible(
        self,
        account: AccountId,
        snapshot: Snapshot,
        uids: Sequence[Uid],
        found: Candidates | None,
        is_certain: bool,
    ) -> tuple[list[Uid], Sequence[Uid]]:
        """Those of `uids` that the index is certain of, and those that it cannot exclude."""
        if found is not None and not is_certain:
            found = replace(found, certain=frozenset())
        if found is None:
            return [], uids
        sure, possible, is_behind = await self._tasks.offload(
            lambda: _not_excluded(snapshot, uids, found)
        )
        self._note(account, is_behind)
        return sure, possible

    def _note(self, account: AccountId, is_behind: bool) -> None:
        if is_behind and self._on_behind is not None:
            self._on_behind(account)

    async def _asked(
        self, account: AccountId, question: Callable[[SearchIndex], Awaitable[T | None]]
    ) -> T | None:
        """What the index says; None also where there is none, or none that works."""
        if self._index is None:
            return None
        try:
            return await question(self._index)
        except TryLater as error:
            log.warning(
                "search goes without its index",
                extra={"account": account, "error": str(error)},
            )
            return None

    async def _matching(
        self,
        account: AccountId,
        mailbox: MailboxId,
        uids: Sequence[Uid],
        wanted: Wanted,
        test: Test,
    ) -> dict[Uid, float]:
        found: dict[Uid, float] = {}
        for start in range(0, len(uids), _ROWS):
            rows = await self._mail.rows(
                account,
                mailbox,
                uids[start : start + _ROWS],
                [Column.BLOB_ID, Column.PART_TABLE],
            )
            plans = await self._tasks.offload(partial(_plans, rows, wanted))
            for batch in batches(plans, _BATCH_OCTETS, _BATCH_MESSAGES):
                messages = await read(self._blobs, batch)
                found |= await self._tasks.offload(partial(_passing, messages, test))
        return found


def _emails(snapshot: Snapshot, uids: Sequence[Uid]) -> Sequence[EmailId] | range:
    """Those that matter: a few, or the range of their ids.

    A part of a mailbox mostly is a part of the ids.
    """
    ids = snapshot.placements.email_ids
    if len(uids) > _FEW:
        first, last = bisect_left(snapshot.uids, uids[0]), bisect_right(snapshot.uids, uids[-1])
        return _spanned(ids[first:last])
    places = map(snapshot.index, uids)
    mine = [EmailId(ids[place]) for place in places if place is not None]
    # Ids are given out in turn, and one for a thread beside each.
    is_most = bool(mine) and len(mine) > ids[-1] // 8
    return _spanned(mine) if is_most else mine


def _spanned(ids: Sequence[int]) -> range:
    return range(min(ids), max(ids) + 1) if ids else range(0)


def _not_excluded(
    snapshot: Snapshot, uids: Sequence[Uid], found: Candidates
) -> tuple[list[Uid], list[Uid], bool]:
    """What is certain; other candidates and what is newer than the index; and whether some is.

    UIDs that are not in the snapshot are gone.
    """
    placements = snapshot.placements
    ids, last = placements.email_ids, found.indexed_up_to
    certain = found.certain
    unsure: frozenset[int] = found.email_ids - certain
    sure = set(compress(placements.uids, map(certain.__contains__, ids)))
    possible = set(compress(placements.uids, [each in unsure or each > last for each in ids]))
    is_behind = max(ids, default=0) > last
    return (
        [uid for uid in uids if uid in sure],
        [uid for uid in uids if uid in possible],
        is_behind,
    )


def _told(
    snapshot: Snapshot, uids: Sequence[Uid], ranked: Ranked
) -> tuple[dict[Uid, float], list[Uid], bool]:
    """What the index says of them, of which it does not know all, and whether it is behind."""
    placements, scores, unsure = snapshot.placements, ranked.scores, ranked.unsure
    ids, last = placements.email_ids, ranked.indexed_up_to
    possible = [each in scores or each > last or each in unsure for each in ids]
    by_uid = dict(zip(compress(placements.uids, possible), compress(ids, possible), strict=True))
    found: dict[Uid, float] = {}
    unknown: list[Uid] = []
    for uid in uids:
        if uid not in by_uid:
            continue
        score = scores.get(EmailId(by_uid[uid]))
        if score is None:
            unknown.append(uid)
        else:
            found[uid] = score
    return found, unknown, max(ids, default=0) > last


def _plans(rows: Sequence[Row], wanted: Wanted) -> list[Plan]:
    plans = []
    for uid, blob_id, part_table in rows:
        if isinstance(uid, int) and isinstance(blob_id, bytes) and isinstance(part_table, bytes):
            plans.append(make_plan(uid, BlobId(blob_id), part_table, wanted))
    return plans


def _passing(messages: Sequence[Message], test: Test) -> dict[Uid, float]:
    tested = ((Uid(message.plan.key), test(message)) for message in messages)
    return {uid: passed for uid, passed in tested if passed}


def _has_field(message: Message, *, field: str, needle: Needle) -> bool:
    return any(needle.is_in(text) for text in texts_of(message.header(), field))


def _has_text(message: Message, *, needle: Needle) -> bool:
    if needle.is_in(message.header_text()):
        return True
    return any(needle.is_in(text) for text in message.body_texts())


def _fitting(message: Message, *, words: Sequence[Needle], whole: Needle) -> float:
    if not all(_has_text(message, needle=word) for word in words):
        return 0
    return _WHOLE if _has_text(message, needle=whole) else _ONLY_WORDS
