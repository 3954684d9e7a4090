"""COPY and MOVE where somebody has rights to a mailbox: between accounts, or with own marks.

A message given to another account of the tenant gets a row of its own there, over the same blob;
the new reference is made in the transaction that holds the old one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from postroad.adapters.sql.mail import marks
from postroad.adapters.sql.mail.arriving import grow
from postroad.adapters.sql.mail.mailboxes import load_selectable, load_target, now, record
from postroad.adapters.sql.mail.moving import keep_expunged, remove
from postroad.adapters.sql.mail.selection import choose, chosen
from postroad.adapters.sql.owners import lock, refer, take
from postroad.adapters.sql.statement import (
    Params,
    Row,
    Run,
    RunMany,
    Sql,
    Steps,
    integer,
    octets,
    text,
)
from postroad.base.errors import NotFound, TryLater
from postroad.model.ids import AccountId, BlobId, Uid
from postroad.model.mailbox import Copied, Flags, Mailbox
from postroad.model.sharing import Rights, Side, flags_allowed
from postroad.model.uidset import encode

_SEEN = int(Flags.SEEN)
_ROWS = chosen("""
    SELECT p.uid, p.email_id, p.flags, p.keywords, e.size, e.thread_id, e.blob_id
    FROM placement p CROSS JOIN email e
    WHERE p.owner_id = :owner AND p.mailbox_id = :mailbox AND p.{these}
        AND e.owner_id = p.owner_id AND e.email_id = p.email_id
    ORDER BY p.uid
""")
_PLACE = Sql("""
    INSERT INTO placement (owner_id, mailbox_id, uid, email_id, flags, keywords, mod_seq, saved_at)
    VALUES (:owner, :mailbox, :uid, :email, :flags, :keywords, :mod_seq, :now)
""")
_ONE_TENANT = Sql("""
    SELECT 1 FROM account a JOIN account b ON b.tenant_id = a.tenant_id
    WHERE a.account_id = :source AND a.is_person = 1
        AND b.account_id = :target AND b.is_person = 1
""")
_HELD = Sql("""
    SELECT uses FROM blob_ref WHERE owner_id = :owner AND blob_id = :blob {for update}
""")
_WHAT = """size, internal_date, sent_at, sent_on, prepared_version, envelope, body_structure,
    part_table, subject_base, sort_from, sort_to, sort_cc, preview, body, envelope_utf8,
    body_structure_utf8"""
_EMAIL = Sql(f"""
    INSERT INTO email (owner_id, email_id, thread_id, blob_id, {_WHAT})
    SELECT CAST(:target AS BIGINT), CAST(:new_email AS BIGINT), CAST(:new_thread AS BIGINT),
        blob_id, {_WHAT}
    FROM email WHERE owner_id = :source AND email_id = :email
""")  # noqa: S608
_HEADER = Sql("""
    INSERT INTO email_header (owner_id, email_id, header_fields, origin)
    SELECT CAST(:target AS BIGINT), CAST(:new_email AS BIGINT), header_fields, origin
    FROM email_header WHERE owner_id = :source AND email_id = :email
""")
_THREAD = Sql("""
    SELECT min(t.thread_id) FROM thread_key t
    WHERE t.owner_id = :target AND t.thread_key IN (
        SELECT s.thread_key FROM thread_key s
        WHERE s.owner_id = :source AND s.thread_id = :thread
    )
""")
_THREAD_KEYS = Sql("""
    INSERT INTO thread_key (owner_id, thread_key, thread_id)
    SELECT CAST(:target AS BIGINT), thread_key, CAST(:new_thread AS BIGINT) FROM thread_key
    WHERE owner_id = :source AND thread_id = :thread ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class _Message:
    uid: Uid
    email_id: int
    flags: int
    keywords: str
    size: int
    thread_id: int
    blob_id: BlobId


def transfer(
    uids: Sequence[Uid], source: Side, target: Side, rights: Rights, *, keep: bool
) -> Steps[Copied]:
    """Both owners are held, in the order of their ids, so that two of these cannot block."""
    for owner in sorted({source.owner, target.owner}):
        yield from lock(owner)
    yield from _require_one_tenant(source.owner, target.owner)
    old = yield from load_selectable(source.owner, source.mailbox)
    wanted = yield from load_target(target.owner, target.mailbox)
    found = yield from _read(uids, source)
    if not found:
        return Copied(wanted.uid_validity, (), ())
    seen = yield from _seen(found, source)
    fresh = yield from _put(found, seen, source, target, rights, keep=keep)
    if not keep:
        yield from _take_away(found, old, source, target)
    return Copied(wanted.uid_validity, [one.uid for one in found], fresh)


def _require_one_tenant(source: AccountId, target: AccountId) -> Steps[None]:
    if not (yield Run(_ONE_TENANT, {"source": source, "target": target})):
        raise NotFound("there is no such account")


def _read(uids: Sequence[Uid], source: Side) -> Steps[list[_Message]]:
    if not uids:
        return []
    params: Params = {"owner": source.owner, "mailbox": source.mailbox}
    rows = yield Run(*choose(_ROWS, uids, params))
    return [_message(row) for row in rows]


def _message(row: Row) -> _Message:
    return _Message(
        Uid(integer(row[0])),
        integer(row[1]),
        integer(row[2]),
        text(row[3]),
        integer(row[4]),
        integer(row[5]),
        BlobId(octets(row[6])),
    )


def _seen(found: Sequence[_Message], source: Side) -> Steps[set[Uid]]:
    """What whoever carries it over has seen."""
    if source.viewer is None:
        return {one.uid for one in found if one.flags & _SEEN}
    uids = [one.uid for one in found]
    known = yield from marks.of(source.owner, source.mailbox, source.viewer, uids)
    return {uid for uid in uids if known.get(uid, (False, 0))[0]}


def _put(
    found: Sequence[_Message],
    seen: set[Uid],
    source: Side,
    target: Side,
    rights: Rights,
    *,
    keep: bool,
) -> Steps[list[Uid]]:
    """Placements in the target; flags are kept as far as `rights` go (RFC 4314 section 4)."""
    size = sum(one.size for one in found)
    same = source.owner == target.owner
    more = keep or not same
    mod_seq, first_id = yield from take(
        target.owner,
        ids=0 if same else 2 * len(found),
        octets=size if more else 0,
        messages=len(found) if more else 0,
    )
    emails = {n: one.email_id for n, one in enumerate(found)}
    if not same:
        emails = yield from _emails(found, source.owner, target.owner, first_id)
    first = yield from grow(target.owner, target.mailbox, len(found), size, mod_seq)
    fresh = [Uid(uid) for uid in range(first, first + len(found))]
    at = now()
    placements: list[Params] = [
        {
            "owner": target.owner,
            "mailbox": target.mailbox,
            "uid": fresh[n],
            "email": emails[n],
            "flags": _flags(one, target, rights, same=same, seen=one.uid in seen),
            "keywords": one.keywords if Rights.WRITE in rights else "",
            "mod_seq": mod_seq,
            "now": at,
        }
        for n, one in enumerate(found)
    ]
    yield RunMany(_PLACE, placements)
    if same:
        uids = [one.uid for one in found]
        places = (source.mailbox, uids, target.mailbox, fresh)
        yield from marks.carry(source.owner, *places, mod_seq, keep=keep)
    elif target.viewer is not None and Rights.SEEN in rights:
        uids = [uid for one, uid in zip(found, fresh, strict=True) if one.uid in seen]
        to = (target.owner, target.mailbox, target.viewer)
        yield from marks.put(*to, uids, mod_seq, seen=True)
    yield from record(target.owner, mod_seq, target.mailbox, "placed", encode(fresh))
    return fresh


def _flags(message: _Message, target: Side, rights: Rights, *, same: bool, seen: bool) -> int:
    flags = message.flags & int(flags_allowed(rights)) & ~_SEEN
    if target.viewer is None:
        return flags | (_SEEN if seen and Rights.SEEN in rights else 0)
    return flags | (message.flags & _SEEN if same else 0)  # what the owner has seen stays so


def _emails(
    found: Sequence[_Message], source: AccountId, target: AccountId, first_id: int
) -> Steps[dict[int, int]]:
    """Rows of the target's owner over the same blobs; their ids by place in `found`."""
    threads: dict[int, int] = {}
    made = {}
    for n, one in enumerate(found):
        if not (yield Run(_HELD, {"owner": source, "blob": one.blob_id})):
            raise TryLater("the stored message has lapsed")
        made[n] = first_id + 2 * n
        params: Params = {"source": source, "target": target, "thread": one.thread_id}
        if one.thread_id not in threads:
            rows = yield Run(_THREAD, params)
            known = rows[0][0]
            threads[one.thread_id] = made[n] + 1 if known is None else integer(known)
            keys: Params = {**params, "new_thread": threads[one.thread_id]}
            yield Run(_THREAD_KEYS, keys)
        email: Params = {
            "source": source,
            "target": target,
            "email": one.email_id,
            "new_email": made[n],
        }
        yield Run(_EMAIL, {**email, "new_thread": threads[one.thread_id]})
        yield Run(_HEADER, email)
        yield from refer(target, [one.blob_id])
    return made


def _take_away(found: Sequence[_Message], old: Mailbox, source: Side, target: Side) -> Steps[None]:
    """Out of the source; what leaves an account is kept there for undelete, as if expunged."""
    uids = [one.uid for one in found]
    size = sum(one.size for one in found)
    same = source.owner == target.owner
    mod_seq, _ = yield from take(source.owner, octets=0 if same else -size)
    if not same:
        yield from keep_expunged(source.owner, old, uids)
    yield from remove(source.owner, source.mailbox, uids, size, mod_seq)
