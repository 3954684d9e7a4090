"""Where emails are placed, and putting them elsewhere, seen from the emails."""

from collections.abc import Sequence

from postroad.adapters.sql.mail import moving
from postroad.adapters.sql.mail.mailboxes import load_target
from postroad.adapters.sql.owners import lock
from postroad.adapters.sql.statement import Run, Sql, Steps, integer
from postroad.model.ids import AccountId, EmailId, MailboxId, Uid
from postroad.model.labels import Held, LabelChange, plan
from postroad.model.mailbox import Flags

_HELD = Sql("""
    SELECT email_id, mailbox_id, uid, flags FROM placement
    WHERE owner_id = :owner AND email_id IN (SELECT value FROM {each emails})
    ORDER BY email_id, mailbox_id, uid
""")


def held(owner: AccountId, emails: Sequence[EmailId]) -> Steps[list[Held]]:
    rows = yield Run(_HELD, {"owner": owner, "emails": emails})
    return [
        Held(
            EmailId(integer(row[0])),
            MailboxId(integer(row[1])),
            Uid(integer(row[2])),
            Flags(integer(row[3])),
        )
        for row in rows
    ]


def relabel(
    owner: AccountId, emails: Sequence[EmailId], change: LabelChange
) -> Steps[list[tuple[MailboxId, Sequence[Uid]]]]:
    yield from lock(owner)
    for mailbox in change.add:
        yield from load_target(owner, mailbox)
    found = plan((yield from held(owner, emails)), change)
    placed: list[tuple[MailboxId, Sequence[Uid]]] = []
    for (source, target), uids in found.copies.items():
        copied = yield from moving.copy(owner, sorted(uids), source, target)
        placed.append((target, copied.target))
    for (source, target), uids in found.moves.items():
        moved = yield from moving.move(owner, sorted(uids), source, target)
        placed.append((target, moved.target))
    for mailbox, uids in found.removals.items():
        yield from moving.discard(owner, mailbox, sorted(uids))
    return placed
