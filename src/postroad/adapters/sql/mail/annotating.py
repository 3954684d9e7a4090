"""Annotations as rows (RFC 5464); which ones an operation changed is in its change row."""

import json
from collections.abc import Mapping, Sequence

from postroad.adapters.sql.mail.mailboxes import load, record
from postroad.adapters.sql.owners import lock, take
from postroad.adapters.sql.statement import Params, Run, Sql, Steps, integer, octets, text
from postroad.base.errors import TooMany
from postroad.base.phrases import phrase
from postroad.model.ids import AccountId, MailboxId, ModSeq
from postroad.model.metadata import AnnotationLimits, Subject, is_private

KIND = "metadata"
_SERVER = MailboxId(0)
_SHARED = AccountId(0)

_ENTRIES = Sql("""
    SELECT entry, value FROM metadata
    WHERE owner_id = :owner AND mailbox_id = :mailbox AND viewer_id = :viewer ORDER BY entry
""")
_USED = Sql("""
    SELECT CAST(coalesce(sum(length(entry) + length(value)), 0) AS BIGINT) FROM metadata
    WHERE owner_id = :owner AND viewer_id = :viewer
""")
_COUNT = Sql("""
    SELECT count(*) FROM metadata
    WHERE owner_id = :owner AND mailbox_id = :mailbox AND viewer_id = :viewer
""")
_SET = Sql("""
    INSERT INTO metadata (owner_id, mailbox_id, viewer_id, entry, value)
    VALUES (:owner, :mailbox, :viewer, :entry, :value)
    ON CONFLICT (owner_id, mailbox_id, viewer_id, entry) DO UPDATE SET value = excluded.value
""")
_REMOVE = Sql("""
    DELETE FROM metadata WHERE owner_id = :owner AND mailbox_id = :mailbox
        AND viewer_id = :viewer AND entry = :entry
""")
_TOUCH = Sql("""
    UPDATE mailbox SET mod_seq = :mod_seq WHERE owner_id = :owner AND mailbox_id = :mailbox
""")
_MARKS = Sql(
    "SELECT owner_id, mod_seq FROM owner WHERE owner_id IN (SELECT value FROM {each owners})"
)
_CHANGED = Sql("""
    SELECT mod_seq, mailbox_id, uids FROM change
    WHERE owner_id = :owner AND mod_seq > :since AND kind = 'metadata' ORDER BY mod_seq
""")
_COPY = Sql("""
    INSERT INTO metadata (owner_id, mailbox_id, viewer_id, entry, value)
    SELECT owner_id, CAST(:target AS BIGINT), viewer_id, entry, value FROM metadata
    WHERE owner_id = :owner AND mailbox_id = :source
    ON CONFLICT DO NOTHING
""")


def annotations(subject: Subject) -> Steps[dict[str, bytes]]:
    found: dict[str, bytes] = {}
    for private in (False, True):
        rows = yield Run(_ENTRIES, _where(subject, private=private))
        found |= {text(row[0]): octets(row[1]) for row in rows}
    return found


def annotate(
    subject: Subject, values: Mapping[str, bytes | None], limits: AnnotationLimits
) -> Steps[dict[AccountId, ModSeq]]:
    for owner in subject.owners:
        yield from lock(owner)
    if subject.mailbox is not None:
        yield from load(subject.owner, subject.mailbox)
    before = yield from annotations(subject)
    changed = {name: value for name, value in values.items() if before.get(name) != value}
    for private in (False, True):
        of_scope = {n: value for n, value in changed.items() if is_private(n) == private}
        if of_scope:
            yield from _change(_where(subject, private=private), of_scope, limits)
    marks: dict[AccountId, ModSeq] = {}
    for owner in subject.owners:
        names = [name for name in changed if subject.owner_of(name) == owner]
        if names:
            marks[owner], _ = yield from take(owner)
            yield from _record(subject, owner, marks[owner], names)
    return marks


def _change(
    where: Params, values: Mapping[str, bytes | None], limits: AnnotationLimits
) -> Steps[None]:
    """Raises `TooMany` where it grows beyond the limits; shrinking is always possible."""
    used = integer((yield Run(_USED, where))[0][0])
    count = integer((yield Run(_COUNT, where))[0][0])
    for name, value in values.items():
        about = {**where, "entry": name}
        yield Run(_REMOVE, about) if value is None else Run(_SET, {**about, "value": value})
    count_now = integer((yield Run(_COUNT, where))[0][0])
    if count_now > max(count, limits.entries):
        raise TooMany(phrase("there are at most {most} annotations", most=limits.entries))
    if integer((yield Run(_USED, where))[0][0]) > max(used, limits.octets):
        raise TooMany(
            phrase("the annotations of an account have at most {most} octets", most=limits.octets)
        )


def _record(
    subject: Subject, owner: AccountId, mod_seq: ModSeq, names: Sequence[str]
) -> Steps[None]:
    """The change row holds pairs: whose annotation it is (0: shared), and its name."""
    mailbox = _SERVER if subject.mailbox is None else subject.mailbox
    told = [[subject.viewer if is_private(name) else _SHARED, name] for name in names]
    yield from record(owner, mod_seq, mailbox, KIND, json.dumps(told))
    yield Run(_TOUCH, {"owner": owner, "mailbox": mailbox, "mod_seq": mod_seq})


def marks(owners: Sequence[AccountId]) -> Steps[dict[AccountId, ModSeq]]:
    rows = yield Run(_MARKS, {"owners": list(owners)})
    return {AccountId(integer(row[0])): ModSeq(integer(row[1])) for row in rows}


def annotated(
    owner: AccountId, viewer: AccountId, since: ModSeq
) -> Steps[list[tuple[ModSeq, MailboxId | None, str]]]:
    rows = yield Run(_CHANGED, {"owner": owner, "since": since})
    return [
        (ModSeq(integer(row[0])), MailboxId(integer(row[1])) or None, name)
        for row in rows
        for whose, name in json.loads(text(row[2]))
        if whose in (_SHARED, viewer)
    ]


def copy(owner: AccountId, source: MailboxId, target: MailboxId) -> Steps[None]:
    """INBOX keeps them when it is renamed (RFC 5464 section 4.1)."""
    yield Run(_COPY, {"owner": owner, "source": source, "target": target})


def _where(subject: Subject, *, private: bool) -> Params:
    if subject.mailbox is None:
        owner = subject.viewer if private else subject.owner
    else:
        owner = subject.owner
    return {
        "owner": owner,
        "mailbox": _SERVER if subject.mailbox is None else subject.mailbox,
        "viewer": subject.viewer if private else _SHARED,
    }
