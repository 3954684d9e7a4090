"""Mailboxes as rows: making, renaming, removing and listing them."""

import time
from collections.abc import Sequence

from postroad.adapters.sql.mail import marks, rights
from postroad.adapters.sql.owners import lock, take
from postroad.adapters.sql.statement import (
    Params,
    Row,
    Run,
    Sql,
    Steps,
    integer,
    one,
    optional_text,
    text,
)
from postroad.base.errors import AlreadyExists, InUse, NoSuchTarget, NotFound, OverQuota, TooMany
from postroad.base.moments import Moment
from postroad.base.phrases import phrase
from postroad.model.ids import AccountId, MailboxId, MailboxName, ModSeq, Uid, UidValidity
from postroad.model.mailbox import Mailbox, MailboxCounts, SpecialUse
from postroad.model.quota import MAX_MAILBOXES

COLUMNS = """mailbox_id, name, special_use, uid_validity, uid_next, mod_seq,
    oldest_known_mod_seq, messages, octets, selectable, first_recent"""

_ALL = Sql(f"SELECT {COLUMNS} FROM mailbox WHERE owner_id = :owner ORDER BY name")  # noqa: S608
_BY_NAME = Sql(
    f"SELECT {COLUMNS} FROM mailbox WHERE owner_id = :owner AND name = :name"  # noqa: S608
)
_BY_ID = Sql(
    f"SELECT {COLUMNS} FROM mailbox "  # noqa: S608
    "WHERE owner_id = :owner AND mailbox_id = :mailbox"
)
_USE = Sql("SELECT name FROM mailbox WHERE owner_id = :owner AND special_use = :special_use")
_COUNT = Sql("""
    SELECT count(*), (SELECT quota_mailboxes FROM owner WHERE owner_id = :owner)
    FROM mailbox WHERE owner_id = :owner
""")
_VALIDITY = Sql("""
    UPDATE owner SET last_uid_validity =
        CASE WHEN last_uid_validity >= :now THEN last_uid_validity + 1 ELSE :now END
    WHERE owner_id = :owner RETURNING last_uid_validity
""")
_INSERT = Sql("""
    INSERT INTO mailbox (owner_id, mailbox_id, name, special_use, uid_validity, uid_next,
        mod_seq, oldest_known_mod_seq, messages, octets, selectable)
    VALUES (:owner, :mailbox, :name, :special_use, :validity, 1, :mod_seq, :mod_seq, 0, 0,
        :selectable)
""")
_MAKE_SELECTABLE = Sql("""
    UPDATE mailbox SET selectable = 1, special_use = :special_use, uid_validity = :validity,
        mod_seq = :mod_seq, oldest_known_mod_seq = :mod_seq
    WHERE owner_id = :owner AND mailbox_id = :mailbox
""")
_BELOW = Sql("""
    SELECT mailbox_id, name FROM mailbox
    WHERE owner_id = :owner AND name >= :low AND name < :high ORDER BY name
""")
_RENAME = Sql("""
    UPDATE mailbox SET name = :name WHERE owner_id = :owner AND mailbox_id = :mailbox
""")
_DELETE = Sql("DELETE FROM mailbox WHERE owner_id = :owner AND mailbox_id = :mailbox")
_EMPTY = Sql("""
    UPDATE mailbox SET selectable = 0, special_use = NULL, messages = 0, octets = 0,
        mod_seq = :mod_seq
    WHERE owner_id = :owner AND mailbox_id = :mailbox
""")
_KEEP_EXPUNGED = Sql("""
    INSERT INTO expunged (owner_id, mailbox_id, uid, email_id, flags, keywords, expunged_at,
        mailbox_name)
    SELECT owner_id, mailbox_id, uid, email_id, flags, keywords, CAST(:now AS BIGINT),
        CAST(:name AS TEXT)
    FROM placement WHERE owner_id = :owner AND mailbox_id = :mailbox
""")
_CLEAR = Sql("DELETE FROM placement WHERE owner_id = :owner AND mailbox_id = :mailbox")
_CHANGE = Sql("""
    INSERT INTO change (owner_id, mod_seq, mailbox_id, kind, uids, changed_at)
    VALUES (:owner, :mod_seq, :mailbox, :kind, :uids, :now)
""")
_COUNTS = Sql("""
    SELECT coalesce(sum(CASE WHEN flags & 1 = 0 THEN 1 ELSE 0 END), 0),
        coalesce(sum(CASE WHEN flags & 8 <> 0 THEN 1 ELSE 0 END), 0)
    FROM placement WHERE owner_id = :owner AND mailbox_id = :mailbox
""")
_CLAIM_RECENT = Sql("""
    UPDATE mailbox SET first_recent = :before WHERE owner_id = :owner AND mailbox_id = :mailbox
""")
_SUBSCRIPTIONS = Sql("SELECT name FROM subscription WHERE owner_id = :owner")
_SUBSCRIBE = Sql("""
    INSERT INTO subscription (owner_id, name) VALUES (:owner, :name) ON CONFLICT DO NOTHING
""")
_UNSUBSCRIBE = Sql("DELETE FROM subscription WHERE owner_id = :owner AND name = :name")


def now() -> Moment:
    return Moment(time.time_ns() // 1000)


def to_mailbox(row: Row) -> Mailbox:
    use = optional_text(row[2])
    return Mailbox(
        mailbox_id=MailboxId(integer(row[0])),
        name=MailboxName(text(row[1])),
        special_use=None if use is None else SpecialUse(use),
        uid_validity=UidValidity(integer(row[3])),
        uid_next=Uid(integer(row[4])),
        mod_seq=ModSeq(integer(row[5])),
        oldest_known_mod_seq=ModSeq(integer(row[6])),
        messages=integer(row[7]),
        octets=integer(row[8]),
        selectable=bool(row[9]),
        first_recent=Uid(integer(row[10])),
    )


def all_mailboxes(owner: AccountId) -> Steps[tuple[Mailbox, ...]]:
    rows = yield Run(_ALL, {"owner": owner})
    return tuple(to_mailbox(row) for row in rows)


def find(owner: AccountId, name: str) -> Steps[Mailbox | None]:
    row = one((yield Run(_BY_NAME, {"owner": owner, "name": name})))
    return None if row is None else to_mailbox(row)


def load(owner: AccountId, mailbox: MailboxId) -> Steps[Mailbox]:
    """Raises `NotFound`."""
    row = one((yield Run(_BY_ID, {"owner": owner, "mailbox": mailbox})))
    if row is None:
        raise NotFound("the mailbox is gone")
    return to_mailbox(row)


def load_selectable(owner: AccountId, mailbox: MailboxId) -> Steps[Mailbox]:
    """One that may hold messages. Raises `NotFound`, also for \\Noselect."""
    found = yield from load(owner, mailbox)
    if not found.selectable:
        raise NotFound(phrase("{name} is only a name and holds no messages", name=found.name))
    return found


def load_target(owner: AccountId, mailbox: MailboxId) -> Steps[Mailbox]:
    """Where messages shall go. Raises `NoSuchTarget`."""
    try:
        return (yield from load_selectable(owner, mailbox))
    except NotFound as error:
        raise NoSuchTarget(*error.args) from None


def record(
    owner: AccountId, mod_seq: ModSeq, mailbox: MailboxId, kind: str, uids: str
) -> Steps[None]:
    """Write the change row of an operation."""
    yield Run(
        _CHANGE,
        {
            "owner": owner,
            "mod_seq": mod_seq,
            "mailbox": mailbox,
            "kind": kind,
            "uids": uids,
            "now": now(),
        },
    )


def create(owner: AccountId, name: MailboxName, special_use: SpecialUse | None) -> Steps[Mailbox]:
    made, _ = yield from create_at(owner, name, special_use)
    return made


def create_at(
    owner: AccountId, name: MailboxName, special_use: SpecialUse | None
) -> Steps[tuple[Mailbox, ModSeq]]:
    """The mailbox and the operation's mod_seq, for more steps of the same operation."""
    yield from lock(owner)
    there = yield from find(owner, name)
    if there is not None and there.selectable:
        raise AlreadyExists(phrase("there is a mailbox {name} already", name=name))
    if special_use is not None:
        yield from _refuse_second_use(owner, special_use)
    above, missing = yield from _above(owner, name)
    mod_seq, first_id = yield from take(owner, ids=1 + len(missing))
    validity = yield from next_validity(owner)
    if there is not None:
        params: Params = {
            "owner": owner,
            "mailbox": there.mailbox_id,
            "special_use": None if special_use is None else special_use.value,
            "validity": validity,
            "mod_seq": mod_seq,
        }
        yield Run(_MAKE_SELECTABLE, params)
        yield from _inherit(owner, above, there.mailbox_id, 1)
        return (yield from load(owner, there.mailbox_id)), mod_seq
    made = MailboxId(first_id)
    yield from _insert(owner, made, name, special_use, validity, mod_seq)
    yield from _insert_parents(owner, missing, first_id + 1, mod_seq)
    yield from _inherit(owner, above, made, 1 + len(missing))
    return (yield from load(owner, made)), mod_seq


def create_first(owner: AccountId, wanted: Sequence[tuple[str, SpecialUse | None]]) -> Steps[None]:
    """The mailboxes that a new account begins with, all subscribed."""
    for name, special_use in wanted:
        yield from create(owner, MailboxName(name), special_use)
        yield from set_subscribed(owner, MailboxName(name), subscribed=True)


def _refuse_second_use(owner: AccountId, special_use: SpecialUse) -> Steps[None]:
    row = one((yield Run(_USE, {"owner": owner, "special_use": special_use.value})))
    if row is not None:
        raise AlreadyExists(
            phrase("the mailbox {name} is {use} already", name=row[0], use=special_use.value)
        )


def next_validity(owner: AccountId) -> Steps[int]:
    """Larger than any before, and usually the time, so that it grows over a restore, too."""
    rows = yield Run(_VALIDITY, {"owner": owner, "now": now() // 1_000_000})
    return integer(rows[0][0])


def _insert(
    owner: AccountId,
    mailbox: MailboxId,
    name: str,
    special_use: SpecialUse | None,
    validity: int,
    mod_seq: ModSeq,
) -> Steps[None]:
    count, limit = (yield Run(_COUNT, {"owner": owner}))[0]
    if integer(count) >= MAX_MAILBOXES:
        raise TooMany(phrase("an account has at most {most} mailboxes", most=MAX_MAILBOXES))
    if limit is not None and integer(count) >= integer(limit):
        raise OverQuota(phrase("the account may have {limit} mailboxes", limit=limit))
    params: Params = {
        "owner": owner,
        "mailbox": mailbox,
        "name": name,
        "special_use": None if special_use is None else special_use.value,
        "validity": validity,
        "mod_seq": mod_seq,
        "selectable": 1,
    }
    yield Run(_INSERT, params)
    yield from record(owner, mod_seq, mailbox, "created", "")


def _above(owner: AccountId, name: str) -> Steps[tuple[MailboxId | None, list[str]]]:
    """The nearest mailbox above a name, and the names between that are still to be made."""
    levels = name.split("/")
    nearest, missing = None, list[str]()
    for depth in range(1, len(levels)):
        parent = "/".join(levels[:depth])
        if (found := (yield from find(owner, parent))) is None:
            missing.append(parent)
        else:
            nearest = found.mailbox_id
    return nearest, missing


def _inherit(
    owner: AccountId, above: MailboxId | None, first: MailboxId | int, count: int
) -> Steps[None]:
    """New mailboxes, with ids from `first` on, get the rights of the one above."""
    if above is not None:
        for mailbox in range(first, first + count):
            yield from rights.inherit(owner, MailboxId(mailbox), above)


def _insert_parents(
    owner: AccountId, names: Sequence[str], first_id: int, mod_seq: ModSeq
) -> Steps[None]:
    for mailbox, name in enumerate(names, first_id):
        validity = yield from next_validity(owner)
        yield from _insert(owner, MailboxId(mailbox), name, None, validity, mod_seq)


def _below(owner: AccountId, name: str) -> Steps[list[tuple[MailboxId, str]]]:
    """What lies below a mailbox: names from ``name/`` up to, not including, ``name0``."""
    params: Params = {"owner": owner, "low": f"{name}/", "high": f"{name}0"}
    rows = yield Run(_BELOW, params)
    return [(MailboxId(integer(row[0])), text(row[1])) for row in rows]


def delete(owner: AccountId, mailbox: MailboxId) -> Steps[None]:
    yield from lock(owner)
    old = yield from load(owner, mailbox)
    below = yield from _below(owner, old.name)
    if not old.selectable and below:
        raise InUse(phrase("{name} has mailboxes below it", name=old.name))
    mod_seq, _ = yield from take(owner, octets=-old.octets)
    params: Params = {"owner": owner, "mailbox": mailbox}
    yield Run(_KEEP_EXPUNGED, {**params, "now": now(), "name": old.name})
    yield Run(_CLEAR, params)
    yield from marks.forget(owner, mailbox)
    yield from rights.forget_mailbox(owner, mailbox)
    yield from record(owner, mod_seq, mailbox, "deleted", "")
    if below:
        yield Run(_EMPTY, {**params, "mod_seq": mod_seq})
    else:
        yield Run(_DELETE, params)


def rename_tree(owner: AccountId, source: MailboxName, target: MailboxName) -> Steps[None]:
    """Rename a mailbox other than INBOX and all below it."""
    yield from lock(owner)
    old = yield from find(owner, source)
    if old is None:
        raise NotFound(phrase("there is no mailbox {name}", name=source))
    if (yield from find(owner, target)) is not None:
        raise AlreadyExists(phrase("there is a mailbox {name} already", name=target))
    below = yield from _below(owner, source)
    taken = yield from _below(owner, target)
    if taken:
        raise AlreadyExists(phrase("there are mailboxes below {name} already", name=target))
    above, missing = yield from _above(owner, target)
    mod_seq, first_id = yield from take(owner, ids=len(missing))
    yield from _insert_parents(owner, missing, first_id, mod_seq)
    yield from _inherit(owner, above, first_id, len(missing))
    for mailbox, name in [(old.mailbox_id, str(source)), *below]:
        params: Params = {
            "owner": owner,
            "mailbox": mailbox,
            "name": target + name[len(source) :],
        }
        yield Run(_RENAME, params)
        yield from record(owner, mod_seq, mailbox, "renamed", "")


def counts(owner: AccountId, mailbox: MailboxId) -> Steps[MailboxCounts]:
    rows = yield Run(_COUNTS, {"owner": owner, "mailbox": mailbox})
    return MailboxCounts(integer(rows[0][0]), integer(rows[0][1]))


def claim_recent(owner: AccountId, mailbox: MailboxId, before: Uid) -> Steps[range]:
    yield from lock(owner)
    first = (yield from load(owner, mailbox)).first_recent
    if first >= before:
        return range(0)
    yield Run(_CLAIM_RECENT, {"owner": owner, "mailbox": mailbox, "before": before})
    return range(first, before)


def subscriptions(owner: AccountId) -> Steps[frozenset[MailboxName]]:
    rows = yield Run(_SUBSCRIPTIONS, {"owner": owner})
    return frozenset(MailboxName(text(row[0])) for row in rows)


def set_subscribed(owner: AccountId, name: MailboxName, *, subscribed: bool) -> Steps[None]:
    yield Run(_SUBSCRIBE if subscribed else _UNSUBSCRIBE, {"owner": owner, "name": name})
