"""Reading messages of a mailbox: snapshots, changes and columns."""

import json
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise

from postroad.adapters.sql.mail import neighbours
from postroad.adapters.sql.mail.mailboxes import load_selectable
from postroad.adapters.sql.mail.selection import Chosen, choose, chosen, everything
from postroad.adapters.sql.statement import (
    Params,
    Row,
    Rows,
    Run,
    Sql,
    Steps,
    integer,
    octets,
    one,
    optional_integer,
    text,
)
from postroad.base.errors import NotFound
from postroad.model.ids import AccountId, EmailId, MailboxId, ModSeq, Uid
from postroad.model.mailbox import Column, Joined, Mailbox, MailboxChanges, Placements
from postroad.model.quota import Quota, QuotaLimits, Usage
from postroad.model.uidset import count, decode

_MAX_CHANGED = 5000  # more changed messages than this, and reading all is cheaper

_PLACEMENTS = chosen("""
    SELECT {pack uid}, {pack email_id}, {pack flags}, {pack keywords}, {pack mod_seq} FROM (
        SELECT uid, email_id, flags, keywords, mod_seq FROM placement
        WHERE owner_id = :owner AND mailbox_id = :mailbox AND {these} ORDER BY uid
    ) AS ordered
""")
_CHANGES = Sql("""
    SELECT kind, uids FROM change
    WHERE owner_id = :owner AND mod_seq > :since AND mailbox_id = :mailbox ORDER BY mod_seq
""")
_OF_PLACEMENT = frozenset({Column.SAVED_AT, Column.EMAIL_ID})
_OF_HEADER = frozenset({Column.HEADER_FIELDS, Column.ORIGIN})
_NAMES: dict[Column, str] = {
    column: "peh"[(column not in _OF_PLACEMENT) + (column in _OF_HEADER)] + f".{column.value}"
    for column in Column
}
_QUOTA = Sql("""
    SELECT o.used_octets, CAST(coalesce(sum(m.messages), 0) AS BIGINT), count(m.mailbox_id),
        o.quota_octets, o.quota_messages, o.quota_mailboxes
    FROM owner o LEFT JOIN mailbox m ON m.owner_id = o.owner_id
    WHERE o.owner_id = :owner
    GROUP BY o.owner_id, o.used_octets, o.quota_octets, o.quota_messages, o.quota_mailboxes
""")
_EMAILS_AFTER = Sql("""
    SELECT email_id, blob_id, part_table, size FROM email
    WHERE owner_id = :owner AND email_id > :after ORDER BY email_id LIMIT :limit
""")
_row_statements: dict[str, Chosen] = {}
_octets_statements: dict[str, Chosen] = {}


def placements(owner: AccountId, mailbox: MailboxId) -> Steps[tuple[Mailbox, Placements]]:
    found = yield from load_selectable(owner, mailbox)
    rows = yield Run(*everything(_PLACEMENTS, {"owner": owner, "mailbox": mailbox}))
    return found, to_placements(rows)


def to_placements(rows: Rows) -> Placements:
    """Packed columns as arrays, with few steps in Python for each message."""
    if not rows or rows[0][0] in (None, "[]"):
        return Placements(array("I"), array("Q"), array("I"), array("Q"), ())
    uids, emails, flags, keywords, mod_seqs = (json.loads(text(column)) for column in rows[0])
    pairs = list(zip(flags, keywords, strict=True))
    index = {pair: n for n, pair in enumerate(dict.fromkeys(pairs))}
    return Placements(
        array("I", uids),
        array("Q", emails),
        array("I", map(index.__getitem__, pairs)),
        array("Q", mod_seqs),
        tuple((integer(flag), text(words)) for flag, words in index),
    )


def changes(owner: AccountId, mailbox: MailboxId, since: ModSeq) -> Steps[MailboxChanges]:
    found = yield from load_selectable(owner, mailbox)
    nothing = to_placements([])
    if found.mod_seq <= since:
        return MailboxChanges(found, array("I"), nothing, complete=True)
    if since < found.oldest_known_mod_seq:
        return MailboxChanges(found, array("I"), nothing, complete=False)
    params: Params = {"owner": owner, "mailbox": mailbox, "since": since}
    rows = yield Run(_CHANGES, params)
    expunged, touched = folded(rows)
    if touched is None:
        return MailboxChanges(found, array("I"), nothing, complete=False)
    gone = array("I", sorted(expunged))
    if not touched:
        return MailboxChanges(found, gone, nothing, complete=True)
    wanted = [Uid(uid) for uid in sorted(touched)]
    placed = yield Run(*choose(_PLACEMENTS, wanted, {"owner": owner, "mailbox": mailbox}))
    return MailboxChanges(found, gone, to_placements(placed), complete=True)


def folded(rows: Rows) -> tuple[set[int], set[int] | None]:
    """UIDs that went, and UIDs that came or changed (None: too many to list)."""
    expunged: set[int] = set()
    touched: set[int] = set()
    named = 0
    for kind, uids in rows:
        if kind == "expunged":
            expunged.update(decode(text(uids)))
            continue
        if kind == "metadata":
            continue
        named += count(text(uids))
        if named > _MAX_CHANGED:
            return expunged, None
        touched.update(decode(text(uids)))
    return expunged, touched - expunged


def _tables(columns: Sequence[Column]) -> str:
    """What is named p, e and h in `_NAMES`, as far as it is needed.

    CROSS JOIN keeps SQLite from turning the order of the tables round.
    """
    joined, where = "placement p", ""
    if not _OF_HEADER.union(_OF_PLACEMENT).issuperset(columns):
        joined += " CROSS JOIN email e"
        where = "AND e.owner_id = p.owner_id AND e.email_id = p.email_id"
    if not _OF_HEADER.isdisjoint(columns):
        joined += " LEFT JOIN email_header h"
        joined += " ON h.owner_id = p.owner_id AND h.email_id = p.email_id"
    return (
        f"{joined} WHERE p.owner_id = :owner AND p.mailbox_id = :mailbox AND p.{{these}} {where}"
    )


def rows_of(
    owner: AccountId, mailbox: MailboxId, uids: Sequence[Uid], columns: Sequence[Column]
) -> Steps[list[Row]]:
    if not uids:
        return []
    wanted = ", ".join(["p.uid", *(_NAMES[column] for column in columns)])
    statement = _row_statements.get(wanted)
    if statement is None:
        statement = _row_statements[wanted] = chosen(f"""
            SELECT {wanted} FROM {_tables(columns)} ORDER BY p.uid
        """)  # noqa: S608  # names of columns from our own table above
    return (yield Run(*choose(statement, uids, {"owner": owner, "mailbox": mailbox})))


def octets_of(
    owner: AccountId,
    mailbox: MailboxId,
    uids: Sequence[Uid],
    columns: Sequence[Column],
    emails: Sequence[EmailId] = (),
) -> Steps[tuple[Sequence[Uid], Joined | list[bytes]]]:
    """One step of the statement for all messages, see `MailStore.octets_of`."""
    if not uids:
        return (), []
    near = yield from neighbours.read(owner, mailbox, uids, emails, columns)
    if near is not None:
        return uids, near
    names = ", ".join([*(_NAMES[column] for column in columns), ":nothing"])
    first = f"coalesce({names})"
    statement = _octets_statements.get(first)
    if statement is None:
        statement = _octets_statements[first] = chosen(f"""
            SELECT count(*), {{pack uid}}, {{pack size}}, {{join octets}} FROM (
                SELECT p.uid, {first} AS octets, length({first}) AS size
                FROM {_tables(columns)} ORDER BY p.uid
            ) AS ordered
        """)  # noqa: S608  # names of columns from our own table above
    params: Params = {"owner": owner, "mailbox": mailbox, "nothing": b""}
    row = (yield Run(*choose(statement, uids, params)))[0]
    if not row[0]:
        return (), []
    found = uids if row[0] == len(uids) else [Uid(uid) for uid in json.loads(text(row[1]))]
    joined = octets(row[3])
    ends = accumulate(json.loads(text(row[2])), initial=0)
    return found, [joined[start:end] for start, end in pairwise(ends)]


def quota(owner: AccountId) -> Steps[Quota]:
    row = one((yield Run(_QUOTA, {"owner": owner})))
    if row is None:
        raise NotFound("there is no such account")
    used = Usage(integer(row[0]), integer(row[1]), integer(row[2]))
    return Quota(used, QuotaLimits(*map(optional_integer, row[3:])))


def emails_after(
    owner: AccountId, after: EmailId, limit: int
) -> Steps[list[tuple[EmailId, bytes, bytes, int]]]:
    rows = yield Run(_EMAILS_AFTER, {"owner": owner, "after": after, "limit": limit})
    return [
        (EmailId(integer(row[0])), octets(row[1]), octets(row[2]), integer(row[3])) for row in rows
    ]
