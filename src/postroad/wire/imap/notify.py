"""NOTIFY as the client writes it (RFC 5465 section 8)."""

from dataclasses import dataclass
from enum import Enum

from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.fetch import FetchAtt, parse_attributes

_MAX_GROUPS = 50
_MAX_EVENTS = 50
_MAX_MAILBOXES = 1000


class Event(Enum):
    """What can be told (RFC 5465 section 5); AnnotationChange is not known here."""

    MESSAGE_NEW = "MessageNew"
    MESSAGE_EXPUNGE = "MessageExpunge"
    FLAG_CHANGE = "FlagChange"
    MAILBOX_NAME = "MailboxName"
    SUBSCRIPTION_CHANGE = "SubscriptionChange"
    MAILBOX_METADATA_CHANGE = "MailboxMetadataChange"
    SERVER_METADATA_CHANGE = "ServerMetadataChange"


MESSAGE_EVENTS = frozenset({Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE, Event.FLAG_CHANGE})
_ANNOTATION_CHANGE = b"ANNOTATIONCHANGE"  # of RFC 5257; the rules for it hold all the same


class Watched(Enum):
    """Which mailboxes are meant (RFC 5465 section 6)."""

    SELECTED = b"SELECTED"
    SELECTED_DELAYED = b"SELECTED-DELAYED"
    INBOXES = b"INBOXES"
    PERSONAL = b"PERSONAL"
    SUBSCRIBED = b"SUBSCRIBED"
    SUBTREE = b"SUBTREE"
    SUBTREE_ONE = b"SUBTREE-ONE"  # RFC 7377 section 4
    MAILBOXES = b"MAILBOXES"

    @property
    def is_selected(self) -> bool:
        return self in (Watched.SELECTED, Watched.SELECTED_DELAYED)


_NAMED = (Watched.SUBTREE, Watched.SUBTREE_ONE, Watched.MAILBOXES)
_EVENTS = {event.value.upper().encode(): event for event in Event}


@dataclass(frozen=True, slots=True)
class MailboxFilter:
    """``filter-mailboxes``."""

    watched: Watched
    names: tuple[str, ...] = ()  # of SUBTREE, SUBTREE-ONE and MAILBOXES


@dataclass(frozen=True, slots=True)
class EventGroup:
    mailboxes: MailboxFilter
    events: frozenset[Event]
    attributes: tuple[FetchAtt, ...] = ()  # to be fetched of new messages
    knows_all: bool = True  # False: an event was named that is not known here

    @property
    def is_selected(self) -> bool:
        return self.mailboxes.watched.is_selected


@dataclass(frozen=True, slots=True)
class Notify:
    """NOTIFY NONE has no groups."""

    groups: tuple[EventGroup, ...]
    status: bool = False


def parse_notify(cursor: Cursor) -> Notify:
    cursor.sp()
    if cursor.take(b"NONE"):
        cursor.end()
        return Notify(())
    cursor.expect(b"SET ")
    status = cursor.take(b"STATUS ")
    groups = [_group(cursor)]
    while not cursor.at_end():
        cursor.sp()
        groups.append(_group(cursor))
        if len(groups) > _MAX_GROUPS:
            raise cursor.wrong(f"at most {_MAX_GROUPS} groups of events")
    if sum(group.is_selected for group in groups) > 1:
        raise cursor.wrong("one of SELECTED and SELECTED-DELAYED")  # RFC 5465 section 6.1
    return Notify(tuple(groups), status)


def mailbox_filter(cursor: Cursor) -> MailboxFilter:
    """RFC 5465 section 8; also of ESEARCH."""
    try:
        watched = Watched(cursor.word())
    except ValueError:
        raise cursor.wrong("which mailboxes are meant") from None
    if watched not in _NAMED:
        return MailboxFilter(watched)
    cursor.sp()
    if cursor.sees(b"("):
        names = cursor.parenthesized(cursor.mailbox, limit=_MAX_MAILBOXES)
        return MailboxFilter(watched, tuple(names))
    return MailboxFilter(watched, (cursor.mailbox(),))


def _group(cursor: Cursor) -> EventGroup:
    cursor.expect(b"(")
    mailboxes = mailbox_filter(cursor)
    cursor.sp()
    events, attributes = _events(cursor)
    cursor.expect(b")")
    _check(cursor, mailboxes.watched, events, attributes)
    known = frozenset(_EVENTS[name] for name in events if name in _EVENTS)
    return EventGroup(mailboxes, known, attributes, len(known) == len(events))


def _events(cursor: Cursor) -> tuple[frozenset[bytes], tuple[FetchAtt, ...]]:
    attributes: tuple[FetchAtt, ...] = ()

    def event() -> bytes:
        nonlocal attributes
        name = cursor.word()
        if name == b"MESSAGENEW" and cursor.sees(b" ("):
            cursor.sp()
            attributes = parse_attributes(cursor)
        return name

    if not cursor.sees(b"("):
        cursor.expect(b"NONE")
        return frozenset(), ()
    return frozenset(cursor.parenthesized(event, limit=_MAX_EVENTS)), attributes


def _check(
    cursor: Cursor,
    watched: Watched,
    events: frozenset[bytes],
    attributes: tuple[FetchAtt, ...],
) -> None:
    """RFC 5465 sections 5, 6.1 and 8."""
    counts = events & {b"MESSAGENEW", b"MESSAGEEXPUNGE"}
    if len(counts) == 1:
        raise cursor.wrong("MessageNew and MessageExpunge together")
    if events & {b"FLAGCHANGE", _ANNOTATION_CHANGE} and not counts:
        raise cursor.wrong("MessageNew and MessageExpunge beside such an event")
    messages = {event.value.upper().encode() for event in MESSAGE_EVENTS}
    if watched.is_selected and events & (_EVENTS.keys() - messages):
        raise cursor.wrong("only events of messages for the selected mailbox")
    if attributes and not watched.is_selected:
        raise cursor.wrong("attributes of new messages for the selected mailbox only")
