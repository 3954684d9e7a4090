"""A mailbox as somebody else than its owner sees it: with a \\Seen of one's own.

The viewer's marks are laid over the owner's rows, read in the same state. They take their mod_seq
from the owner's counter, so that the viewer's other programs hear of them.
"""

import json
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from postroad.adapters.sql.mail import flags, mailboxes, marks, reading
from postroad.adapters.sql.mail.mailboxes import load_selectable, record
from postroad.adapters.sql.mail.selection import choose, chosen
from postroad.adapters.sql.owners import lock, take
from postroad.adapters.sql.statement import Params, Run, Sql, Steps, text
from postroad.model.ids import AccountId, MailboxId, ModSeq, Uid
from postroad.model.mailbox import (
    FlagAction,
    FlagChange,
    Flags,
    Mailbox,
    MailboxChanges,
    MailboxCounts,
    Placements,
    Stored,
)
from postroad.model.uidset import encode

_SEEN = int(Flags.SEEN)
_MOD_SEQS = chosen("""
    SELECT {pack uid}, {pack mod_seq} FROM (
        SELECT uid, mod_seq FROM placement
        WHERE owner_id = :owner AND mailbox_id = :mailbox AND {these} ORDER BY uid
    ) AS ordered
""")
_TOUCH = Sql("""
    UPDATE mailbox SET mod_seq = :mod_seq WHERE owner_id = :owner AND mailbox_id = :mailbox
""")


def placements(
    owner: AccountId, mailbox: MailboxId, viewer: AccountId
) -> Steps[tuple[Mailbox, Placements]]:
    found, base = yield from reading.placements(owner, mailbox)
    return found, overlaid(base, (yield from marks.of(owner, mailbox, viewer)))


def changes(
    owner: AccountId, mailbox: MailboxId, since: ModSeq, viewer: AccountId
) -> Steps[MailboxChanges]:
    found = yield from reading.changes(owner, mailbox, since)
    uids = [Uid(uid) for uid in found.placed.uids]
    known = yield from marks.of(owner, mailbox, viewer, uids)
    return replace(found, placed=overlaid(found.placed, known))


def counts(owner: AccountId, mailbox: MailboxId, viewer: AccountId) -> Steps[MailboxCounts]:
    found = yield from mailboxes.load(owner, mailbox)
    base = yield from mailboxes.counts(owner, mailbox)
    seen = yield from marks.count_seen(owner, mailbox, viewer)
    return replace(base, unseen=found.messages - seen)


def store_flags(
    owner: AccountId,
    mailbox: MailboxId,
    uids: Sequence[Uid],
    change: FlagChange,
    unchanged_since: ModSeq | None,
    viewer: AccountId,
) -> Steps[Stored]:
    """\\Seen goes to the viewer's marks, everything else to the messages."""
    yield from lock(owner)
    found = yield from load_selectable(owner, mailbox)
    if not uids:
        return Stored(found.mod_seq, (), ())
    packed = (yield Run(*choose(_MOD_SEQS, uids, {"owner": owner, "mailbox": mailbox})))[0]
    known = yield from marks.of(owner, mailbox, viewer, uids)
    there, modified = list[Uid](), list[Uid]()
    for uid, mod_seq in zip(*map(_unpacked, packed), strict=True):
        last = max(mod_seq, known.get(uid, (False, 0))[1])
        is_modified = unchanged_since is not None and last > unchanged_since
        (modified if is_modified else there).append(uid)
    common = replace(change, flags=change.flags & ~Flags.SEEN, keeps=change.keeps | Flags.SEEN)
    done = yield from flags.store_flags(owner, mailbox, there, common, None)
    wanted = _wanted(change)
    marked = [
        uid for uid in there if wanted is not None and known.get(uid, (False, 0))[0] is not wanted
    ]
    if not marked or wanted is None:
        return Stored(done.mod_seq, done.changed, modified)
    mod_seq, _ = yield from take(owner)
    yield from marks.put(owner, mailbox, viewer, marked, mod_seq, seen=wanted)
    params: Params = {"owner": owner, "mailbox": mailbox, "mod_seq": mod_seq}
    yield Run(_TOUCH, params)
    yield from record(owner, mod_seq, mailbox, "seen", encode(marked))
    return Stored(mod_seq, sorted({*done.changed, *marked}), modified)


def _unpacked(column: object) -> list[Uid]:
    return [] if column is None else json.loads(text(column))


def overlaid(base: Placements, known: marks.Marks) -> Placements:
    """The messages with \\Seen as the viewer has it."""
    index: dict[tuple[int, str], int] = {}
    unseen = [
        index.setdefault((system & ~_SEEN, keywords), len(index))
        for system, keywords in base.combinations
    ]
    looks = array("I", map(unseen.__getitem__, base.looks))
    mod_seqs = base.mod_seqs[:]
    for uid, (seen, mod_seq) in known.items():
        place = bisect_left(base.uids, uid)
        if place == len(base.uids) or base.uids[place] != uid:
            continue
        mod_seqs[place] = max(mod_seqs[place], mod_seq)
        if seen:
            system, keywords = base.combinations[base.looks[place]]
            looks[place] = index.setdefault((system | _SEEN, keywords), len(index))
    return Placements(base.uids, base.email_ids, looks, mod_seqs, tuple(index))


def _wanted(change: FlagChange) -> bool | None:
    """Whether the messages are to be seen; None leaves that as it is."""
    named = Flags.SEEN in change.flags
    match change.action:
        case FlagAction.REPLACE:
            return None if Flags.SEEN in change.keeps else named
        case FlagAction.ADD:
            return True if named else None
        case FlagAction.REMOVE:
            return False if named else None
