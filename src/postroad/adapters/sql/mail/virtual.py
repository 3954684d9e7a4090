"""Virtual mailboxes as rows: making them, and bringing them up to date.

`MailStore` reads and changes their messages, see `virtualmail`.
"""

import json
from collections.abc import Sequence

from postroad.adapters.sql.mail.mailboxes import all_mailboxes, next_validity, record
from postroad.adapters.sql.owners import lock, take
from postroad.adapters.sql.statement import (
    Params,
    Row,
    Run,
    RunMany,
    Sql,
    Steps,
    integer,
    one,
    optional_text,
    text,
)
from postroad.base.errors import AlreadyExists, NotFound, TooMany
from postroad.base.phrases import phrase
from postroad.model.ids import AccountId, MailboxId, MailboxName, ModSeq, Uid, UidValidity
from postroad.model.mailbox import Mailbox, SpecialUse
from postroad.model.uidset import encode
from postroad.model.virtual import (
    MAX_VIRTUAL,
    PREFIX,
    Fold,
    Look,
    NewVirtual,
    VirtualMailbox,
    VirtualState,
)

_COLUMNS = """virtual_id, name, special_use, search, within, uid_validity, uid_next, mod_seq,
    oldest_known_mod_seq, messages, octets, folded, scope"""
_ALL = Sql(f"""
    SELECT {_COLUMNS} FROM virtual_mailbox WHERE owner_id = :owner ORDER BY name
""")  # noqa: S608
_BY_ID = Sql(f"""
    SELECT {_COLUMNS} FROM virtual_mailbox WHERE owner_id = :owner AND virtual_id = :virtual
""")  # noqa: S608
_MOD_SEQ = Sql("SELECT mod_seq FROM owner WHERE owner_id = :owner")
_INSERT = Sql("""
    INSERT INTO virtual_mailbox (owner_id, virtual_id, name, special_use, search, within,
        uid_validity, uid_next, mod_seq, oldest_known_mod_seq, messages, octets, folded, scope)
    VALUES (:owner, :virtual, :name, :special_use, :search, :within, :validity, 1, :mod_seq,
        :mod_seq, 0, 0, 0, '[]')
""")
_DELETE = Sql("""
    DELETE FROM virtual_mailbox WHERE owner_id = :owner AND virtual_id = :virtual RETURNING 1
""")
_CLEAR = Sql("""
    DELETE FROM virtual_placement WHERE owner_id = :owner AND virtual_id = :virtual
""")
_FORGET = Sql("DELETE FROM change WHERE owner_id = :owner AND mailbox_id = :virtual")
_MEMBERS = Sql("""
    SELECT {pack uid}, {pack real_uid} FROM (
        SELECT uid, real_uid FROM virtual_placement
        WHERE owner_id = :owner AND virtual_id = :virtual AND mailbox_id = :mailbox
    ) AS members
""")
_MEMBERS_AMONG = Sql("""
    SELECT {pack uid}, {pack real_uid} FROM (
        SELECT uid, real_uid FROM virtual_placement
        WHERE owner_id = :owner AND virtual_id = :virtual AND mailbox_id = :mailbox
            AND real_uid IN (SELECT value FROM {each uids})
    ) AS members
""")
_OUTSIDE = Sql("""
    SELECT uid FROM virtual_placement WHERE owner_id = :owner AND virtual_id = :virtual
        AND mailbox_id NOT IN (SELECT value FROM {each scope})
""")
_LEAVE = Sql("""
    DELETE FROM virtual_placement WHERE owner_id = :owner AND virtual_id = :virtual
        AND uid IN (SELECT value FROM {each uids})
    RETURNING size
""")
_TOUCH = Sql("""
    UPDATE virtual_placement SET mod_seq = :mod_seq
    WHERE owner_id = :owner AND virtual_id = :virtual AND uid IN (SELECT value FROM {each uids})
""")
_COMING = Sql("""
    SELECT p.email_id, p.uid, e.size FROM placement p CROSS JOIN email e
    WHERE p.owner_id = :owner AND p.mailbox_id = :mailbox
        AND p.uid IN (SELECT value FROM {each uids})
        AND e.owner_id = p.owner_id AND e.email_id = p.email_id
""")
_JOIN = Sql("""
    INSERT INTO virtual_placement (owner_id, virtual_id, uid, mailbox_id, real_uid, size, mod_seq)
    VALUES (:owner, :virtual, :uid, :mailbox, :real_uid, :size, :mod_seq)
""")
_UPDATE = Sql("""
    UPDATE virtual_mailbox SET uid_next = :uid_next, mod_seq = :mod_seq,
        messages = messages + :messages, octets = octets + :octets, folded = :folded,
        scope = :scope
    WHERE owner_id = :owner AND virtual_id = :virtual
""")
_Coming = tuple[int, MailboxId, int, int]  # email id, mailbox, UID there, size


def _to_virtual(row: Row) -> VirtualMailbox:
    use = optional_text(row[2])
    uid_next = Uid(integer(row[6]))
    mailbox = Mailbox(
        mailbox_id=MailboxId(integer(row[0])),
        name=MailboxName(PREFIX + text(row[1])),
        special_use=None if use is None else SpecialUse(use),
        uid_validity=UidValidity(integer(row[5])),
        uid_next=uid_next,
        mod_seq=ModSeq(integer(row[7])),
        oldest_known_mod_seq=ModSeq(integer(row[8])),
        messages=integer(row[9]),
        octets=integer(row[10]),
        selectable=True,
        first_recent=uid_next,  # what is new was told of where it really is
    )
    return VirtualMailbox(
        mailbox,
        text(row[3]),
        tuple(json.loads(text(row[4]))),
        ModSeq(integer(row[11])),
        frozenset(json.loads(text(row[12]))),
    )


def virtuals(owner: AccountId) -> Steps[list[VirtualMailbox]]:
    return [_to_virtual(row) for row in (yield Run(_ALL, {"owner": owner}))]


def load(owner: AccountId, virtual: MailboxId) -> Steps[VirtualMailbox]:
    """Raises `NotFound`."""
    row = one((yield Run(_BY_ID, {"owner": owner, "virtual": virtual})))
    if row is None:
        raise NotFound("the mailbox is gone")
    return _to_virtual(row)


def create(owner: AccountId, new: NewVirtual) -> Steps[VirtualMailbox]:
    yield from lock(owner)
    there = yield from virtuals(owner)
    if any(each.mailbox.name == PREFIX + new.name for each in there):
        raise AlreadyExists(phrase("there is a mailbox {name} already", name=PREFIX + new.name))
    if len(there) >= MAX_VIRTUAL:
        raise TooMany(phrase("an account has at most {most} virtual mailboxes", most=MAX_VIRTUAL))
    mod_seq, number = yield from take(owner, ids=1)
    virtual = MailboxId(-number)
    params: Params = {
        "owner": owner,
        "virtual": virtual,
        "name": new.name,
        "special_use": None if new.special_use is None else new.special_use.value,
        "search": new.search,
        "within": json.dumps(new.within),
        "validity": (yield from next_validity(owner)),
        "mod_seq": mod_seq,
    }
    yield Run(_INSERT, params)
    return (yield from load(owner, virtual))


def delete(owner: AccountId, virtual: MailboxId) -> Steps[None]:
    yield from lock(owner)
    params: Params = {"owner": owner, "virtual": virtual}
    if not (yield Run(_DELETE, params)):
        raise NotFound("the mailbox is gone")
    yield Run(_CLEAR, params)
    yield Run(_FORGET, params)


def state(owner: AccountId, virtual: MailboxId) -> Steps[VirtualState]:
    found = yield from load(owner, virtual)
    rows = yield Run(_MOD_SEQ, {"owner": owner})
    mailboxes = yield from all_mailboxes(owner)
    return VirtualState(found, ModSeq(integer(rows[0][0])), mailboxes)


def fold(owner: AccountId, virtual: MailboxId, wish: Fold) -> Steps[bool]:
    yield from lock(owner)
    found = yield from load(owner, virtual)
    if found.folded != wish.since:
        return False
    leaving, touched, coming = yield from _sorted_out(owner, found, wish)
    rows = yield Run(_MOD_SEQ, {"owner": owner})
    before = mod_seq = ModSeq(integer(rows[0][0]))
    messages = octets = 0
    if leaving or touched or coming:
        mod_seq, _ = yield from take(owner)
        common: Params = {"owner": owner, "virtual": virtual, "mod_seq": mod_seq}
        octets -= yield from _leave(common, leaving)
        octets += yield from _join(common, found.mailbox.uid_next, coming)
        yield Run(_TOUCH, {**common, "uids": touched})
        messages = len(coming) - len(leaving)
        first = found.mailbox.uid_next
        yield from _record(owner, virtual, mod_seq, "expunged", sorted(leaving))
        yield from _record(owner, virtual, mod_seq, "flags", sorted(touched))
        fresh = range(first, first + len(coming))
        yield from _record(owner, virtual, mod_seq, "placed", fresh)
    # What happened since the looks began, other than this, is still to be looked at.
    folded = (mod_seq if before == wish.at else wish.at) if wish.is_last else wish.since
    changed = mod_seq if mod_seq != before else found.mailbox.mod_seq
    params: Params = {
        "owner": owner,
        "virtual": virtual,
        "uid_next": found.mailbox.uid_next + len(coming),
        "mod_seq": changed,
        "messages": messages,
        "octets": octets,
        "folded": folded,
        "scope": json.dumps(sorted(wish.scope if wish.is_last else found.scope)),
    }
    yield Run(_UPDATE, params)
    return True


def _sorted_out(
    owner: AccountId, found: VirtualMailbox, wish: Fold
) -> Steps[tuple[list[int], list[int], list[_Coming]]]:
    """The UIDs that leave, those that stay and changed, and what comes, in order."""
    leaving, touched, coming = list[int](), list[int](), list[_Coming]()
    virtual = found.mailbox.mailbox_id
    for look in wish.looks:
        members = yield from _members(owner, virtual, look)
        matching = set[int](look.matching)
        leaving += [uid for real, uid in members.items() if real not in matching]
        if look.changed:
            touched += [uid for real, uid in members.items() if real in matching]
        if fresh := sorted(matching - members.keys()):
            params: Params = {"owner": owner, "mailbox": look.mailbox, "uids": fresh}
            rows = yield Run(_COMING, params)
            coming += [
                (integer(row[0]), look.mailbox, integer(row[1]), integer(row[2])) for row in rows
            ]
    if wish.is_last and wish.scope != found.scope:
        params = {"owner": owner, "virtual": virtual, "scope": sorted(wish.scope)}
        leaving += [integer(row[0]) for row in (yield Run(_OUTSIDE, params))]
    return leaving, touched, sorted(coming)


def _members(owner: AccountId, virtual: MailboxId, look: Look) -> Steps[dict[int, int]]:
    """Those of the messages looked at that are in it: their UIDs there, and here."""
    params: Params = {"owner": owner, "virtual": virtual, "mailbox": look.mailbox}
    if look.uids is None:
        rows = yield Run(_MEMBERS, params)
    else:
        rows = yield Run(_MEMBERS_AMONG, {**params, "uids": look.uids})
    uids, real = (json.loads(text(column)) if column else [] for column in rows[0])
    return dict(zip(real, uids, strict=True))


def _leave(common: Params, uids: Sequence[int]) -> Steps[int]:
    """Their octets."""
    if not uids:
        return 0
    rows = yield Run(_LEAVE, {**common, "uids": uids})
    return sum(integer(row[0]) for row in rows)


def _join(common: Params, first: Uid, coming: Sequence[_Coming]) -> Steps[int]:
    """Their octets."""
    rows: list[Params] = [
        {**common, "uid": uid, "mailbox": mailbox, "real_uid": real_uid, "size": size}
        for uid, (_, mailbox, real_uid, size) in enumerate(coming, first)
    ]
    if rows:
        yield RunMany(_JOIN, rows)
    return sum(size for *_, size in coming)


def _record(
    owner: AccountId, virtual: MailboxId, mod_seq: ModSeq, kind: str, uids: Sequence[int]
) -> Steps[None]:
    if uids:
        yield from record(owner, mod_seq, virtual, kind, encode(uids))
