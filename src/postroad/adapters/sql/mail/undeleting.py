"""Expunged messages that are still kept, and bringing them back."""

from collections.abc import Sequence
from dataclasses import dataclass

from postroad.adapters.sql.mail.arriving import grow
from postroad.adapters.sql.mail.mailboxes import find, load, now, record
from postroad.adapters.sql.owners import lock, take
from postroad.adapters.sql.statement import Params, Row, Run, RunMany, Sql, Steps, integer, text
from postroad.base.errors import NotFound
from postroad.base.moments import Moment
from postroad.model.ids import AccountId, EmailId, MailboxId, MailboxName, ModSeq, Uid
from postroad.model.mailbox import Flags, Mailbox
from postroad.model.uidset import encode
from postroad.model.undelete import KeptMessage, RestoredMessage

_KEPT = """
    SELECT x.mailbox_id, x.uid, x.mailbox_name, x.email_id, x.expunged_at, x.flags, x.keywords,
        e.size, e.internal_date, e.subject_base, e.preview
    FROM expunged x CROSS JOIN email e
    WHERE x.owner_id = :owner AND x.expunged_at >= :since {of mailbox}
        AND e.owner_id = x.owner_id AND e.email_id = x.email_id
    ORDER BY x.expunged_at DESC, x.mailbox_id, x.uid LIMIT :limit
"""
_ALL = Sql(_KEPT.replace("{of mailbox}", ""))
_OF_MAILBOX = Sql(_KEPT.replace("{of mailbox}", "AND x.mailbox_name = :mailbox"))
# Taken out before anything else: `purge_expunged`, which locks no owner, may want the same rows.
_TAKE_OUT = Sql("""
    DELETE FROM expunged
    WHERE owner_id = :owner AND mailbox_id = :mailbox AND uid IN (SELECT value FROM {each uids})
    RETURNING mailbox_id, uid, mailbox_name, email_id, flags, keywords
""")
_SIZES = Sql("""
    SELECT email_id, size FROM email
    WHERE owner_id = :owner AND email_id IN (SELECT value FROM {each emails})
""")
_PLACE = Sql("""
    INSERT INTO placement (owner_id, mailbox_id, uid, email_id, flags, keywords, mod_seq, saved_at)
    VALUES (:owner, :mailbox, :uid, :email, :flags, :keywords, :mod_seq, :now)
""")


@dataclass(frozen=True, slots=True)
class _Kept:
    mailbox_id: MailboxId
    uid: Uid
    name: str
    email_id: int
    flags: int
    keywords: str


def kept(
    owner: AccountId, limit: int, mailbox: MailboxName | None, since: Moment | None
) -> Steps[list[KeptMessage]]:
    params: Params = {"owner": owner, "limit": limit, "since": since or 0}
    if mailbox is None:
        rows = yield Run(_ALL, params)
    else:
        rows = yield Run(_OF_MAILBOX, {**params, "mailbox": mailbox})
    return [_message(row) for row in rows]


def restore(
    owner: AccountId, messages: Sequence[tuple[MailboxId, Uid]]
) -> Steps[list[RestoredMessage]]:
    yield from lock(owner)
    found = yield from _take_out(owner, messages)
    if not found:
        return []
    targets = yield from _targets(owner, found)
    emails = [one.email_id for one in found]
    rows = yield Run(_SIZES, {"owner": owner, "emails": emails})
    sizes = {integer(row[0]): integer(row[1]) for row in rows}
    octets = sum(sizes[email] for email in emails)
    mod_seq, _ = yield from take(owner, octets=octets, messages=len(emails))
    by_target: dict[MailboxId, list[_Kept]] = {}
    for one in found:
        by_target.setdefault(targets[one.mailbox_id, one.name].mailbox_id, []).append(one)
    new_uids: dict[tuple[MailboxId, Uid], Uid] = {}
    for target, group in by_target.items():
        octets = sum(sizes[one.email_id] for one in group)
        fresh = yield from _place(owner, target, group, octets, mod_seq)
        for one, uid in zip(group, fresh, strict=True):
            new_uids[one.mailbox_id, one.uid] = uid
    return [
        RestoredMessage(
            one.mailbox_id,
            one.uid,
            targets[one.mailbox_id, one.name].name,
            new_uids[one.mailbox_id, one.uid],
        )
        for one in found
    ]


def _take_out(owner: AccountId, messages: Sequence[tuple[MailboxId, Uid]]) -> Steps[list[_Kept]]:
    wanted: dict[MailboxId, list[Uid]] = {}
    for mailbox, uid in messages:
        wanted.setdefault(mailbox, []).append(uid)
    found = []
    for mailbox in sorted(wanted):
        params: Params = {"owner": owner, "mailbox": mailbox, "uids": wanted[mailbox]}
        rows = yield Run(_TAKE_OUT, params)
        taken = [
            _Kept(
                MailboxId(integer(row[0])),
                Uid(integer(row[1])),
                text(row[2]),
                integer(row[3]),
                integer(row[4]),
                text(row[5]),
            )
            for row in rows
        ]
        found += sorted(taken, key=lambda one: one.uid)
    return found


def _targets(
    owner: AccountId, found: Sequence[_Kept]
) -> Steps[dict[tuple[MailboxId, str], Mailbox]]:
    """Where to put what came from a mailbox when it had a name."""
    targets = {}
    for place in {(one.mailbox_id, one.name): None for one in found}:
        targets[place] = yield from _target(owner, *place)
    return targets


def _target(owner: AccountId, mailbox: MailboxId, name: str) -> Steps[Mailbox]:
    try:
        old = yield from load(owner, mailbox)
        if old.selectable:
            return old
    except NotFound:
        pass
    for known in (name, "INBOX"):
        other = yield from find(owner, known)
        if other is not None and other.selectable:
            return other
    raise NotFound("there is no INBOX")


def _place(
    owner: AccountId, target: MailboxId, group: Sequence[_Kept], octets: int, mod_seq: ModSeq
) -> Steps[list[Uid]]:
    first = yield from grow(owner, target, len(group), octets, mod_seq)
    fresh = [Uid(uid) for uid in range(first, first + len(group))]
    placements: list[Params] = [
        {
            "owner": owner,
            "mailbox": target,
            "uid": uid,
            "email": one.email_id,
            "flags": one.flags & ~int(Flags.DELETED),
            "keywords": one.keywords,
            "mod_seq": mod_seq,
            "now": now(),
        }
        for one, uid in zip(group, fresh, strict=True)
    ]
    yield RunMany(_PLACE, placements)
    yield from record(owner, mod_seq, target, "placed", encode(fresh))
    return fresh


def _message(row: Row) -> KeptMessage:
    return KeptMessage(
        mailbox_id=MailboxId(integer(row[0])),
        uid=Uid(integer(row[1])),
        mailbox=MailboxName(text(row[2])),
        email_id=EmailId(integer(row[3])),
        expunged_at=Moment(integer(row[4])),
        flags=Flags(integer(row[5])),
        keywords=frozenset(text(row[6]).split()),
        size=integer(row[7]),
        internal_date=Moment(integer(row[8])),
        subject=text(row[9]),
        preview=text(row[10]),
    )
