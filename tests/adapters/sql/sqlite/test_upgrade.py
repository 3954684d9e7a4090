"""A database of the first version is taken over with all that is in it."""

from pathlib import Path

import apsw

from postroad.adapters.sql.migrations import JOURNAL, Dialect, migrations, render
from postroad.adapters.sql.sqlite.engine import SqliteEngine, migrate
from postroad.adapters.sql.store import SqlMailStore
from postroad.model.ids import AccountId, MailboxId, MailboxName, Uid
from postroad.model.mailbox import Column, FlagAction, FlagChange, Flags

ALICE, INBOX = AccountId(7), MailboxId(1)
_ROWS = [
    "INSERT INTO tenant VALUES (1, 'house', 6, 1)",
    "INSERT INTO account VALUES (7, 1, 'alice@example.test', '', 'member', 1, 1, 0, 1)",
    "INSERT INTO owner VALUES (7, 5, 10, 100, 20, 1000)",
    "INSERT INTO mailbox VALUES (7, 1, 'INBOX', NULL, 100, 3, 5, 1, 2, 20, 1)",
    "INSERT INTO email VALUES (7, 2, 3, x'aa', NULL, 10, 1, NULL, NULL, 1, x'2829', x'2829',"
    " x'90', '', '', '', '', '', x'2829', NULL, NULL)",
    "INSERT INTO placement VALUES (7, 1, 1, 2, 1, '', 4, 1), (7, 1, 2, 2, 0, 'kw', 5, 1)",
    "INSERT INTO blob_ref VALUES (7, x'aa', 1)",
]


def _first_version(path: Path) -> None:
    first = migrations()[0]
    assert first.number == 1
    connection = apsw.Connection(str(path))
    connection.execute(render(JOURNAL, Dialect.SQLITE))
    for statement in [*first.statements(Dialect.SQLITE), *_ROWS]:
        connection.execute(statement)
    journal = (first.number, first.name, first.checksum)
    connection.execute("INSERT INTO migration VALUES (?, ?, ?)", journal)
    connection.close()


async def test_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    _first_version(path)
    applied = migrate(path)
    assert [one.number for one in applied] == [one.number for one in migrations()[1:]]
    assert migrate(path) == []
    engine = SqliteEngine(path)
    try:
        store = SqlMailStore(engine)
        inbox = await store.find_mailbox(ALICE, MailboxName("INBOX"))
        assert inbox is not None
        assert (inbox.messages, inbox.octets, inbox.uid_next) == (2, 20, 3)
        assert inbox.first_recent == 3, "what was there is not new to anybody"
        rows = await store.rows(ALICE, INBOX, [Uid(1), Uid(2)], [Column.SIZE, Column.ENVELOPE])
        assert rows == [(1, 10, b"()"), (2, 10, b"()")]
        change = FlagChange(FlagAction.ADD, Flags.FLAGGED, frozenset())
        done = await store.store_flags(ALICE, INBOX, [Uid(1), Uid(2)], change)
        assert list(done.changed) == [1, 2]
        assert list(await store.expunge(ALICE, INBOX, None)) == []
    finally:
        await engine.close()
