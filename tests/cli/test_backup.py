"""`postroad backup`: everything is in it, and comes back."""

import asyncio
import shutil
import stat
from pathlib import Path

import apsw
import pytest

from cli.conftest import Command
from cli.test_queue import _submit


@pytest.fixture
def stored(command: Command) -> Command:
    """A message in the queue, and a backup of it."""
    asyncio.run(_submit("x@far.example"))
    made = command("backup", "create", "--to", "kept", "--json")
    assert made.code == 0, made.err
    assert made.json["messages"] == 1
    return command


def test_everything_comes_back(stored: Command) -> None:
    [one] = stored("backup", "list", "--to", "kept", "--json").json
    Path("again").mkdir()
    shutil.copy("data/master.key", "again")
    done = stored("backup", "restore", "--from", "kept", "--into", "again", "--json")
    assert done.code == 0, done.err
    assert done.json == {
        "backup": one["id"],
        "data_dir": "again",
        "accounts": 1,
        "mailboxes": 6,
        "messages": 1,
        "held": 1,
        "missing": 0,
    }
    assert stored("--data-dir", "again", "verify", "--json").json["ok"]
    old = stored("account", "list", "--json").json
    assert stored("--data-dir", "again", "account", "list", "--json").json == old
    [waiting] = stored("--data-dir", "again", "queue", "list", "--json").json
    assert [one["state"] for one in waiting["recipients"]] == ["held"]


def test_no_number_comes_back(stored: Command) -> None:
    shutil.copytree("data", "before")
    Path("again").mkdir()
    shutil.copy("data/master.key", "again")
    assert stored("backup", "restore", "--from", "kept", "--into", "again").code == 0
    before, after = _numbers("before/postroad.db"), _numbers("again/postroad.db")
    highest = max(validity for _, validity, _, _ in before)
    validities = [validity for _, validity, _, _ in after]
    assert min(validities) > highest
    assert len(set(validities)) == len(validities)
    assert [name for name, *_ in before] == [name for name, *_ in after]
    for one in after:
        assert one[2] == one[3] > 10**15, "changes from before it are not told"
    again = apsw.Connection("again/postroad.db")
    [(mod_seq, next_id, last)] = again.execute(
        "SELECT mod_seq, next_id, last_uid_validity FROM owner WHERE owner_id = 2"
    )
    assert int(str(mod_seq)) > 10**15
    assert int(str(next_id)) > 10**15
    assert last == max(validities)


def test_what_is_there_already_is_not_copied_again(stored: Command) -> None:
    second = stored("backup", "create", "--to", "kept", "--json").json
    first = stored("backup", "list", "--to", "kept", "--json").json[0]
    assert second["messages"] == 1
    assert (first["new_pieces"], second["new_pieces"]) == (4, 1), "only the database is another"
    assert len(stored("backup", "list", "--to", "kept", "--json").json) == 2


def test_a_folder_in_use_is_left_alone(stored: Command) -> None:
    refused = stored("backup", "restore", "--from", "kept")
    assert refused.code == 1
    assert "is there already" in refused.err
    Path("other").mkdir()
    Path("other/thesis.txt").write_text("years of work")
    assert stored("backup", "restore", "--from", "kept", "--into", "other").code == 1
    refused = stored("backup", "create", "--to", "other")
    assert "holds something else than backups" in refused.err
    assert [file.name for file in Path("other").iterdir()] == ["thesis.txt"]


def test_the_master_key_is_not_in_it_and_needed(stored: Command) -> None:
    key = bytes.fromhex(Path("data/master.key").read_text())
    kept = [file for file in Path("kept").rglob("*") if file.is_file()]
    for file in kept:
        octets = file.read_bytes()
        assert key not in octets
        assert key.hex().encode() not in octets
        assert b"alice@example.test" not in octets
    shutil.rmtree("data")
    refused = stored("backup", "restore", "--from", "kept")
    assert refused.code == 1
    assert "the master key that it was made with" in refused.err
    Path("data").mkdir()
    Path("data/master.key").write_text("ab" * 32)
    refused = stored("backup", "restore", "--from", "kept")
    assert refused.code == 1
    assert "another master key" in refused.err
    assert not Path("data/postroad.db").exists()
    Path("data/master.key").write_text(key.hex())
    assert stored("backup", "restore", "--from", "kept").code == 0
    assert stored("verify").code == 0


def test_nobody_else_may_read_it(stored: Command) -> None:
    for file in [Path("kept"), *Path("kept").rglob("*")]:
        mode = stat.S_IMODE(file.stat().st_mode)
        assert mode == (0o700 if file.is_dir() else 0o600), file


def test_there_is_nothing(command: Command) -> None:
    refused = command("backup", "list", "--to", "nowhere")
    assert refused.code == 1
    assert "there are no backups in" in refused.err
    assert not Path("nowhere").exists()
    refused = command("backup", "create", "--to", "data/kept")
    assert "lost together with it" in refused.err
    refused = command("backup", "create", "--to", "s3:bucket")
    assert "backups go to folders" in refused.err


def _numbers(path: str) -> list[tuple[str, int, int, int]]:
    query = """SELECT name, uid_validity, mod_seq, oldest_known_mod_seq FROM mailbox
        ORDER BY owner_id, mailbox_id"""
    return [
        (str(name), int(str(validity)), int(str(mod_seq)), int(str(oldest)))
        for name, validity, mod_seq, oldest in apsw.Connection(path).execute(query)
    ]
