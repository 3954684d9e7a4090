"""STORE commands."""

import pytest

from postroad.wire.errors import BadSyntax
from postroad.wire.imap.sequence import SequenceSet
from postroad.wire.imap.store import Action, Store, parse_store
from wire.imap.commands import cursor

SET = SequenceSet(((2, 4),))


@pytest.mark.parametrize(
    ("octets", "command"),
    [
        (b"+FLAGS (\\Deleted)", Store(SET, Action.ADD, ("\\Deleted",))),
        (b"-flags.silent \\seen $x", Store(SET, Action.REMOVE, ("\\Seen", "$x"), silent=True)),
        (b"FLAGS ()", Store(SET, Action.REPLACE, ())),
        (
            b"(UNCHANGEDSINCE 0) +FLAGS.SILENT (a a)",
            Store(SET, Action.ADD, ("a",), silent=True, unchanged_since=0),
        ),
    ],
)
def test_read(octets: bytes, command: Store) -> None:
    assert parse_store(cursor(b" 2:4 " + octets)) == command


@pytest.mark.parametrize(
    "octets", [b"FLAGS", b"FLAGS ", b"*FLAGS x", b"(FOO 1) FLAGS x", b"FLAGS (\\Recent)"]
)
def test_refused(octets: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_store(cursor(b" 2:4 " + octets))
