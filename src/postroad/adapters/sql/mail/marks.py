"""What people have seen of mailboxes that are not theirs: rows of the owner, by viewer."""

import json
from collections.abc import Sequence

from postroad.adapters.sql.mail.selection import choose, chosen, everything
from postroad.adapters.sql.statement import Params, Run, RunMany, Sql, Steps, integer, text
from postroad.model.ids import AccountId, MailboxId, ModSeq, Uid

Marks = dict[int, tuple[bool, int]]
"""By UID: whether it is seen, and the mod_seq of that."""

_OF = chosen("""
    SELECT {pack uid}, {pack seen}, {pack mod_seq} FROM (
        SELECT uid, seen, mod_seq FROM viewer_seen
        WHERE owner_id = :owner AND mailbox_id = :mailbox AND {these} AND viewer_id = :viewer
    ) AS chosen
""")
_COUNT = Sql("""
    SELECT count(*) FROM viewer_seen
    WHERE owner_id = :owner AND mailbox_id = :mailbox AND viewer_id = :viewer AND seen = 1
""")
_SET = Sql("""
    INSERT INTO viewer_seen (owner_id, mailbox_id, uid, viewer_id, seen, mod_seq)
    SELECT CAST(:owner AS BIGINT), CAST(:mailbox AS BIGINT), value, CAST(:viewer AS BIGINT),
        CAST(:seen AS BIGINT), CAST(:mod_seq AS BIGINT)
    FROM {each uids} WHERE true
    ON CONFLICT (owner_id, mailbox_id, uid, viewer_id)
        DO UPDATE SET seen = excluded.seen, mod_seq = excluded.mod_seq
""")
_ALL_OF = chosen("""
    SELECT uid, viewer_id, seen FROM viewer_seen
    WHERE owner_id = :owner AND mailbox_id = :mailbox AND {these}
""")
_ADD = Sql("""
    INSERT INTO viewer_seen (owner_id, mailbox_id, uid, viewer_id, seen, mod_seq)
    VALUES (:owner, :mailbox, :uid, :viewer, 1, :mod_seq) ON CONFLICT DO NOTHING
""")
_FORGET = chosen("""
    DELETE FROM viewer_seen WHERE owner_id = :owner AND mailbox_id = :mailbox AND {these}
""")


def of(
    owner: AccountId, mailbox: MailboxId, viewer: AccountId, uids: Sequence[Uid] | None = None
) -> Steps[Marks]:
    """The viewer's marks on some messages, or on all."""
    params: Params = {"owner": owner, "mailbox": mailbox, "viewer": viewer}
    if uids is not None and not uids:
        return {}
    statement = everything(_OF, params) if uids is None else choose(_OF, uids, params)
    packed = (yield Run(*statement))[0]
    if packed[0] is None:
        return {}
    uids_of, seen, mod_seqs = (json.loads(text(column)) for column in packed)
    return dict(zip(uids_of, zip(map(bool, seen), mod_seqs, strict=True), strict=True))


def count_seen(owner: AccountId, mailbox: MailboxId, viewer: AccountId) -> Steps[int]:
    rows = yield Run(_COUNT, {"owner": owner, "mailbox": mailbox, "viewer": viewer})
    return integer(rows[0][0])


def put(
    owner: AccountId,
    mailbox: MailboxId,
    viewer: AccountId,
    uids: Sequence[Uid],
    mod_seq: ModSeq,
    *,
    seen: bool,
) -> Steps[None]:
    if uids:
        params: Params = {
            "owner": owner,
            "mailbox": mailbox,
            "viewer": viewer,
            "uids": uids,
            "seen": int(seen),
            "mod_seq": mod_seq,
        }
        yield Run(_SET, params)


def carry(
    owner: AccountId,
    source: MailboxId,
    uids: Sequence[Uid],
    target: MailboxId,
    fresh: Sequence[Uid],
    mod_seq: ModSeq,
    *,
    keep: bool,
) -> Steps[None]:
    """What was seen in one mailbox of the owner was seen when it lies in another.

    Without `keep` the messages leave the first one.
    """
    rows = yield Run(*choose(_ALL_OF, uids, {"owner": owner, "mailbox": source}))
    if not rows:
        return
    places = dict(zip(uids, fresh, strict=True))
    yield RunMany(
        _ADD,
        [
            {
                "owner": owner,
                "mailbox": target,
                "uid": places[Uid(integer(uid))],
                "viewer": integer(viewer),
                "mod_seq": mod_seq,
            }
            for uid, viewer, seen in rows
            if seen
        ],
    )
    if not keep:
        yield from forget(owner, source, uids)


def forget(owner: AccountId, mailbox: MailboxId, uids: Sequence[Uid] | None = None) -> Steps[None]:
    """Messages are gone, or all of them with the mailbox."""
    params: Params = {"owner": owner, "mailbox": mailbox}
    yield Run(*(everything(_FORGET, params) if uids is None else choose(_FORGET, uids, params)))
