"""Dates, sizes and ids of all messages of a mailbox, kept from one SEARCH to the next."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from postroad.core.mailbox.service import MailboxService
from postroad.core.mailbox.snapshot import lacking, without
from postroad.model.ids import Uid
from postroad.model.mailbox import Column
from postroad.sessions.imap.turns import turn
from postroad.sessions.imap.view import Selected

NONE = -(2**63)
"""Where a message has no such date, or is gone."""

_KEPT = frozenset(
    (Column.SIZE, Column.INTERNAL_DATE, Column.SENT_ON, Column.SAVED_AT, Column.THREAD_ID)
)
_ROWS = 2000
_MANY = 4  # of the messages more than one in so many: it pays to have all


@dataclass(frozen=True, slots=True)
class _Numbers:
    uids: "array[int]"
    values: "array[int]"

    @property
    def octets(self) -> int:
        return 200 + 12 * len(self.values)


async def kept_column(
    mailboxes: MailboxService, view: Selected, column: Column, count: int
) -> Sequence[int] | None:
    """The column of all messages of the view, of which `count` matter; None: read those.

    Eight octets for each message; of those that came since only their rows are read.
    """
    uids = view.uids
    if uids is not view.snapshot.uids:
        return None
    if column is Column.EMAIL_ID:
        return view.snapshot.placements.email_ids
    if column not in _KEPT:
        return None
    mailbox = view.snapshot.mailbox
    known = mailboxes.extras.find(view.account, mailbox, column)
    if not isinstance(known, _Numbers):
        if count * _MANY < len(uids):
            return None
        known = _Numbers(array("I"), array("q"))
    if known.uids is not uids and known.uids != uids:
        known = await _renewed(mailboxes, view, column, known)
        mailboxes.extras.keep(view.account, mailbox, column, known)
    return known.values


async def _renewed(
    mailboxes: MailboxService, view: Selected, column: Column, known: _Numbers
) -> _Numbers:
    uids = view.uids
    gone = lacking(known.uids, uids)
    values = without(known.values, gone)
    kept = len(values)
    if uids[:kept] != without(known.uids, gone):
        values, kept = array("q"), 0  # an older snapshot, which has what is gone
    for start in range(kept, len(uids), _ROWS):
        some = uids[start : start + _ROWS]
        rows = await mailboxes.rows(view.account, view.mailbox_id, list(map(Uid, some)), [column])
        found = {uid: value for uid, value in rows if value is not None}
        values.extend(cast("int", found.get(uid, NONE)) for uid in some)  # see Column
        await turn()
    return _Numbers(uids, values)
