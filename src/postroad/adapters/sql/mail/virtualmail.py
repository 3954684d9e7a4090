"""The messages of a virtual mailbox: read and changed where they really are."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from postroad.adapters.sql.mail import flags, giving, moving, reading
from postroad.adapters.sql.mail.mailboxes import load_target
from postroad.adapters.sql.mail.selection import choose, chosen, everything
from postroad.adapters.sql.mail.virtual import load
from postroad.adapters.sql.owners import lock
from postroad.adapters.sql.statement import Params, Row, Run, Sql, Steps, integer
from postroad.base.errors import NotFound
from postroad.model.ids import AccountId, MailboxId, ModSeq, Uid
from postroad.model.mailbox import (
    Column,
    Copied,
    FlagChange,
    Joined,
    Mailbox,
    MailboxChanges,
    MailboxCounts,
    Placements,
    Replaced,
    Stored,
)
from postroad.model.sharing import ALL_RIGHTS, Rights, Side

_PLACEMENTS = chosen("""
    SELECT {pack uid}, {pack email_id}, {pack flags}, {pack keywords}, {pack mod_seq} FROM (
        SELECT v.uid AS uid, p.email_id AS email_id, p.flags AS flags, p.keywords AS keywords,
            CASE WHEN v.mod_seq > p.mod_seq THEN v.mod_seq ELSE p.mod_seq END AS mod_seq
        FROM virtual_placement v CROSS JOIN placement p
        WHERE v.owner_id = :owner AND v.virtual_id = :virtual AND v.{these}
            AND p.owner_id = v.owner_id AND p.mailbox_id = v.mailbox_id AND p.uid = v.real_uid
        ORDER BY v.uid
    ) AS ordered
""")
_PLACES = chosen("""
    SELECT uid, mailbox_id, real_uid, mod_seq FROM virtual_placement
    WHERE owner_id = :owner AND virtual_id = :virtual AND {these} ORDER BY uid
""")
_CHANGES = Sql("""
    SELECT kind, uids FROM change
    WHERE owner_id = :owner AND mod_seq > :since AND mailbox_id = :virtual ORDER BY mod_seq
""")
_COUNTS = Sql("""
    SELECT coalesce(sum(CASE WHEN p.flags & 1 = 0 THEN 1 ELSE 0 END), 0),
        coalesce(sum(CASE WHEN p.flags & 8 <> 0 THEN 1 ELSE 0 END), 0)
    FROM virtual_placement v CROSS JOIN placement p
    WHERE v.owner_id = :owner AND v.virtual_id = :virtual
        AND p.owner_id = v.owner_id AND p.mailbox_id = v.mailbox_id AND p.uid = v.real_uid
""")


@dataclass(slots=True)
class _Group:
    """Messages in one real mailbox: their UIDs there, and here."""

    mailbox: MailboxId
    uids: list[Uid]
    by_real: dict[int, Uid]

    def here(self, real: Sequence[Uid]) -> list[Uid]:
        return [self.by_real[uid] for uid in real]


def placements(owner: AccountId, virtual: MailboxId) -> Steps[tuple[Mailbox, Placements]]:
    found = yield from load(owner, virtual)
    rows = yield Run(*everything(_PLACEMENTS, {"owner": owner, "virtual": virtual}))
    return found.mailbox, reading.to_placements(rows)


def changes(owner: AccountId, virtual: MailboxId, since: ModSeq) -> Steps[MailboxChanges]:
    mailbox = (yield from load(owner, virtual)).mailbox
    nothing = reading.to_placements([])
    if mailbox.mod_seq <= since:
        return MailboxChanges(mailbox, array("I"), nothing, complete=True)
    if since < mailbox.oldest_known_mod_seq:
        return MailboxChanges(mailbox, array("I"), nothing, complete=False)
    params: Params = {"owner": owner, "virtual": virtual, "since": since}
    expunged, touched = reading.folded((yield Run(_CHANGES, params)))
    if touched is None:
        return MailboxChanges(mailbox, array("I"), nothing, complete=False)
    gone = array("I", sorted(expunged))
    if not touched:
        return MailboxChanges(mailbox, gone, nothing, complete=True)
    wanted = [Uid(uid) for uid in sorted(touched)]
    rows = yield Run(*choose(_PLACEMENTS, wanted, {"owner": owner, "virtual": virtual}))
    return MailboxChanges(mailbox, gone, reading.to_placements(rows), complete=True)


def counts(owner: AccountId, virtual: MailboxId) -> Steps[MailboxCounts]:
    rows = yield Run(_COUNTS, {"owner": owner, "virtual": virtual})
    return MailboxCounts(integer(rows[0][0]), integer(rows[0][1]))


def rows_of(
    owner: AccountId, virtual: MailboxId, uids: Sequence[Uid], columns: Sequence[Column]
) -> Steps[list[Row]]:
    found: list[Row] = []
    for group in (yield from _groups(owner, virtual, uids)):
        rows = yield from reading.rows_of(owner, group.mailbox, group.uids, columns)
        found += [(group.by_real[integer(row[0])], *row[1:]) for row in rows]
    return sorted(found, key=_uid)


def octets_of(
    owner: AccountId, virtual: MailboxId, uids: Sequence[Uid], columns: Sequence[Column]
) -> Steps[tuple[Sequence[Uid], list[bytes]]]:
    found: list[tuple[Uid, bytes]] = []
    for group in (yield from _groups(owner, virtual, uids)):
        real, octets = yield from reading.octets_of(owner, group.mailbox, group.uids, columns)
        parts = octets.split() if isinstance(octets, Joined) else octets
        found += zip(group.here(real), parts, strict=True)
    found.sort(key=_uid)
    return [uid for uid, _ in found], [octets for _, octets in found]


def store_flags(
    owner: AccountId,
    virtual: MailboxId,
    uids: Sequence[Uid],
    change: FlagChange,
    unchanged_since: ModSeq | None,
) -> Steps[Stored]:
    yield from lock(owner)
    mailbox = (yield from load(owner, virtual)).mailbox
    changed, modified, mod_seq = list[Uid](), list[Uid](), mailbox.mod_seq
    groups = yield from _groups(owner, virtual, uids, unchanged_since, modified)
    for group in groups:
        done = yield from flags.store_flags(
            owner, group.mailbox, group.uids, change, unchanged_since
        )
        changed += group.here(done.changed)
        modified += group.here(done.modified)
        mod_seq = max(mod_seq, done.mod_seq)
    return Stored(mod_seq, sorted(changed), sorted(modified))


def expunge(
    owner: AccountId, virtual: MailboxId, uids: Sequence[Uid] | None
) -> Steps[Sequence[Uid]]:
    yield from lock(owner)
    gone: list[Uid] = []
    for group in (yield from _groups(owner, virtual, uids)):
        gone += group.here((yield from moving.expunge(owner, group.mailbox, group.uids)))
    return sorted(gone)


def transfer(
    uids: Sequence[Uid], source: Side, target: Side, rights: Rights, *, keep: bool
) -> Steps[Copied]:
    """All of them, or none, from wherever they are."""
    for owner in sorted({source.owner, target.owner}):
        yield from lock(owner)
    wanted = yield from load_target(target.owner, target.mailbox)
    pairs: list[tuple[Uid, Uid]] = []
    is_plain = source.owner == target.owner and rights == ALL_RIGHTS and target.viewer is None
    for group in (yield from _groups(source.owner, source.mailbox, uids)):
        if is_plain:
            act = moving.copy if keep else moving.move
            done = yield from act(source.owner, group.uids, group.mailbox, target.mailbox)
        else:
            side = replace(source, mailbox=group.mailbox)
            done = yield from giving.transfer(group.uids, side, target, rights, keep=keep)
        pairs += zip(group.here(done.source), done.target, strict=True)
    pairs.sort()
    return Copied(wanted.uid_validity, [one for one, _ in pairs], [other for _, other in pairs])


def real(message: Replaced) -> Steps[Replaced]:
    """The message as it is called where it really is. Raises `NotFound`."""
    for group in (yield from _groups(message.account, message.mailbox_id, [message.uid])):
        return Replaced(message.account, group.mailbox, group.uids[0])
    raise NotFound("the message to be replaced is gone")


def _groups(
    owner: AccountId,
    virtual: MailboxId,
    uids: Sequence[Uid] | None,
    unchanged_since: ModSeq | None = None,
    modified: list[Uid] | None = None,
) -> Steps[list[_Group]]:
    """By mailbox. What came later than `unchanged_since` goes to `modified` (RFC 7162)."""
    if uids is not None and not uids:
        return []
    params: Params = {"owner": owner, "virtual": virtual}
    statement = everything(_PLACES, params) if uids is None else choose(_PLACES, uids, params)
    groups: dict[int, _Group] = {}
    for row in (yield Run(*statement)):
        uid, mailbox, real_uid, mod_seq = map(integer, row)
        if modified is not None and unchanged_since is not None and mod_seq > unchanged_since:
            modified.append(Uid(uid))
            continue
        group = groups.setdefault(mailbox, _Group(MailboxId(mailbox), [], {}))
        group.uids.append(Uid(real_uid))
        group.by_real[real_uid] = Uid(uid)
    for group in groups.values():
        group.uids.sort()
    return list(groups.values())


def _uid(row: Sequence[object]) -> int:
    return cast("int", row[0])  # rows begin with the UID
