"""Labels: the mailboxes that a message is in, seen from the message (X-GM-LABELS)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from postroad.base.errors import Invalid
from postroad.model.ids import EmailId, MailboxId, Uid
from postroad.model.mailbox import Flags


@dataclass(frozen=True, slots=True)
class Held:
    """One placement of an email."""

    email_id: EmailId
    mailbox: MailboxId
    uid: Uid
    flags: Flags


@dataclass(frozen=True, slots=True)
class LabelChange:
    """Where emails are to be put besides, and where to be taken out.

    What would be nowhere then goes to `rest`.
    """

    add: frozenset[MailboxId]
    remove: frozenset[MailboxId]
    rest: MailboxId | None = None


@dataclass(slots=True)
class Relabelling:
    """What has to be done, in this order; keys are source and target, or the mailbox."""

    copies: dict[tuple[MailboxId, MailboxId], list[Uid]] = field(default_factory=dict)
    moves: dict[tuple[MailboxId, MailboxId], list[Uid]] = field(default_factory=dict)
    removals: dict[MailboxId, list[Uid]] = field(default_factory=dict)


def plan(held: Sequence[Held], change: LabelChange) -> Relabelling:
    """Raises `Invalid` where a message would be nowhere."""
    by_email: dict[EmailId, dict[MailboxId, list[Uid]]] = {}
    for one in held:
        by_email.setdefault(one.email_id, {}).setdefault(one.mailbox, []).append(one.uid)
    done = Relabelling()
    for places in by_email.values():
        _plan_one(done, places, change)
    return done


def _plan_one(
    done: Relabelling, places: Mapping[MailboxId, Sequence[Uid]], change: LabelChange
) -> None:
    leaving = sorted(places.keys() & change.remove - change.add)
    coming = sorted(change.add - places.keys())
    if len(leaving) == len(places) and not coming:
        if change.rest is None or change.rest in leaving:
            raise Invalid("a message keeps its last label; to be rid of it, expunge it")
        coming = [change.rest]
    gone = {mailbox: list(places[mailbox]) for mailbox in leaving}
    if leaving and coming:  # needs no room that is not there already
        source, target = leaving[0], coming.pop()
        done.moves.setdefault((source, target), []).append(gone[source].pop(0))
    source = min(places)
    for target in coming:
        done.copies.setdefault((source, target), []).append(places[source][0])
    for mailbox, uids in gone.items():
        if uids:
            done.removals.setdefault(mailbox, []).extend(uids)
