"""SELECT and EXAMINE (RFC 9051 sections 6.3.2 and 6.3.3, RFC 7162 section 3.2.5)."""

from collections.abc import Iterator
from functools import partial
from itertools import compress

from postroad.base.phrases import phrase
from postroad.core.mailbox.snapshot import Snapshot
from postroad.model.ids import MailboxName, ModSeq, Uid
from postroad.model.mailbox import Flags, MailboxChanges
from postroad.model.sharing import Place, Rights
from postroad.sessions.imap.feature import (
    AFTER_LOGIN,
    Context,
    Done,
    Extension,
    Feature,
    News,
    Replies,
    UidRequired,
    always,
)
from postroad.sessions.imap.mailboxes import entry_of, mailbox_object_id
from postroad.sessions.imap.view import Selected
from postroad.wire.errors import BadSyntax
from postroad.wire.imap import responses as r
from postroad.wire.imap.select import QResync, Select, parse_select
from postroad.wire.imap.sequence import SequenceSet, Span, absent, spans_of

_MAX_MATCHES = 10_000


async def handle(context: Context, command: Select, *, read_only: bool) -> Replies:
    if context.uid_only and command.qresync is not None and command.qresync.match is not None:
        raise UidRequired  # RFC 9586 section 3.7
    if context.view is not None:
        context.view = None  # a failed SELECT leaves no mailbox selected
        yield r.Status(r.Condition.OK, "Another mailbox is selected", b"CLOSED")
    if command.qresync is not None and not context.qresync:
        raise BadSyntax("ENABLE QRESYNC before QRESYNC", 0)  # RFC 7162 section 3.2.5
    if command.condstore:
        context.enable(Extension.CONDSTORE)
    name = MailboxName(command.mailbox)
    viewer = context.viewer
    place = await context.reach.find(viewer, name)
    snapshot = await context.mailboxes.snapshot(place, just_read=True)
    renewed = partial(context.reach.renewed, viewer)
    view = Selected(context.mailboxes, place, snapshot, read_only=read_only, renewed=renewed)
    context.view = view
    if not context.rev2:
        await view.look_for_recent()
    for response in _facts(context, view):
        yield response
    yield entry_of(place, utf8=context.utf8)
    if command.qresync is not None:
        async for reply in _resync(context, view, command.qresync):
            yield reply
    code = b"READ-ONLY" if read_only or not _can_write(place) else b"READ-WRITE"
    yield Done("Examined" if read_only else "Selected", code)


def _can_write(place: Place) -> bool:
    """RFC 4314 section 5.2: with a \\Seen of one's own, the right to it changes nothing."""
    shared = Rights.INSERT | Rights.EXPUNGE | Rights.WRITE | Rights.DELETE_MESSAGES
    if place.viewer is None:
        shared |= Rights.SEEN
    return bool(place.rights & shared)


def _facts(context: Context, view: Selected) -> Iterator[r.Response]:
    snapshot = view.snapshot
    mailbox = snapshot.mailbox
    yield r.Exists(len(snapshot))
    if not context.rev2:
        yield view.recent_count()
    yield from view.known_flags()
    for code, text in (
        (b"UIDVALIDITY %d" % mailbox.uid_validity, phrase("Validity of UIDs")),
        (b"UIDNEXT %d" % mailbox.uid_next, phrase("Next UID")),
        (b"HIGHESTMODSEQ %d" % max(mailbox.mod_seq, 1), phrase("Highest modification")),
        (b"URLMECH INTERNAL", phrase("Authorization of URLs")),
        (b"MAILBOXID (%b)" % mailbox_object_id(view.place).encode(), phrase("Id of the mailbox")),
    ):
        yield r.Status(r.Condition.OK, text, code)
    first = None if context.rev2 or context.uid_only else _first_unseen(snapshot)
    if first is not None:  # RFC 3501 section 6.3.1
        yield r.Status(r.Condition.OK, "First message not seen", b"UNSEEN %d" % first)


def _first_unseen(snapshot: Snapshot) -> int | None:
    placements = snapshot.placements
    unseen = {
        look for look, (system, _) in enumerate(placements.combinations) if not system & Flags.SEEN
    }
    if not unseen:
        return None
    looks = placements.looks
    return next((n for n, look in enumerate(looks, start=1) if look in unseen), None)


async def _resync(context: Context, view: Selected, known: QResync) -> Replies:
    """What happened since the client looked last: expunges first, then flags."""
    if known.uid_validity != view.uid_validity:
        return  # RFC 7162 section 3.2.5.1: the client starts anew
    wanted = known.known_uids or SequenceSet(((1, max(view.snapshot.mailbox.uid_next - 1, 1)),))
    changes = await context.mailboxes.changes(view.place, ModSeq(known.mod_seq))
    gone = _gone(view, known, wanted, changes)
    if gone:
        yield r.Vanished(gone, earlier=True)
    placements = changes.placed if changes.complete else view.snapshot.placements
    is_newer = ModSeq(known.mod_seq).__lt__
    changed: list[int] = []
    for start, stop in wanted.places(placements.uids):
        newer = map(is_newer, placements.mod_seqs[start:stop])
        changed += compress(placements.uids[start:stop], newer)
    for response in view.flags_of(changed, mod_seq=True, uid_only=context.uid_only):
        yield response


def _gone(
    view: Selected, known: QResync, wanted: SequenceSet, changes: MailboxChanges
) -> list[Span]:
    if changes.complete:
        expunged = changes.expunged
        places = wanted.places(expunged)
        return spans_of(
            [
                uid
                for start, stop in places
                for uid in expunged[start:stop]
                if view.snapshot.index(uid) is None
            ]
        )
    last = view.snapshot.mailbox.uid_next - 1
    first = _agreed(view.snapshot, known) + 1
    return absent(wanted, view.snapshot.uids, first, last)


def _agreed(snapshot: Snapshot, known: QResync) -> Uid:
    """The last UID up to which nothing can have vanished, by the message sequence match data.

    RFC 7162 section 3.2.5.2: where a number still belongs to its UID, nothing below is gone.
    """
    agreed = Uid(0)
    if known.match is None:
        return agreed
    numbers, uids = (_members(each) for each in known.match)
    for number, uid in zip(numbers, uids, strict=False):
        if number > len(snapshot) or snapshot.uids[number - 1] != uid:
            break
        agreed = Uid(uid)
    return agreed


def _members(numbers: SequenceSet) -> Iterator[int]:
    left = _MAX_MATCHES
    for low, high in numbers.ranges:
        yield from range(low, min(high, low + left) + 1)
        left -= high - low + 1
        if left <= 0:
            return


SELECT = Feature(
    b"SELECT",
    AFTER_LOGIN,
    parse_select,
    partial(handle, read_only=False),
    always(b"OBJECTID"),
    news=News.NONE,
)
EXAMINE = Feature(
    b"EXAMINE", AFTER_LOGIN, parse_select, partial(handle, read_only=True), news=News.NONE
)
