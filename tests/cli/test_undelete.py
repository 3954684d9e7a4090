"""`postroad undelete`."""

import asyncio
from pathlib import Path

from cli.conftest import Command
from postroad.adapters.sql.directory.store import SqlDirectoryStore
from postroad.adapters.sql.sqlite.engine import SqliteEngine
from postroad.adapters.sql.store import SqlMailStore
from postroad.model.ids import MailboxName, Uid
from postroad.model.mailbox import FlagAction, FlagChange, Flags
from stores.making import arrival, email

ALICE = "alice@example.test"
DELETED = FlagChange(FlagAction.ADD, Flags.DELETED, frozenset())


async def _expunge_some(database: Path) -> None:
    """Three messages in INBOX and one in Sent, of which INBOX keeps its first."""
    engine = SqliteEngine(database)
    mail, directory = SqlMailStore(engine), SqlDirectoryStore(engine)
    account = await directory.find_account(ALICE)
    assert account is not None
    owner = account.account_id
    for name, count, gone in (("INBOX", 3, [2, 3]), ("Sent", 1, [1])):
        box = await mail.find_mailbox(owner, MailboxName(name))
        assert box is not None
        await mail.append(
            owner,
            box.mailbox_id,
            [
                arrival(email(subject=f"{name} {n}"), Flags.SEEN, frozenset({"$a"}))
                for n in range(1, count + 1)
            ],
        )
        uids = [Uid(uid) for uid in gone]
        await mail.store_flags(owner, box.mailbox_id, uids, DELETED)
        await mail.expunge(owner, box.mailbox_id, uids)
    await engine.close()


def _prepare(tmp_path: Path) -> None:
    database = tmp_path / "data" / "postroad.db"
    asyncio.run(_expunge_some(database))


def test_expunged_messages_come_back(command: Command, tmp_path: Path) -> None:
    assert "kept for 7 days" in command("undelete", "list", ALICE).out
    assert command("undelete", "list", ALICE, "--json").json == []
    _prepare(tmp_path)
    listed = command("undelete", "list", ALICE, "--json").json
    assert [(one["mailbox"], one["subject"]) for one in listed] == [
        ("Sent", "Sent 1"),
        ("INBOX", "INBOX 2"),
        ("INBOX", "INBOX 3"),
    ]
    assert listed[0]["flags"] == ["\\Seen", "\\Deleted"]
    assert listed[0]["keywords"] == ["$a"]
    assert "INBOX 3" in command("undelete", "list", ALICE, "--mailbox", "inbox").out
    assert "Sent" not in command("undelete", "list", ALICE, "--mailbox", "inbox").out
    first = listed[1]["id"]
    done = command("undelete", "restore", ALICE, first, "9.9")
    assert done.out == "1 restored to INBOX.\n9.9 is not kept any more.\n"
    again = command("undelete", "restore", ALICE, first)
    assert (again.code, "none of that is kept" in again.err) == (1, True)
    rest = command("undelete", "restore", ALICE, "--all-since", "1h", "--json").json
    assert [(one["mailbox"], one["uid"]) for one in rest] == [("INBOX", 5), ("Sent", 2)]
    assert command("undelete", "list", ALICE, "--json").json == []


def test_only_what_is_named_comes_back(command: Command, tmp_path: Path) -> None:
    _prepare(tmp_path)
    done = command("undelete", "restore", ALICE, "--all-since", "1h", "--mailbox", "Sent")
    assert done.out == "1 restored to Sent.\n"
    assert len(command("undelete", "list", ALICE, "--json").json) == 2


def test_wrong_usage_is_told(command: Command) -> None:
    for words in (
        [],
        ["1.1", "--all-since", "1h"],
        ["1.1", "--mailbox", "Sent"],
        ["1"],
        ["--all-since", "yesterday"],
    ):
        assert command("undelete", "restore", ALICE, *words).code == 2, words
    assert command("undelete", "list", "nobody@example.test").code == 1
