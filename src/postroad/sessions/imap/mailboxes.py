"""How the mailboxes of an account are listed and summed up."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from postroad.core.mailbox.service import DELIMITER, INBOX
from postroad.model.ids import MailboxName
from postroad.model.mailbox import Column
from postroad.model.sharing import Place, Rights
from postroad.sessions.imap.feature import Context
from postroad.sessions.imap.view import Selected
from postroad.wire.imap.list import List, ListReturn, Selection
from postroad.wire.imap.mailbox_responses import ListEntry
from postroad.wire.imap.pattern import MailboxPattern, matches_inbox
from postroad.wire.imap.status import StatusItem

_ROWS = 1000
_ALL_ATTRIBUTES = List("", (), returns=ListReturn.SUBSCRIBED | ListReturn.CHILDREN)
_COUNTED = frozenset((StatusItem.UNSEEN, StatusItem.DELETED))


def mailbox_object_id(place: Place) -> str:
    """MAILBOXID (RFC 8474 section 4)."""
    return f"F{place.id_prefix}{place.mailbox.mailbox_id}"


def entry_of(place: Place, *, utf8: bool, old_name: str | None = None) -> ListEntry:
    """A LIST response about one mailbox, for SELECT and CREATE."""
    return ListEntry(place.name, _own_attributes(place), utf8, old_name=old_name)


async def status_of(
    context: Context, place: Place, items: Sequence[StatusItem]
) -> Mapping[StatusItem, int | str | None]:
    """The items of STATUS, in the order asked for."""
    place = await context.mailboxes.current(place)
    mailbox = place.mailbox
    known: dict[StatusItem, int | str | None] = {
        StatusItem.MESSAGES: mailbox.messages,
        StatusItem.UIDNEXT: mailbox.uid_next,
        StatusItem.UIDVALIDITY: mailbox.uid_validity,
        StatusItem.SIZE: mailbox.octets,
        StatusItem.HIGHESTMODSEQ: max(mailbox.mod_seq, 1),
        StatusItem.APPENDLIMIT: context.settings.max_append_octets,
        StatusItem.MAILBOXID: mailbox_object_id(place),
    }
    if not _COUNTED.isdisjoint(items):
        counts = await context.mailboxes.counts(place)
        known[StatusItem.UNSEEN] = counts.unseen
        known[StatusItem.DELETED] = counts.deleted
    if StatusItem.RECENT in items:
        known[StatusItem.RECENT] = await _recent(context, place)
    if StatusItem.DELETED_STORAGE in items:
        known[StatusItem.DELETED_STORAGE] = await _deleted_octets(context, place)
    return {item: known[item] for item in items}


async def _recent(context: Context, place: Place) -> int:
    """The messages that no session was told of (RFC 3501 section 6.3.10)."""
    mailbox = place.mailbox
    if mailbox.first_recent >= mailbox.uid_next:
        return 0
    snapshot = await context.mailboxes.snapshot(place)
    return len(snapshot.uids) - bisect_left(snapshot.uids, mailbox.first_recent)


async def _deleted_octets(context: Context, place: Place) -> int:
    """The sizes of what is marked \\Deleted, together."""
    snapshot = await context.mailboxes.snapshot(place)
    view = Selected(context.mailboxes, place, snapshot, read_only=True)
    uids = view.deleted()
    octets = 0
    for start in range(0, len(uids), _ROWS):
        some = uids[start : start + _ROWS]
        rows = await context.mailboxes.rows(view.account, view.mailbox_id, some, [Column.SIZE])
        octets += sum(cast("int", row[1]) for row in rows)  # see Column
    return octets


def _own_attributes(place: Place) -> tuple[str, ...]:
    attributes = [] if place.mailbox.selectable else ["\\Noselect"]
    if place.special_use is not None:
        attributes.append(place.special_use.value)
    return tuple(attributes)


class Tree:
    """All names of an account: mailboxes, what lies above them, and subscriptions."""

    def __init__(self, places: Sequence[Place], subscriptions: frozenset[MailboxName]) -> None:
        self._places: dict[str, Place] = {place.name: place for place in places}
        self._subscriptions: frozenset[str] = frozenset(subscriptions)
        self._parents = _ancestors(self._places)
        self._subscribed_below = _ancestors(self._subscriptions)
        self._special_below = _ancestors(
            {place.name: place for place in places if place.special_use}
        )

    def attributes(self, name: str) -> tuple[str, ...]:
        """All of a name, as they are now; also of one that is no mailbox."""
        return self._attributes(name, _ALL_ATTRIBUTES)

    def readable(self, name: str) -> Place | None:
        """The mailbox of that name, if it can be selected."""
        place = self._places.get(name)
        if place is None or not place.mailbox.selectable or Rights.READ not in place.rights:
            return None
        return place

    def chosen(self, name: str, command: List) -> Place | None:
        """The mailbox of that name, if it is not only told for the sake of what is below."""
        return self._places.get(name) if self._is_chosen(name, command.selection) else None

    def listed(self, command: List, *, utf8: bool) -> Iterator[ListEntry]:
        """The answers to LIST, by name, INBOX first."""
        matches = _Matcher(command)
        names = self._places.keys() | self._parents
        if command.selection & Selection.SUBSCRIBED:
            names = names | self._subscriptions | self._subscribed_below
        listed = [name for name in sorted(names, key=_order) if matches(name)]
        shown = _ancestors(
            frozenset(name for name in listed if self._is_chosen(name, command.selection))
        )
        for name in listed:
            if not command.selection and name in shown and name not in self._places:
                continue  # what is no mailbox is told where nothing that is told lies below it
            chosen = self._is_chosen(name, command.selection)
            below = self._child_info(name, command.selection)
            # RFC 5258 section 3.5: not a name only because of one below that is told, too.
            if chosen or (below and name not in shown):
                attributes = self._attributes(name, command)
                yield ListEntry(name, attributes, utf8, child_info=below)

    def subscribed(self, command: List) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The answers to LSUB: with ``%``, \\Noselect stands for subscribed children."""
        matches = _Matcher(command)
        names = self._subscriptions
        if command.patterns[0].endswith("%"):
            names = names | self._subscribed_below
        for name in sorted(names, key=_order):
            if matches(name):
                yield name, () if name in self._subscriptions else ("\\Noselect",)

    def _is_chosen(self, name: str, selection: Selection) -> bool:
        if selection & Selection.SUBSCRIBED and name not in self._subscriptions:
            return False
        if selection & Selection.SPECIAL_USE:
            place = self._places.get(name)
            return place is not None and place.special_use is not None
        # Without SUBSCRIBED the names above mailboxes are told only where they are needed.
        return True

    def _child_info(self, name: str, selection: Selection) -> tuple[str, ...]:
        """CHILDINFO (RFC 5258 section 3.5): which criteria something below meets."""
        if not selection & Selection.RECURSIVEMATCH:
            return ()
        met = []
        if selection & Selection.SUBSCRIBED and name in self._subscribed_below:
            met.append("SUBSCRIBED")
        if selection & Selection.SPECIAL_USE and name in self._special_below:
            met.append("SPECIAL-USE")
        return tuple(met)

    def _attributes(self, name: str, command: List) -> tuple[str, ...]:
        place = self._places.get(name)
        attributes = ["\\NonExistent"] if place is None else list(_own_attributes(place))
        if place is not None or name in self._parents:
            has_children = name in self._parents
            attributes.append("\\HasChildren" if has_children else "\\HasNoChildren")
        told = command.returns & ListReturn.SUBSCRIBED or command.selection & Selection.SUBSCRIBED
        if told and name in self._subscriptions:
            attributes.append("\\Subscribed")
        return tuple(attributes)


class _Matcher:
    """The patterns of a command, joined with its reference (RFC 9051 section 6.3.9)."""

    def __init__(self, command: List) -> None:
        self._texts = [command.reference + pattern for pattern in command.patterns if pattern]
        self._patterns = [MailboxPattern(text, DELIMITER) for text in self._texts]

    def __call__(self, name: str) -> bool:
        if name == INBOX and any(matches_inbox(text, DELIMITER) for text in self._texts):
            return True
        return any(pattern.matches(name) for pattern in self._patterns)


def _ancestors(names: Mapping[str, object] | frozenset[str]) -> frozenset[str]:
    found = set()
    for name in names:
        while DELIMITER in name:
            name = name.rpartition(DELIMITER)[0]
            if name in found:
                break
            found.add(name)
    return frozenset(found)


def _order(name: str) -> tuple[bool, str]:
    return name != INBOX, name
