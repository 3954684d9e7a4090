"""Mailboxes that a client watches without having them selected (RFC 5465).

The bus only wakes; what is told is the difference between two looks at all that the client may
see. So nothing is told twice, and nothing is lost with a call of the bus.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from postroad.core.mailbox.service import DELIMITER
from postroad.model.ids import AccountId, MailboxId, MailboxName
from postroad.model.sharing import Place, Rights
from postroad.sessions.imap.feature import Context
from postroad.sessions.imap.mailboxes import Tree, status_of
from postroad.sessions.imap.sources import means
from postroad.wire.imap.mailbox_responses import ListEntry, MailboxStatus
from postroad.wire.imap.notify import MESSAGE_EVENTS, Event, EventGroup
from postroad.wire.imap.responses import Response
from postroad.wire.imap.status import StatusItem

Key = tuple[AccountId, MailboxId]
_NO_ACCESS = "\\NoAccess"
_SUBSCRIBED = "\\Subscribed"


@dataclass(frozen=True, slots=True)
class _Seen:
    """A mailbox as the last look found it."""

    place: Place
    attributes: tuple[str, ...]

    @property
    def key(self) -> Key:
        return key_of(self.place)

    @property
    def is_readable(self) -> bool:
        return self.place.mailbox.selectable and Rights.READ in self.place.rights


@dataclass(frozen=True, slots=True)
class _Look:
    """All names at one moment."""

    boxes: Mapping[str, _Seen] = field(default_factory=dict)
    subscribed: frozenset[MailboxName] = frozenset()
    tree: Tree = field(default_factory=lambda: Tree((), frozenset()))

    @property
    def names(self) -> dict[Key, str]:
        return {seen.key: name for name, seen in self.boxes.items()}


class Watch:
    """The groups of one NOTIFY SET that are not about the selected mailbox."""

    def __init__(self, groups: Sequence[EventGroup]) -> None:
        self._groups = groups
        self._wanted = frozenset(event for group in groups for event in group.events)
        self._last = _Look()
        self.owners: frozenset[AccountId] = frozenset()
        """Whose changes the client waits for."""

    @property
    def wants_server_metadata(self) -> bool:
        return Event.SERVER_METADATA_CHANGE in self._wanted

    @property
    def wants_mailbox_metadata(self) -> bool:
        return Event.MAILBOX_METADATA_CHANGE in self._wanted

    def annotated_name(self, context: Context, key: Key) -> str | None:
        """The name of a mailbox whose annotations the client wants to hear of."""
        name = self._last.names.get(key)
        if name is None or not self._last.boxes[name].is_readable:
            return None
        wanted = self._events(context, name, self._last)
        return name if Event.MAILBOX_METADATA_CHANGE in wanted else None

    async def begin(self, context: Context) -> int:
        """The first look; returns how many mailboxes are watched."""
        self._last = await _look(context)
        watched = [name for name in self._last.boxes if self._events(context, name, self._last)]
        self._listen(context)
        return len(watched)

    async def first(self, context: Context) -> list[Response]:
        """Which mailboxes cannot be watched for lack of rights (RFC 5465 section 3.1)."""
        return [
            self._entry(context, name, self._last)
            for name, seen in self._last.boxes.items()
            if _NO_ACCESS in seen.attributes and self._events(context, name, self._last)
        ]

    async def status(self, context: Context) -> list[Response]:
        """What NOTIFY SET STATUS asks for."""
        found: list[Response] = []
        for name, seen in self._last.boxes.items():
            events = self._events(context, name, self._last) & MESSAGE_EVENTS
            if not events or not seen.is_readable or _is_selected(context, seen.place):
                continue
            items = [StatusItem.MESSAGES, StatusItem.UIDNEXT, StatusItem.UIDVALIDITY]
            if Event.FLAG_CHANGE in events:
                items.append(StatusItem.HIGHESTMODSEQ)
            found.append(await _status(context, seen.place, items))
        return found

    async def look(self, context: Context) -> list[Response]:
        """What changed since the last look."""
        before, self._last = self._last, await _look(context)
        self._listen(context)
        own = context.touched.copy()
        context.touched.clear()
        found: list[Response] = []
        for name in self._listed(context, before, self._last, own):
            found.append(self._entry(context, name, self._last, before))
        for name, seen in self._last.boxes.items():
            items = self._counted(context, name, before.boxes.get(name), seen)
            if items:
                found.append(await _status(context, seen.place, items))
        return found

    def _listen(self, context: Context) -> None:
        """One's own account, and the owners of other mailboxes that are watched."""
        self.owners = frozenset(
            {
                context.account,
                *(
                    seen.place.owner
                    for name, seen in self._last.boxes.items()
                    if seen.place.spot.is_foreign and self._events(context, name, self._last)
                ),
            }
        )

    def _events(self, context: Context, name: str, look: _Look) -> frozenset[Event]:
        found: frozenset[Event] = frozenset()
        for group in self._groups:
            if means(context, group.mailboxes, name, look.subscribed):
                found |= group.events
        return found

    # Names

    def _listed(self, context: Context, before: _Look, now: _Look, own: set[str]) -> Iterator[str]:
        """Names that changed, and of which the client wants to hear, in order."""
        names = _names_changed(before, now)
        subscriptions = before.subscribed ^ now.subscribed
        access = _access_changed(before, now)
        for name in sorted(names | subscriptions | access):
            if name in own:
                continue
            # A name that left a group by what happened to it is told of, too.
            wanted = self._events(context, name, now) | self._events(context, name, before)
            asked = name in names and Event.MAILBOX_NAME in wanted
            asked |= name in subscriptions and Event.SUBSCRIPTION_CHANGE in wanted
            if asked or (wanted and name in access):
                yield name

    def _entry(
        self, context: Context, name: str, now: _Look, before: _Look | None = None
    ) -> ListEntry:
        seen = now.boxes.get(name)
        old_name = None
        if before is not None and seen is not None and name not in before.boxes:
            old_name = before.names.get(seen.key)
        attributes = now.tree.attributes(name) if seen is None else seen.attributes
        return ListEntry(name, attributes, context.utf8, old_name=old_name)

    # Messages

    def _counted(
        self, context: Context, name: str, before: _Seen | None, now: _Seen
    ) -> list[StatusItem]:
        """What to say of messages in a mailbox that is not selected."""
        if before is None or before.place.mailbox == now.place.mailbox or not now.is_readable:
            return []
        if _is_selected(context, now.place):
            return []
        events = self._events(context, name, self._last)
        old, new = before.place.mailbox, now.place.mailbox
        items = []
        if old.uid_validity != new.uid_validity and events & MESSAGE_EVENTS:
            items.append(StatusItem.UIDVALIDITY)
        if (old.messages, old.uid_next) != (new.messages, new.uid_next):
            if Event.MESSAGE_NEW not in events:
                return []
            items += [StatusItem.UIDNEXT, StatusItem.MESSAGES]
        elif Event.FLAG_CHANGE in events and old.mod_seq != new.mod_seq:
            # UNSEEN stands for the change where the client knows no modification sequences.
            items = [StatusItem.UIDVALIDITY, StatusItem.UNSEEN]
        if items and context.condstore:
            items.append(StatusItem.HIGHESTMODSEQ)
        return items


def key_of(place: Place) -> Key:
    return place.owner, place.mailbox.mailbox_id


async def _look(context: Context) -> _Look:
    places = await context.reach.places(context.viewer)
    subscribed = await context.mailboxes.subscriptions(context.account)
    tree = Tree(places, subscribed)
    return _Look(
        {place.name: _Seen(place, _attributes(tree, place)) for place in places}, subscribed, tree
    )


def _attributes(tree: Tree, place: Place) -> tuple[str, ...]:
    lacks = place.mailbox.selectable and Rights.READ not in place.rights
    return tree.attributes(place.name) + ((_NO_ACCESS,) if lacks else ())


async def _status(context: Context, place: Place, items: Sequence[StatusItem]) -> MailboxStatus:
    return MailboxStatus(place.name, await status_of(context, place, items), context.utf8)


def _is_selected(context: Context, place: Place) -> bool:
    view = context.view
    return view is not None and (view.account, view.mailbox_id) == key_of(place)


def _names_changed(before: _Look, now: _Look) -> set[str]:
    """What was made, removed or renamed, and what lies right above (RFC 5465 section 5.4)."""
    old_names, new_names = before.names, now.names
    renamed = {
        old: new_names[key] for key, old in old_names.items() if new_names.get(key, old) != old
    }
    moved_along = {new for old, new in renamed.items() if _moves_with_parent(old, new, renamed)}
    sources, targets = renamed.keys(), set(renamed.values())
    changed = set(targets - moved_along)
    fresh = (now.boxes.keys() - before.boxes.keys()) - targets
    gone = (before.boxes.keys() - now.boxes.keys()) - sources
    for name in fresh | gone:
        changed.add(name)
        above = name.rpartition(DELIMITER)[0]
        if above in now.boxes:
            changed.add(above)
    for name in before.boxes.keys() & now.boxes.keys():
        if _lasting(before.boxes[name]) != _lasting(now.boxes[name]):
            changed.add(name)
    return changed


def _moves_with_parent(old: str, new: str, renamed: Mapping[str, str]) -> bool:
    above, _, last = old.rpartition(DELIMITER)
    return above in renamed and new == f"{renamed[above]}{DELIMITER}{last}"


def _lasting(seen: _Seen) -> set[str]:
    return set(seen.attributes) - {_SUBSCRIBED, _NO_ACCESS}


def _access_changed(before: _Look, now: _Look) -> set[str]:
    """Mailboxes that can be read now and could not before, or the other way (section 5.9)."""
    return {
        name
        for name, seen in now.boxes.items()
        if (old := before.boxes.get(name)) is not None
        and (_NO_ACCESS in old.attributes) != (_NO_ACCESS in seen.attributes)
    }
