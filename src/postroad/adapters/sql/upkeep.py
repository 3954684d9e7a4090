"""Forgetting what is old, finding blobs that nothing needs, and checking what the rows claim."""

from collections.abc import Iterator

from postroad.adapters.sql.owners import unrefer
from postroad.adapters.sql.statement import (
    Params,
    Row,
    Rows,
    Run,
    Sql,
    Steps,
    integer,
    octets,
    text,
)
from postroad.base.moments import Moment
from postroad.model.ids import AccountId, BlobId

_EXPUNGED = Sql("""
    SELECT owner_id, mailbox_id, uid, email_id FROM expunged
    WHERE expunged_at < :before LIMIT :limit
""")
_EXCESS = Sql("""
    SELECT x.owner_id, CAST(sum(e.size) AS BIGINT), o.quota_octets / 2
    FROM expunged x CROSS JOIN owner o CROSS JOIN email e
    WHERE o.owner_id = x.owner_id AND o.quota_octets IS NOT NULL
        AND e.owner_id = x.owner_id AND e.email_id = x.email_id
    GROUP BY x.owner_id, o.quota_octets HAVING sum(e.size) > o.quota_octets / 2 LIMIT :limit
""")
_OLDEST = Sql("""
    SELECT x.owner_id, x.mailbox_id, x.uid, x.email_id, e.size
    FROM expunged x CROSS JOIN email e
    WHERE x.owner_id = :owner AND e.owner_id = x.owner_id AND e.email_id = x.email_id
    ORDER BY x.expunged_at, x.mailbox_id, x.uid LIMIT :limit
""")
_FORGET_EXPUNGED = Sql("""
    DELETE FROM expunged WHERE owner_id = :owner AND mailbox_id = :mailbox AND uid = :uid
""")
_STILL_USED = Sql("""
    SELECT 1 FROM placement WHERE owner_id = :owner AND email_id = :email
    UNION ALL SELECT 1 FROM expunged WHERE owner_id = :owner AND email_id = :email LIMIT 1
""")
_FORGET_EMAIL = Sql("""
    DELETE FROM email WHERE owner_id = :owner AND email_id = :email RETURNING blob_id
""")
_FORGET_HEADER = Sql("""
    DELETE FROM email_header WHERE owner_id = :owner AND email_id = :email
""")
_SETTLED = Sql("""
    SELECT owner_id, submission_id, blob_id FROM submission
    WHERE settled_at < :before LIMIT :limit
""")
_FORGET_RECIPIENTS = Sql("""
    DELETE FROM recipient WHERE owner_id = :owner AND submission_id = :submission
""")
_FORGET_SUBMISSION = Sql("""
    DELETE FROM submission WHERE owner_id = :owner AND submission_id = :submission
""")
_FORGET_KEYS = Sql("DELETE FROM idempotency WHERE created_at < :before RETURNING 1")
_OLD_EVENTS = Sql("""
    DELETE FROM event WHERE trace_id IN (
        SELECT DISTINCT trace_id FROM event WHERE trace_id < :trace ORDER BY trace_id LIMIT :limit
    ) RETURNING 1
""")
_CHANGES = Sql("""
    SELECT owner_id, mailbox_id, max(mod_seq) FROM change WHERE changed_at < :before
    GROUP BY owner_id, mailbox_id LIMIT :limit
""")
_FORGET_CHANGES = Sql("""
    DELETE FROM change
    WHERE owner_id = :owner AND mailbox_id = :mailbox AND mod_seq <= :mod_seq RETURNING 1
""")
_OLDEST_KNOWN = Sql("""
    UPDATE mailbox SET oldest_known_mod_seq = :mod_seq
    WHERE owner_id = :owner AND mailbox_id = :mailbox AND oldest_known_mod_seq < :mod_seq
""")
_OLDEST_KNOWN_VIRTUAL = Sql("""
    UPDATE virtual_mailbox SET oldest_known_mod_seq = :mod_seq
    WHERE owner_id = :owner AND virtual_id = :mailbox AND oldest_known_mod_seq < :mod_seq
""")
_REFERRED = Sql("SELECT 1 FROM blob_ref WHERE blob_id = :blob LIMIT 1")
_GARBAGE = Sql("SELECT blob_id FROM blob_garbage LIMIT :limit")
_FORGET_GARBAGE = Sql("DELETE FROM blob_garbage WHERE blob_id = :blob")
_REFERENCES = Sql("""
    SELECT owner_id, blob_id FROM blob_ref WHERE blob_id > :after
    ORDER BY blob_id, owner_id LIMIT :limit
""")
_COUNTS = Sql("""
    SELECT m.owner_id, m.name, m.messages, count(p.uid), m.uid_next, coalesce(max(p.uid), 0),
        m.mod_seq, coalesce(max(p.mod_seq), 0), m.octets, CAST(coalesce(sum(e.size), 0) AS BIGINT)
    FROM mailbox m LEFT JOIN placement p
        ON p.owner_id = m.owner_id AND p.mailbox_id = m.mailbox_id
    LEFT JOIN email e ON e.owner_id = p.owner_id AND e.email_id = p.email_id
    GROUP BY m.owner_id, m.mailbox_id, m.name, m.messages, m.uid_next, m.mod_seq, m.octets
""")
_USED = Sql("""
    SELECT o.owner_id, o.used_octets, CAST(coalesce(sum(m.octets), 0) AS BIGINT)
    FROM owner o LEFT JOIN mailbox m ON m.owner_id = o.owner_id
    GROUP BY o.owner_id, o.used_octets HAVING o.used_octets <> coalesce(sum(m.octets), 0) LIMIT 100
""")
_ORPHANS = Sql("""
    SELECT p.owner_id, p.mailbox_id, p.uid FROM placement p
    WHERE NOT EXISTS (
        SELECT 1 FROM email e WHERE e.owner_id = p.owner_id AND e.email_id = p.email_id
    ) LIMIT 100
""")
_UNREFERRED = Sql("""
    SELECT e.owner_id, e.email_id FROM email e
    WHERE NOT EXISTS (
        SELECT 1 FROM blob_ref b WHERE b.owner_id = e.owner_id AND b.blob_id = e.blob_id
    ) LIMIT 100
""")

_STRAY_RIGHTS = Sql("""
    SELECT l.owner_id, l.mailbox_id, l.identifier FROM acl l
    WHERE NOT EXISTS (
        SELECT 1 FROM mailbox m WHERE m.owner_id = l.owner_id AND m.mailbox_id = l.mailbox_id
    ) LIMIT 100
""")
_NOT_DERIVED = Sql("""
    SELECT l.owner_id, l.identifier FROM acl l
    WHERE l.negative = 0 AND NOT EXISTS (
        SELECT 1 FROM shared_with s WHERE s.owner_id = l.owner_id
            AND s.viewer_id = CASE WHEN l.identifier < 1 THEN 0 ELSE l.identifier END
    ) LIMIT 100
""")
_STRAY_MARKS = Sql("""
    SELECT v.owner_id, v.mailbox_id, v.uid FROM viewer_seen v
    WHERE NOT EXISTS (
        SELECT 1 FROM placement p
        WHERE p.owner_id = v.owner_id AND p.mailbox_id = v.mailbox_id AND p.uid = v.uid
    ) LIMIT 100
""")


def purge_expunged(before: Moment, limit: int) -> Steps[int]:
    rows = yield Run(_EXPUNGED, {"before": before, "limit": limit})
    yield from _forget_kept(rows)
    return len(rows)


def purge_excess(limit: int) -> Steps[int]:
    """The oldest of what accounts keep beyond half of their quota."""
    forgotten = 0
    for row in (yield Run(_EXCESS, {"limit": limit})):
        owner, excess = integer(row[0]), integer(row[1]) - integer(row[2])
        oldest = []
        for kept in (yield Run(_OLDEST, {"owner": owner, "limit": limit - forgotten})):
            if excess <= 0:
                break
            oldest.append(kept)
            excess -= integer(kept[4])
        yield from _forget_kept(oldest)
        forgotten += len(oldest)
        if forgotten >= limit:
            break
    return forgotten


def _forget_kept(rows: Rows) -> Steps[None]:
    """Rows that begin with owner, mailbox, UID and email; emails nothing else holds go, too."""
    for row in rows:
        owner, email = AccountId(integer(row[0])), integer(row[3])
        params: Params = {"owner": owner, "mailbox": integer(row[1]), "uid": integer(row[2])}
        yield Run(_FORGET_EXPUNGED, params)
        if not (yield Run(_STILL_USED, {"owner": owner, "email": email})):
            yield Run(_FORGET_HEADER, {"owner": owner, "email": email})
            gone = yield Run(_FORGET_EMAIL, {"owner": owner, "email": email})
            for blob in gone:
                yield from unrefer(owner, BlobId(octets(blob[0])))


def purge_settled(before: Moment, limit: int) -> Steps[int]:
    rows = yield Run(_SETTLED, {"before": before, "limit": limit})
    for row in rows:
        owner = AccountId(integer(row[0]))
        params: Params = {"owner": owner, "submission": text(row[1])}
        yield Run(_FORGET_RECIPIENTS, params)
        yield Run(_FORGET_SUBMISSION, params)
        yield from unrefer(owner, BlobId(octets(row[2])))
    return len(rows)


def purge_keys(before: Moment) -> Steps[int]:
    return len((yield Run(_FORGET_KEYS, {"before": before})))


def purge_events(before_trace: str, limit: int) -> Steps[int]:
    """Events of traces that began before the trace id `before_trace` would have been made."""
    return len((yield Run(_OLD_EVENTS, {"trace": before_trace, "limit": limit})))


def purge_changes(before: Moment, limit: int) -> Steps[int]:
    """Forget old changes; who asks for them is then told that they cannot be calculated."""
    rows = yield Run(_CHANGES, {"before": before, "limit": limit})
    forgotten = 0
    for row in rows:
        params: Params = {
            "owner": integer(row[0]),
            "mailbox": integer(row[1]),
            "mod_seq": integer(row[2]),
        }
        yield Run(_OLDEST_KNOWN, params)
        yield Run(_OLDEST_KNOWN_VIRTUAL, params)
        forgotten += len((yield Run(_FORGET_CHANGES, params)))
    return forgotten


def is_referred(blob: BlobId) -> Steps[bool]:
    return bool((yield Run(_REFERRED, {"blob": blob})))


def garbage(limit: int) -> Steps[list[BlobId]]:
    """Candidates that nothing refers to; those that found a new use are forgotten."""
    rows = yield Run(_GARBAGE, {"limit": limit})
    found = []
    for row in rows:
        blob = BlobId(octets(row[0]))
        if (yield from is_referred(blob)):
            yield Run(_FORGET_GARBAGE, {"blob": blob})
        else:
            found.append(blob)
    return found


def forget_garbage(blob: BlobId) -> Steps[None]:
    yield Run(_FORGET_GARBAGE, {"blob": blob})


def references(after: BlobId, limit: int) -> Steps[list[tuple[AccountId, BlobId]]]:
    rows = yield Run(_REFERENCES, {"after": after, "limit": limit})
    return [(AccountId(integer(row[0])), BlobId(octets(row[1]))) for row in rows]


def check_rows() -> Steps[list[str]]:
    """Faults that the rows show by contradicting each other."""
    faults: list[str] = []
    for row in (yield Run(_COUNTS, {})):
        faults.extend(_mailbox_faults(row))
    for row in (yield Run(_USED, {})):
        faults.append(f"account {row[0]}: says {row[1]} octets used and has {row[2]}")
    for row in (yield Run(_ORPHANS, {})):
        faults.append(f"account {row[0]}, mailbox {row[1]}: UID {row[2]} has no email row")
    for row in (yield Run(_UNREFERRED, {})):
        faults.append(f"account {row[0]}: email {row[1]} holds no reference to its octets")
    return faults + (yield from _sharing_faults())


def _sharing_faults() -> Steps[list[str]]:
    faults: list[str] = []
    for row in (yield Run(_STRAY_RIGHTS, {})):
        faults.append(f"account {row[0]}: {row[2]} has rights to mailbox {row[1]}, which is gone")
    for row in (yield Run(_NOT_DERIVED, {})):
        faults.append(f"account {row[0]}: {row[1]} has rights and is not told of them")
    for row in (yield Run(_STRAY_MARKS, {})):
        faults.append(f"account {row[0]}, mailbox {row[1]}: UID {row[2]} was seen and is gone")
    return faults


def _mailbox_faults(row: Row) -> Iterator[str]:
    """A row of `_COUNTS`: what the mailbox says, and what its placements add up to."""
    owner, name, messages, counted, uid_next, last_uid, mod_seq, last_mod_seq, size, added = row
    place = f"account {owner}, mailbox {name}"
    if messages != counted:
        yield f"{place}: says {messages} messages and has {counted}"
    if size != integer(added):
        yield f"{place}: says {size} octets and has {added}"
    if integer(last_uid) >= integer(uid_next):
        yield f"{place}: has UID {last_uid}, but UIDNEXT is {uid_next}"
    if integer(last_mod_seq) > integer(mod_seq):
        yield f"{place}: has MODSEQ {last_mod_seq}, but HIGHESTMODSEQ is {mod_seq}"
