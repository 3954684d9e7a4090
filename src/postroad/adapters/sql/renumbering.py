"""A database that came back from a backup: no number that was given out since comes again.

Counters go on at the moment of the restore, counted in microseconds (seconds for UIDVALIDITY):
nobody takes a million numbers in a second, so all that was given out is below it
(see docs/decisions).
"""

from dataclasses import dataclass

from postroad.adapters.sql.queue.operating import hold
from postroad.adapters.sql.statement import Params, Run, Sql, Steps
from postroad.base.moments import Moment
from postroad.model.events import EventKind, NewEvent
from postroad.model.ids import TraceId
from postroad.model.queue import QueueFilter

_ACCOUNTS = 1_000_000  # more than anybody makes between two backups

_VALIDITIES = Sql("""
    UPDATE mailbox SET uid_validity = fresh.uid_validity
    FROM (
        SELECT m.owner_id, m.mailbox_id,
            CASE WHEN o.last_uid_validity >= :seconds THEN o.last_uid_validity ELSE :seconds END
            + row_number() OVER (PARTITION BY m.owner_id ORDER BY m.mailbox_id) AS uid_validity
        FROM mailbox m JOIN owner o ON o.owner_id = m.owner_id
    ) AS fresh
    WHERE mailbox.owner_id = fresh.owner_id AND mailbox.mailbox_id = fresh.mailbox_id
    RETURNING 1
""")
_OWNERS = Sql("""
    UPDATE owner SET
        mod_seq = CASE WHEN mod_seq >= :now THEN mod_seq + 1 ELSE :now END,
        next_id = CASE WHEN next_id >= :now THEN next_id ELSE :now END,
        last_uid_validity = coalesce(
            (SELECT max(m.uid_validity) FROM mailbox m WHERE m.owner_id = owner.owner_id),
            CASE WHEN last_uid_validity >= :seconds THEN last_uid_validity ELSE :seconds END
        )
""")
_MOD_SEQS = Sql("""
    UPDATE mailbox SET mod_seq = o.mod_seq, oldest_known_mod_seq = o.mod_seq
    FROM owner o WHERE o.owner_id = mailbox.owner_id
""")
# Virtual mailboxes are found anew under new UIDs, as when they were made.
_VIRTUAL = Sql("""
    UPDATE virtual_mailbox SET uid_validity = fresh.uid_validity, mod_seq = fresh.mod_seq,
        oldest_known_mod_seq = fresh.mod_seq, uid_next = 1, messages = 0, octets = 0, folded = 0,
        scope = '[]'
    FROM (
        SELECT v.owner_id, v.virtual_id, o.mod_seq,
            o.last_uid_validity
            + row_number() OVER (PARTITION BY v.owner_id ORDER BY v.virtual_id) AS uid_validity
        FROM virtual_mailbox v JOIN owner o ON o.owner_id = v.owner_id
    ) AS fresh
    WHERE virtual_mailbox.owner_id = fresh.owner_id
        AND virtual_mailbox.virtual_id = fresh.virtual_id
    RETURNING 1
""")
_VIRTUAL_PLACEMENTS = Sql("DELETE FROM virtual_placement")
_VIRTUAL_LAST = Sql("""
    UPDATE owner SET last_uid_validity = last_uid_validity + (
        SELECT count(*) FROM virtual_mailbox v WHERE v.owner_id = owner.owner_id
    )
""")
_CHANGES = Sql("DELETE FROM change")
_SEQUENCES = Sql("""
    UPDATE sequence SET next_value = next_value + :accounts WHERE name IN ('account', 'tenant')
""")
_LEASES = Sql("DELETE FROM lease")
_CLAIMED = Sql("""
    UPDATE recipient SET state = 'queued', lease_token = NULL WHERE state = 'sending'
""")


@dataclass(frozen=True, slots=True)
class Renumbered:
    mailboxes: int
    held: int
    """Recipients that wait for the operator, as they may have got their mail since."""


def renumber(now: Moment) -> Steps[Renumbered]:
    """To be run once, before anybody serves the database."""
    params: Params = {"now": now, "seconds": now // 1_000_000}
    rows = yield Run(_VALIDITIES, {"seconds": now // 1_000_000})
    yield Run(_OWNERS, params)
    yield Run(_MOD_SEQS, {})
    virtual = yield Run(_VIRTUAL, {})
    yield Run(_VIRTUAL_PLACEMENTS, {})
    yield Run(_VIRTUAL_LAST, {})
    yield Run(_CHANGES, {})
    yield Run(_SEQUENCES, {"accounts": _ACCOUNTS})
    yield Run(_LEASES, {})
    yield Run(_CLAIMED, {})
    event = NewEvent(TraceId(""), EventKind.HELD, now, None, {"by": "restore"})
    held = yield from hold(QueueFilter(), event)
    return Renumbered(len(rows) + len(virtual), held)
