"""New emails: their rows, their threads, and their places in mailboxes."""

from collections.abc import Sequence

from postroad.adapters.sql.events import add_events
from postroad.adapters.sql.mail.mailboxes import (
    COLUMNS,
    create,
    load_target,
    now,
    record,
    set_subscribed,
    to_mailbox,
)
from postroad.adapters.sql.owners import exists, lock, refer, take
from postroad.adapters.sql.references import check_referable
from postroad.adapters.sql.statement import Params, Run, RunMany, Sql, Steps, integer, one
from postroad.base.errors import NoSuchTarget, NotFound, OverQuota
from postroad.model.events import NewEvent
from postroad.model.ids import AccountId, EmailId, MailboxId, ModSeq, ThreadId, Uid
from postroad.model.mailbox import (
    Appended,
    Delivered,
    DeliveryResult,
    Flags,
    LocalDelivery,
    Mailbox,
    NewEmail,
    Refusal,
)
from postroad.model.uidset import encode

Arrival = tuple[NewEmail, Flags, frozenset[str]]

_TARGET = Sql(f"""
    SELECT {COLUMNS}, EXISTS (
        SELECT 1 FROM email e WHERE e.owner_id = :owner AND e.delivery_id = :delivery
    ) FROM mailbox WHERE owner_id = :owner AND name = :name
""")  # noqa: S608
_DELIVERED = Sql("""
    SELECT e.email_id, p.uid FROM email e LEFT JOIN placement p
        ON p.owner_id = e.owner_id AND p.email_id = e.email_id
    WHERE e.owner_id = :owner AND e.delivery_id = :delivery LIMIT 1
""")
_EMAIL = Sql("""
    INSERT INTO email (owner_id, email_id, thread_id, blob_id, delivery_id, size, internal_date,
        sent_at, sent_on, prepared_version, envelope, body_structure, part_table, subject_base,
        sort_from, sort_to, sort_cc, preview, body, envelope_utf8, body_structure_utf8)
    VALUES (:owner, :email, :thread, :blob, :delivery, :size, :internal_date, :sent_at, :sent_on,
        :version, :envelope, :body_structure, :part_table, :subject_base, :sort_from, :sort_to,
        :sort_cc, :preview, :body, :envelope_utf8, :body_structure_utf8)
""")
_HEADER = Sql("""
    INSERT INTO email_header (owner_id, email_id, header_fields, origin)
    VALUES (:owner, :email, :header_fields, :origin)
""")
_PLACE = Sql("""
    INSERT INTO placement (owner_id, mailbox_id, uid, email_id, flags, keywords, mod_seq, saved_at)
    VALUES (:owner, :mailbox, :uid, :email, :flags, :keywords, :mod_seq, :now)
""")
_GROW = Sql("""
    UPDATE mailbox SET uid_next = uid_next + :messages, messages = messages + :messages,
        octets = octets + :octets, mod_seq = :mod_seq
    WHERE owner_id = :owner AND mailbox_id = :mailbox
    RETURNING uid_next - :messages, uid_validity
""")
_THREAD = Sql("""
    SELECT thread_key, thread_id FROM thread_key
    WHERE owner_id = :owner AND thread_key IN (SELECT value FROM {each keys})
""")
_THREAD_KEYS = Sql("""
    INSERT INTO thread_key (owner_id, thread_key, thread_id)
    VALUES (:owner, :key, :thread) ON CONFLICT DO NOTHING
""")


def append(
    owner: AccountId,
    mailbox: MailboxId,
    emails: Sequence[Arrival],
    events: Sequence[NewEvent] = (),
) -> Steps[Appended]:
    try:
        yield from lock(owner)
    except NotFound as error:
        raise NoSuchTarget(*error.args) from None
    target = yield from load_target(owner, mailbox)
    stored: list[tuple[EmailId, Uid] | None] = []
    for email in emails:
        stored.append((yield from _stored_before(owner, email[0].delivery_id)))
    fresh = [email for email, before in zip(emails, stored, strict=True) if before is None]
    if fresh:
        uids, ids = yield from place_new(owner, target, fresh)
        yield from add_events(owner, events)
        placed = zip(ids, uids, strict=True)
        stored = [next(placed) if before is None else before for before in stored]
    there = [before for before in stored if before is not None]
    return Appended(
        target.uid_validity, [uid for _, uid in there], [email_id for email_id, _ in there]
    )


def deliver(deliveries: Sequence[LocalDelivery]) -> Steps[list[DeliveryResult]]:
    """One transaction for all; each delivery is all or nothing in itself.

    The owners are locked in the order of their ids, so that two deliveries cannot block each
    other.
    """
    owners = sorted({delivery.account for delivery in deliveries})
    there = set()
    for owner in owners:
        if (yield from exists(owner)):
            there.add(owner)
    results: list[DeliveryResult] = []
    for delivery in deliveries:
        if delivery.account in there:
            results.append((yield from _deliver_one(delivery)))
        else:
            results.append(Refusal.NO_ACCOUNT)
    return results


def _deliver_one(delivery: LocalDelivery) -> Steps[DeliveryResult]:
    owner = delivery.account
    delivery_id = delivery.email.delivery_id
    target, is_there = yield from _find_target(owner, delivery.mailbox, delivery_id)
    if (target is None or not target.selectable) and delivery.makes:
        yield from create(owner, delivery.mailbox, None)
        yield from set_subscribed(owner, delivery.mailbox, subscribed=True)
        target, is_there = yield from _find_target(owner, delivery.mailbox, delivery_id)
    if target is None or not target.selectable:
        target, is_there = yield from _find_target(owner, "INBOX", delivery_id)
    if target is None:
        return Refusal.NO_ACCOUNT
    before = (yield from _stored_before(owner, delivery_id)) if is_there else None
    if before is not None:
        return Delivered(before[1], before[0], again=True)
    arrival = (delivery.email, delivery.flags, delivery.keywords)
    try:
        uids, ids = yield from place_new(owner, target, [arrival])
    except OverQuota:
        return Refusal.OVER_QUOTA  # nothing was written yet: the quota is taken first
    yield from add_events(owner, delivery.events)
    return Delivered(uids[0], ids[0], again=False)


def _find_target(
    owner: AccountId, name: str, delivery_id: str | None
) -> Steps[tuple[Mailbox | None, bool]]:
    """The mailbox of that name, and whether the delivery was carried out before."""
    params: Params = {"owner": owner, "name": name, "delivery": delivery_id}
    row = one((yield Run(_TARGET, params)))
    return (None, False) if row is None else (to_mailbox(row), bool(row[-1]))


def _stored_before(owner: AccountId, delivery_id: str | None) -> Steps[tuple[EmailId, Uid] | None]:
    if delivery_id is None:
        return None
    row = one((yield Run(_DELIVERED, {"owner": owner, "delivery": delivery_id})))
    if row is None:
        return None
    # The message may have been expunged since: it was delivered all the same.
    return EmailId(integer(row[0])), Uid(0 if row[1] is None else integer(row[1]))


def place_new(
    owner: AccountId, target: Mailbox, emails: Sequence[Arrival]
) -> Steps[tuple[list[Uid], list[EmailId]]]:
    """Rows of new emails and their placements. Raises `OverQuota` before it writes anything."""
    for email, _, _ in emails:
        yield from check_referable(owner, email.blob_id)
    octets = sum(email.size for email, _, _ in emails)
    mod_seq, first_id = yield from take(
        owner, ids=2 * len(emails), octets=octets, messages=len(emails)
    )
    first_uid = yield from grow(owner, target.mailbox_id, len(emails), octets, mod_seq)
    uids = [Uid(first_uid + n) for n in range(len(emails))]
    ids = [EmailId(first_id + 2 * n) for n in range(len(emails))]
    threads = yield from _threads(owner, emails, first_id + 1)
    new = [email for email, _, _ in emails]
    rows = list(zip(ids, threads, new, strict=True))
    for row in rows:
        yield Run(_EMAIL, _email_row(owner, *row))
        yield Run(_HEADER, _header_row(owner, row[0], row[2]))
    yield from refer(owner, [email.blob_id for email in new])
    moment = now()
    placements: list[Params] = [
        {
            "owner": owner,
            "mailbox": target.mailbox_id,
            "uid": uid,
            "email": email_id,
            "flags": int(flags),
            "keywords": " ".join(sorted(keywords)),
            "mod_seq": mod_seq,
            "now": moment,
        }
        for uid, email_id, (_, flags, keywords) in zip(uids, ids, emails, strict=True)
    ]
    yield RunMany(_PLACE, placements)
    yield from record(owner, mod_seq, target.mailbox_id, "placed", encode(uids))
    return uids, ids


def grow(
    owner: AccountId, mailbox: MailboxId, messages: int, octets: int, mod_seq: ModSeq
) -> Steps[int]:
    """Give out UIDs; the first of them. Raises `NoSuchTarget`."""
    params: Params = {
        "owner": owner,
        "mailbox": mailbox,
        "messages": messages,
        "octets": octets,
        "mod_seq": mod_seq,
    }
    row = one((yield Run(_GROW, params)))
    if row is None:
        raise NoSuchTarget("the mailbox is gone")
    return integer(row[0])


def _threads(owner: AccountId, emails: Sequence[Arrival], first: int) -> Steps[list[ThreadId]]:
    """Of each email the oldest thread that shares a key with it, or else a new one.

    The new ones have the numbers `first`, `first + 2` and so on. Fixed from then on.
    """
    keys_of = [email.prepared.thread_keys for email, _, _ in emails]
    wanted = list(dict.fromkeys(key for keys in keys_of for key in keys))
    known: dict[int, int] = {}
    if wanted:
        rows = yield Run(_THREAD, {"owner": owner, "keys": wanted})
        known = {integer(key): integer(thread) for key, thread in rows}
    old = frozenset(known)
    threads = []
    for n, keys in enumerate(keys_of):
        thread = min((known[key] for key in keys if key in known), default=first + 2 * n)
        known |= {key: thread for key in keys if key not in known}
        threads.append(ThreadId(thread))
    fresh: list[Params] = [
        {"owner": owner, "key": key, "thread": known[key]} for key in wanted if key not in old
    ]
    if fresh:
        yield RunMany(_THREAD_KEYS, fresh)
    return threads


def _email_row(owner: AccountId, email_id: EmailId, thread: ThreadId, email: NewEmail) -> Params:
    prepared = email.prepared
    return {
        "owner": owner,
        "email": email_id,
        "thread": thread,
        "blob": email.blob_id,
        "delivery": email.delivery_id,
        "size": email.size,
        "internal_date": email.internal_date,
        "sent_at": prepared.sent_at,
        "sent_on": prepared.sent_on,
        "version": prepared.version,
        "envelope": prepared.envelope,
        "body_structure": prepared.body_structure,
        "part_table": prepared.part_table,
        "subject_base": prepared.subject_base,
        "sort_from": prepared.sort_from,
        "sort_to": prepared.sort_to,
        "sort_cc": prepared.sort_cc,
        "preview": prepared.preview,
        "body": prepared.body,
        "envelope_utf8": prepared.envelope_utf8,
        "body_structure_utf8": prepared.body_structure_utf8,
    }


def _header_row(owner: AccountId, email_id: EmailId, email: NewEmail) -> Params:
    return {
        "owner": owner,
        "email": email_id,
        "header_fields": email.prepared.header_fields,
        "origin": email.prepared.origin,
    }
