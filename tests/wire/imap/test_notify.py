"""NOTIFY on the wire (RFC 5465 section 8)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import WireError
from postroad.wire.imap.cursor import Cursor
from postroad.wire.imap.fetch import Item
from postroad.wire.imap.framing import RawCommand
from postroad.wire.imap.notify import (
    Event,
    EventGroup,
    MailboxFilter,
    Notify,
    Watched,
    parse_notify,
)
from wire.imap.commands import cursor

COUNTS = frozenset({Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE})


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (b" none", Notify(())),
        (
            b" set status (selected (messagenew (uid flags) MESSAGEEXPUNGE))",
            Notify(
                (EventGroup(MailboxFilter(Watched.SELECTED), COUNTS, (Item.UID, Item.FLAGS)),),
                status=True,
            ),
        ),
        (
            b" SET (subtree (a inbox) NONE) (mailboxes b (MailboxName))",
            Notify(
                (
                    EventGroup(MailboxFilter(Watched.SUBTREE, ("a", "INBOX")), frozenset()),
                    EventGroup(
                        MailboxFilter(Watched.MAILBOXES, ("b",)), frozenset({Event.MAILBOX_NAME})
                    ),
                )
            ),
        ),
        (
            b" SET (personal (x-event))",
            Notify((EventGroup(MailboxFilter(Watched.PERSONAL), frozenset(), knows_all=False),)),
        ),
    ],
)
def test_what_is_asked_for(text: bytes, want: Notify) -> None:
    assert parse_notify(cursor(text)) == want


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" SET",
        b" SET STATUS",
        b" NONE x",
        b" SET (selected)",
        b" SET (selected ())",
        b" SET (elsewhere NONE)",
        b" SET (personal MailboxName)",
        b" SET (subtree () NONE)",
        b" SET (personal (MessageExpunge))",
        b" SET (personal (AnnotationChange))",
        b" SET (selected (MailboxName))",
        b" SET (selected (ServerMetadataChange))",
        b" SET (inboxes (MessageNew (UID) MessageExpunge))",
        b" SET (selected NONE) (selected NONE)",
        b" SET" + b" (personal NONE)" * 51,
    ],
)
def test_what_is_refused(text: bytes) -> None:
    with pytest.raises(WireError):
        parse_notify(cursor(text))


WORDS = st.lists(
    st.sampled_from([b"SET", b"STATUS", b"(", b")", b"selected", b"subtree", b"INBOX", b" ",
                     b"MessageNew", b"MessageExpunge", b"UID", b"NONE", b"personal"])
).map(b"".join)  # fmt: skip


@given(st.one_of(st.binary(max_size=60).filter(lambda some: b"\r\n" not in some), WORDS))
def test_only_wire_errors(octets: bytes) -> None:
    for text in (octets, b" SET " + octets, b" SET (personal (" + octets):
        with contextlib.suppress(WireError):
            parse_notify(Cursor(RawCommand(text)))
