"""COPY, MOVE and EXPUNGE as a few statements, however many messages they concern."""

import json
from collections.abc import Sequence

from postroad.adapters.sql.mail import annotating, marks
from postroad.adapters.sql.mail.arriving import grow
from postroad.adapters.sql.mail.mailboxes import (
    create_at,
    find,
    load_selectable,
    load_target,
    now,
    record,
)
from postroad.adapters.sql.mail.selection import choose, chosen, everything
from postroad.adapters.sql.owners import exists, lock, take
from postroad.adapters.sql.statement import Params, Run, Sql, Steps, integer, optional_text
from postroad.base.errors import AlreadyExists, NotFound
from postroad.base.phrases import phrase
from postroad.model.ids import AccountId, MailboxId, MailboxName, ModSeq, Uid
from postroad.model.mailbox import Copied, Mailbox, Replaced
from postroad.model.uidset import encode

_SIZES = chosen("""
    SELECT p.uid, e.size FROM placement p CROSS JOIN email e
    WHERE p.owner_id = :owner AND p.mailbox_id = :mailbox AND p.{these}
        AND e.owner_id = p.owner_id AND e.email_id = p.email_id
    ORDER BY p.uid
""")
_DELETED = chosen("""
    SELECT {pack uid}, CAST(coalesce(sum(size), 0) AS BIGINT) FROM (
        SELECT p.uid, e.size FROM placement p CROSS JOIN email e
        WHERE p.owner_id = :owner AND p.mailbox_id = :mailbox AND p.{these} AND p.flags & 8 <> 0
            AND e.owner_id = p.owner_id AND e.email_id = p.email_id
        ORDER BY p.uid
    ) AS ordered
""")
_COPY = chosen("""
    INSERT INTO placement (owner_id, mailbox_id, uid, email_id, flags, keywords, mod_seq, saved_at)
    SELECT owner_id, CAST(:target AS BIGINT),
        CAST(:before_first AS BIGINT) + row_number() OVER (ORDER BY uid), email_id, flags,
        keywords, CAST(:mod_seq AS BIGINT), CAST(:now AS BIGINT)
    FROM placement WHERE owner_id = :owner AND mailbox_id = :mailbox AND {these}
""")
_REMOVE = chosen("""
    DELETE FROM placement WHERE owner_id = :owner AND mailbox_id = :mailbox AND {these}
""")
_KEEP = chosen("""
    INSERT INTO expunged (owner_id, mailbox_id, uid, email_id, flags, keywords, expunged_at,
        mailbox_name)
    SELECT owner_id, mailbox_id, uid, email_id, flags, keywords, CAST(:now AS BIGINT),
        CAST(:name AS TEXT)
    FROM placement WHERE owner_id = :owner AND mailbox_id = :mailbox AND {these}
""")
_SHRINK = Sql("""
    UPDATE mailbox SET messages = messages - :messages, octets = octets - :octets,
        mod_seq = :mod_seq
    WHERE owner_id = :owner AND mailbox_id = :mailbox
""")


def copy(
    owner: AccountId, uids: Sequence[Uid], source: MailboxId, target: MailboxId
) -> Steps[Copied]:
    wanted, sized = yield from _both(owner, uids, source, target)
    if not sized:
        return Copied(wanted.uid_validity, (), ())
    there = [uid for uid, _ in sized]
    octets = sum(size for _, size in sized)
    mod_seq, _ = yield from take(owner, octets=octets, messages=len(there))
    fresh = yield from _place(owner, there, source, target, octets, mod_seq, keep=True)
    return Copied(wanted.uid_validity, there, fresh)


def move(
    owner: AccountId, uids: Sequence[Uid], source: MailboxId, target: MailboxId
) -> Steps[Copied]:
    wanted, sized = yield from _both(owner, uids, source, target)
    if not sized:
        return Copied(wanted.uid_validity, (), ())
    there = [uid for uid, _ in sized]
    octets = sum(size for _, size in sized)
    mod_seq, _ = yield from take(owner)
    fresh = yield from _transfer(owner, there, source, target, octets, mod_seq)
    return Copied(wanted.uid_validity, there, fresh)


def expunge(
    owner: AccountId, mailbox: MailboxId, uids: Sequence[Uid] | None
) -> Steps[Sequence[Uid]]:
    yield from lock(owner)
    found = yield from load_selectable(owner, mailbox)
    if uids is not None and not uids:
        return ()
    params: Params = {"owner": owner, "mailbox": mailbox}
    statement = everything(_DELETED, params) if uids is None else choose(_DELETED, uids, params)
    packed, octets = (yield Run(*statement))[0]
    gone: list[Uid] = json.loads(optional_text(packed) or "[]")
    if not gone:
        return ()
    mod_seq, _ = yield from take(owner, octets=-integer(octets))
    yield from keep_expunged(owner, found, gone)
    yield from remove(owner, mailbox, gone, integer(octets), mod_seq)
    return gone


def discard(owner: AccountId, mailbox: MailboxId, uids: Sequence[Uid]) -> Steps[None]:
    """Expunge messages, whatever their flags."""
    yield from lock(owner)
    found = yield from load_selectable(owner, mailbox)
    rows = yield Run(*choose(_SIZES, uids, {"owner": owner, "mailbox": mailbox}))
    there = [Uid(integer(row[0])) for row in rows]
    if not there:
        return
    octets = sum(integer(row[1]) for row in rows)
    mod_seq, _ = yield from take(owner, octets=-octets)
    yield from keep_expunged(owner, found, there)
    yield from remove(owner, mailbox, there, octets, mod_seq)


def replace(target: AccountId, message: Replaced) -> Steps[None]:
    """Expunge a message, before another comes in its place at the owner `target`.

    Both owners are locked here, in the order of their ids, so that two cannot block each other.
    """
    owner, mailbox = message.account, message.mailbox_id
    for each in sorted({owner, target}):
        if not (yield from exists(each)) and each == owner:
            raise NotFound("there is no such account")
    found = yield from load_selectable(owner, mailbox)
    rows = yield Run(*choose(_SIZES, [message.uid], {"owner": owner, "mailbox": mailbox}))
    if not rows:
        raise NotFound("the message to be replaced is gone")
    octets = integer(rows[0][1])
    mod_seq, _ = yield from take(owner, octets=-octets)
    yield from keep_expunged(owner, found, [message.uid])
    yield from remove(owner, mailbox, [message.uid], octets, mod_seq)


def rename_inbox(owner: AccountId, target: MailboxName) -> Steps[None]:
    """INBOX gives its messages to a new mailbox and stays (RFC 9051 section 6.3.6)."""
    yield from lock(owner)
    if (yield from find(owner, target)) is not None:
        raise AlreadyExists(phrase("there is a mailbox {name} already", name=target))
    inbox = yield from find(owner, "INBOX")
    if inbox is None:
        raise NotFound("there is no INBOX")
    made, mod_seq = yield from create_at(owner, target, None)
    yield from annotating.copy(owner, inbox.mailbox_id, made.mailbox_id)
    rows = yield Run(*everything(_SIZES, {"owner": owner, "mailbox": inbox.mailbox_id}))
    if rows:
        uids = [Uid(integer(row[0])) for row in rows]
        octets = sum(integer(row[1]) for row in rows)
        yield from _transfer(owner, uids, inbox.mailbox_id, made.mailbox_id, octets, mod_seq)


def _both(
    owner: AccountId, uids: Sequence[Uid], source: MailboxId, target: MailboxId
) -> Steps[tuple[Mailbox, list[tuple[Uid, int]]]]:
    """The target, and those of the UIDs that are in the source, with their sizes."""
    yield from lock(owner)
    yield from load_selectable(owner, source)
    wanted = yield from load_target(owner, target)
    if not uids:
        return wanted, []
    rows = yield Run(*choose(_SIZES, uids, {"owner": owner, "mailbox": source}))
    return wanted, [(Uid(integer(row[0])), integer(row[1])) for row in rows]


def _transfer(
    owner: AccountId,
    uids: Sequence[Uid],
    source: MailboxId,
    target: MailboxId,
    octets: int,
    mod_seq: ModSeq,
) -> Steps[list[Uid]]:
    """Placements in the target instead of those in the source; their UIDs, in order."""
    fresh = yield from _place(owner, uids, source, target, octets, mod_seq, keep=False)
    yield from remove(owner, source, uids, octets, mod_seq)
    return fresh


def _place(
    owner: AccountId,
    uids: Sequence[Uid],
    source: MailboxId,
    target: MailboxId,
    octets: int,
    mod_seq: ModSeq,
    *,
    keep: bool,
) -> Steps[list[Uid]]:
    """Placements in the target beside those in the source; their UIDs, in order."""
    first = yield from grow(owner, target, len(uids), octets, mod_seq)
    params: Params = {
        "owner": owner,
        "mailbox": source,
        "target": target,
        "before_first": first - 1,
        "mod_seq": mod_seq,
        "now": now(),
    }
    yield Run(*choose(_COPY, uids, params))
    fresh = [Uid(uid) for uid in range(first, first + len(uids))]
    yield from marks.carry(owner, source, uids, target, fresh, mod_seq, keep=keep)
    yield from record(owner, mod_seq, target, "placed", encode(fresh))
    return fresh


def keep_expunged(owner: AccountId, mailbox: Mailbox, uids: Sequence[Uid]) -> Steps[None]:
    """Remember messages that are about to go, for undelete."""
    params: Params = {"owner": owner, "mailbox": mailbox.mailbox_id}
    yield Run(*choose(_KEEP, uids, {**params, "now": now(), "name": mailbox.name}))
    yield from marks.forget(owner, mailbox.mailbox_id, uids)


def remove(
    owner: AccountId, mailbox: MailboxId, uids: Sequence[Uid], octets: int, mod_seq: ModSeq
) -> Steps[None]:
    """Take messages out of a mailbox."""
    yield Run(*choose(_REMOVE, uids, {"owner": owner, "mailbox": mailbox}))
    params: Params = {
        "owner": owner,
        "mailbox": mailbox,
        "messages": len(uids),
        "octets": octets,
        "mod_seq": mod_seq,
    }
    yield Run(_SHRINK, params)
    yield from record(owner, mod_seq, mailbox, "expunged", encode(uids))
