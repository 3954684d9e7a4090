"""How responses are spelled."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.model.mailbox import Joined
from postroad.wire.imap import responses as r
from postroad.wire.imap.mailbox_responses import ListEntry, LsubEntry, MailboxStatus, Separator
from postroad.wire.imap.status import StatusItem


@pytest.mark.parametrize(
    ("response", "octets"),
    [
        (r.Status(r.Condition.OK, "done", tag=b"a1"), b"a1 OK done\r\n"),
        (r.Status(r.Condition.NO, "x\r\ny", b"ALERT"), b"* NO [ALERT] x y\r\n"),
        (r.Status(r.Condition.NO, ""), b"* NO .\r\n"),
        (r.Continue(), b"+ go on\r\n"),
        (r.Exists(3), b"* 3 EXISTS\r\n"),
        (r.Recent(0), b"* 0 RECENT\r\n"),
        (r.Expunged((3, 3)), b"* 3 EXPUNGE\r\n* 3 EXPUNGE\r\n"),
        (r.Vanished([(300, 310), (405, 405)], earlier=True),
         b"* VANISHED (EARLIER) 300:310,405\r\n"),
        (r.Flags(("\\Seen", "x")), b"* FLAGS (\\Seen x)\r\n"),
        (r.Enabled(()), b"* ENABLED\r\n"),
        (r.Id((("name", 'a"b'),)), b'* ID ("name" "a\\"b")\r\n'),
        (
        r.Namespace("Other Users/", "Shared/"),
        b'* NAMESPACE (("" "/")) (("Other Users/" "/")) (("Shared/" "/"))\r\n',
    ),
        (r.SearchHits((2, 5), 917162500), b"* SEARCH 2 5 (MODSEQ 917162500)\r\n"),
        (r.SearchHits(()), b"* SEARCH\r\n"),
        (r.ESearch(b"a", True, everything=[1, 2, 3, 7], count=4),
         b'* ESEARCH (TAG "a") UID COUNT 4 ALL 1:3,7\r\n'),
        (r.ESearch(b"a", False, everything=[]), b'* ESEARCH (TAG "a")\r\n'),
        (r.Fetched(array("I", [1, 2]), [r.Told(r.UID, array("I", [4, 9])),
                                        r.Told(r.PLAIN, [b"FLAGS ()", b"FLAGS (%d)"])]),
         b"* 1 FETCH (UID 4 FLAGS ())\r\n* 2 FETCH (UID 9 FLAGS (%d))\r\n"),
        (r.Fetched(array("I", [1, 2]), [r.ToldJoined(b"BODY ", Joined(b"(%d)\0", 2)),
                                        r.Told(r.UID, array("I", [4, 9]))], by_uid=True),
         b"* 1 UIDFETCH (BODY (%d) UID 4)\r\n* 2 UIDFETCH (BODY  UID 9)\r\n"),
        (ListEntry("Entwürfe", ("\\Drafts",), utf8=False),
         b'* LIST (\\Drafts) "/" Entw&APw-rfe\r\n'),
        (ListEntry("Entwürfe", (), utf8=True), '* LIST () "/" "Entwürfe"\r\n'.encode()),
        (ListEntry("a b", (), utf8=False, child_info=("SUBSCRIBED",), old_name="c"),
         b'* LIST () "/" "a b" ("CHILDINFO" ("SUBSCRIBED") "OLDNAME" (c))\r\n'),
        (LsubEntry("NIL", (), utf8=False), b'* LSUB () "/" "NIL"\r\n'),
        (Separator(), b'* LIST (\\Noselect) "/" ""\r\n'),
        (MailboxStatus("a", {StatusItem.MESSAGES: 2, StatusItem.MAILBOXID: "F1"}, utf8=False),
         b"* STATUS a (MESSAGES 2 MAILBOXID (F1))\r\n"),
    ],
)  # fmt: skip
def test_encode(response: r.Response, octets: bytes) -> None:
    assert response.encode() == octets


@pytest.mark.parametrize(
    ("moment", "octets"),
    [
        (837596665_000000, b'"17-Jul-1996 09:44:25 +0000"'),
        (0, b'" 1-Jan-1970 00:00:00 +0000"'),
        (-1, b'"31-Dec-1969 23:59:59 +0000"'),
        (10**18, b'"31-Dec-9999 01:46:40 +0000"'),
    ],
)
def test_date_time(moment: int, octets: bytes) -> None:
    assert r.date_time(moment) == octets


@pytest.mark.parametrize(
    ("octets", "spelled"),
    [(b"", b'""'), (b"a\r\n", b"{3}\r\na\r\n"), (b"\xc3\xbc", b"{2}\r\n\xc3\xbc"), (b"a", b'"a"')],
)
def test_string(octets: bytes, spelled: bytes) -> None:
    assert r.string(octets) == spelled


@given(st.lists(st.binary().map(lambda octets: octets.replace(b"\0", b"%")), min_size=1))
def test_joined_octets_are_told_like_others(values: list[bytes]) -> None:
    numbers = range(1, len(values) + 1)
    joined = Joined.of(b"\0".join(values), len(values))
    assert joined is not None
    assert joined.split() == values
    around = [r.Told(r.UID, numbers), r.Told(r.MODSEQ, numbers)]
    both = (r.ToldJoined(b"BODY ", joined), r.Told(b"BODY %b", values))
    one, other = (r.Fetched(numbers, [around[0], each, around[1]]).encode() for each in both)
    assert one == other


def test_octets_with_a_nul_are_not_joined() -> None:
    assert Joined.of(b"a\0b\0c", 2) is None
