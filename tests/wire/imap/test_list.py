"""LIST, LSUB and STATUS commands."""

import pytest

from postroad.wire.errors import BadSyntax
from postroad.wire.imap.list import List, ListReturn, Selection, parse_list, parse_lsub
from postroad.wire.imap.status import StatusItem, StatusQuery, parse_status
from wire.imap.commands import cursor


@pytest.mark.parametrize(
    ("octets", "command"),
    [
        (b'"" ""', List("", ("",))),
        (b"ref a%", List("ref", ("a%",))),
        (
            b'(SUBSCRIBED) "" "*"',
            List("", ("*",), Selection.SUBSCRIBED, is_extended=True),
        ),
        (
            b'(SUBSCRIBED RECURSIVEMATCH) "" ("a" b*) RETURN (CHILDREN)',
            List(
                "",
                ("a", "b*"),
                Selection.SUBSCRIBED | Selection.RECURSIVEMATCH,
                ListReturn.CHILDREN,
                is_extended=True,
            ),
        ),
        (
            b'"" % RETURN (STATUS (MESSAGES UNSEEN) SPECIAL-USE)',
            List(
                "",
                ("%",),
                returns=ListReturn.SPECIAL_USE,
                status=(StatusItem.MESSAGES, StatusItem.UNSEEN),
                is_extended=True,
            ),
        ),
        (b'() "" % RETURN ()', List("", ("%",), is_extended=True)),
    ],
)
def test_read(octets: bytes, command: List) -> None:
    assert parse_list(cursor(b" " + octets)) == command


@pytest.mark.parametrize(
    "octets",
    [
        b'""',
        b'(FOO) "" *',
        b'(RECURSIVEMATCH) "" *',
        b'(REMOTE RECURSIVEMATCH) "" *',
        b'"" ()',
        b'"" * RETURN (FOO)',
        b'"" * RETURN (STATUS ())',
        b'"" * FOO',
    ],
)
def test_refused(octets: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_list(cursor(b" " + octets))


def test_lsub() -> None:
    assert parse_lsub(cursor(b' "" *')) == List("", ("*",), Selection.SUBSCRIBED)


def test_status() -> None:
    command = parse_status(cursor(b" inbox (uidnext MESSAGES uidnext)"))
    assert command == StatusQuery("INBOX", (StatusItem.UIDNEXT, StatusItem.MESSAGES))


@pytest.mark.parametrize("octets", [b" x", b" x ()", b" x (FOO)", b" x (MESSAGES"])
def test_status_refused(octets: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_status(cursor(octets))
