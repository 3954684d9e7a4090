"""SELECT and EXAMINE commands (examples of RFC 7162 section 3.2.5)."""

import pytest

from postroad.wire.errors import BadSyntax
from postroad.wire.imap.select import QResync, Select, parse_select
from postroad.wire.imap.sequence import SequenceSet
from wire.imap.commands import cursor

KNOWN = SequenceSet(((41, 211),))
MATCH = SequenceSet(((1, 1), (3, 3))), SequenceSet(((5, 5), (9, 9)))


@pytest.mark.parametrize(
    ("octets", "command"),
    [
        (b"inbox", Select("INBOX")),
        (b"a (CONDSTORE)", Select("a", condstore=True)),
        (b"a (QRESYNC (67890007 20050715194045000))",
         Select("a", qresync=QResync(67890007, 20050715194045000))),
        (b"a (QRESYNC (1 2 41:211))", Select("a", qresync=QResync(1, 2, KNOWN))),
        (b"a (QRESYNC (1 2 41:211 (1,3 5,9)))", Select("a", qresync=QResync(1, 2, KNOWN, MATCH))),
        (b"a (QRESYNC (1 2 (1,3 5,9)))", Select("a", qresync=QResync(1, 2, None, MATCH))),
    ],
)  # fmt: skip
def test_read(octets: bytes, command: Select) -> None:
    assert parse_select(cursor(b" " + octets)) == command


@pytest.mark.parametrize(
    "octets",
    [b"", b" a ()", b" a (FOO)", b" a (QRESYNC (1))", b" a (QRESYNC (1 2 1:*))",
     b" a (QRESYNC (0 2))", b" a (QRESYNC (1 2 3 4))"],
)  # fmt: skip
def test_refused(octets: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_select(cursor(octets))
