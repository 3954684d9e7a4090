"""STORE of X-GM-LABELS: labels added are copies, labels removed are placements removed."""

from collections.abc import Sequence

from postroad.base.errors import NoSuchTarget, NotPermitted
from postroad.base.phrases import phrase
from postroad.model.ids import EmailId, MailboxId, Uid
from postroad.model.labels import LabelChange
from postroad.model.mailbox import FlagAction, FlagChange, Flags
from postroad.sessions.imap.errors import ReadOnly
from postroad.sessions.imap.feature import Context, Done, Replies
from postroad.sessions.imap.labels import Labels, is_starred, labels_of, require_gmail
from postroad.sessions.imap.view import Selected
from postroad.wire.imap.responses import UID, Told
from postroad.wire.imap.store import Action, StoreLabels

_AT_ONCE = 1000


async def store_labels(context: Context, command: StoreLabels, *, by_uid: bool) -> Replies:
    view = context.selected
    require_gmail(context)
    if view.read_only:
        raise ReadOnly("the mailbox is selected read-only")
    if view.place.spot.is_foreign:
        raise NotPermitted("only the owner of a mailbox gives messages labels")
    await view.refresh()
    uids = view.named(command.messages, uid=by_uid)
    labels, emails = await Labels.read(context), _emails(view, uids)
    change = _change(labels, command)
    heard = context.begin(len(emails))
    places = {place.mailbox.mailbox_id: place for place in labels.places}
    await context.mailboxes.relabel(places, emails, change, heard)  # this may be refused
    await _star(context, view, labels, command, emails)
    await view.refresh()
    for told in view.new_flags():
        yield told
    if not command.silent:
        for batch in view.batches_of(uids):
            if not batch.numbers:
                continue
            placements = view.snapshot.placements
            said = await labels_of(context, view, batch.of(placements.email_ids))
            told_of = [] if context.uid_only or not by_uid else [Told(UID, batch.uids)]
            told_of.append(Told(b"X-GM-LABELS %b", said))
            yield batch.fetched(told_of, uid_only=context.uid_only)
    yield Done("Stored")


def _change(labels: Labels, command: StoreLabels) -> LabelChange:
    """Raises `NoSuchTarget`: a label is made with CREATE, as its mailbox."""
    named: set[MailboxId] = set()
    for label in command.labels:
        if is_starred(label):
            continue
        place = labels.find(label)
        if place is not None:
            named.add(place.mailbox.mailbox_id)
        elif command.action is not Action.REMOVE:
            raise NoSuchTarget(phrase("there is no label {label}", label=label))
    everything = frozenset(labels.by_mailbox)
    match command.action:
        case Action.ADD:
            return LabelChange(frozenset(named), frozenset())
        case Action.REMOVE:
            return LabelChange(frozenset(), frozenset(named), labels.rest)
        case Action.REPLACE:
            return LabelChange(frozenset(named), everything - named, labels.rest)


async def _star(
    context: Context, view: Selected, labels: Labels, command: StoreLabels, emails: list[EmailId]
) -> None:
    """\\Starred is a flag, that of the message wherever it is."""
    named = any(map(is_starred, command.labels))
    if not named and command.action is not Action.REPLACE:
        return
    adds = named and command.action is not Action.REMOVE
    action = FlagAction.ADD if adds else FlagAction.REMOVE
    change = FlagChange(action, Flags.FLAGGED, frozenset())
    places = {place.mailbox.mailbox_id: place for place in labels.places}
    uids: dict[MailboxId, list[Uid]] = {}
    for start in range(0, len(emails), _AT_ONCE):
        for one in await context.mailboxes.held(view.place, emails[start : start + _AT_ONCE]):
            uids.setdefault(one.mailbox, []).append(one.uid)
    for mailbox, some in uids.items():
        if mailbox in places:
            await context.mailboxes.store_flags(places[mailbox], sorted(some), change)


def _emails(view: Selected, uids: Sequence[Uid]) -> list[EmailId]:
    found = (view.snapshot.index(uid) for uid in uids)
    email_ids = view.snapshot.placements.email_ids
    return [EmailId(email_ids[place]) for place in found if place is not None]
