"""The threads of some messages as THREAD tells them (RFC 5256 section 4).

Those of a whole mailbox are kept, since programs ask again each time they open it; once a
message came or went they are made anew.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from postroad.sessions.imap.feature import Context
from postroad.sessions.imap.origins import read_origins
from postroad.sessions.imap.results import numbers_of
from postroad.sessions.imap.sorting import read_keys
from postroad.sessions.imap.threads import by_references, by_references_alone, by_subject
from postroad.sessions.imap.view import Selected
from postroad.wire.imap.sort import Algorithm, SortKey

_KEYS = (SortKey.SUBJECT, SortKey.DATE)


@dataclass(frozen=True, slots=True)
class _Whole:
    """Of a whole mailbox."""

    uids: "array[int]"
    lists: bytes

    @property
    def octets(self) -> int:
        return 200 + 4 * len(self.uids) + len(self.lists)


async def thread_lists(
    context: Context, view: Selected, places: Sequence[int], algorithm: Algorithm, *, by_uid: bool
) -> bytes:
    """One ``thread-list`` behind the other."""
    uids = view.uids
    if uids is not view.snapshot.uids or len(places) < len(uids):
        return (await _made(context, view, places, algorithm, by_uid=by_uid))[0]
    extras, mailbox = context.mailboxes.extras, view.snapshot.mailbox
    name = algorithm, by_uid, context.comparator
    known = extras.find(view.account, mailbox, name)
    if isinstance(known, _Whole) and (known.uids is uids or known.uids == uids):
        return known.lists
    lists, count = await _made(context, view, places, algorithm, by_uid=by_uid)
    if count == len(uids):
        extras.keep(view.account, mailbox, name, _Whole(uids, lists))
    return lists


async def _made(
    context: Context, view: Selected, places: Sequence[int], algorithm: Algorithm, *, by_uid: bool
) -> tuple[bytes, int]:
    """Also of how many messages, as some may be gone."""
    kept, (subjects, dates) = await read_keys(context, view, places, _KEYS)
    if algorithm is Algorithm.ORDEREDSUBJECT:
        forest = await by_subject(subjects, dates)
    else:
        origins = await read_origins(context, view, kept)
        if algorithm is Algorithm.REFS:
            forest = await by_references_alone(origins, dates)
        else:
            forest = await by_references(origins, subjects, dates)
    lists = await forest.encode(numbers_of(view, kept, by_uid=by_uid))
    return b"".join(lists), len(kept)
