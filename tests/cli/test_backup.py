"""`postroad backup`: everything is in it, and comes back."""

import asyncio
import shutil
import stat
import sys
from pathlib import Path

import apsw
import pytest

from cli.conftest import Command
from cli.test_queue import _submit
from postroad.cli.progress import Progress


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
        "damaged": [],
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
    assert 1 <= second["new_pieces"] <= first["new_pieces"] - 3, "only the database is another"
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


def test_small_files_come_back_and_what_is_there_stays(command: Command) -> None:
    Path("data/tls").mkdir()
    Path("data/tls/self-signed.key").write_text("key of then")
    Path("data/tls/self-signed.pem").write_text("certificate of then")
    Path("data/postroad.yaml").write_text("hostname: then.example.test")
    assert command("backup", "create", "--to", "kept").code == 0
    Path("again").mkdir()
    shutil.copy("data/master.key", "again")
    Path("again/postroad.yaml").write_text("hostname: now.example.test")
    assert command("backup", "restore", "--from", "kept", "--into", "again").code == 0
    assert Path("again/tls/self-signed.key").read_text() == "key of then"
    assert stat.S_IMODE(Path("again/tls/self-signed.key").stat().st_mode) == 0o600
    assert Path("again/postroad.yaml").read_text() == "hostname: now.example.test"
    keys = (Path(name).read_text() for name in ("data/master.key", "again/master.key"))
    assert len(set(keys)) == 1


def test_no_file_leaves_the_folder(stored: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroad.app.backups.small_files", lambda _: {"../escaped": b"x"})
    assert stored("backup", "create", "--to", "kept").code == 0
    Path("again").mkdir()
    shutil.copy("data/master.key", "again")
    refused = stored("backup", "restore", "--from", "kept", "--into", "again")
    assert refused.code == 1
    assert "outside of the data folder" in refused.err
    assert not Path("escaped").exists()
    assert not Path("again/postroad.db").exists()


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


def test_verify_reads_and_restores(stored: Command) -> None:
    stored("backup", "create", "--to", "kept")
    found = stored("backup", "verify", "kept", "--json")
    assert found.code == 0, found.err
    listed = stored("backup", "list", "--to", "kept", "--json").json
    ids = [one["id"] for one in listed]
    assert found.json == {
        "ok": True,
        "backups": ids,
        "pieces": sum(one["new_pieces"] for one in listed),
        "restored": ids[-1],
        "faults": [],
    }
    first = stored("backup", "verify", "kept", ids[0])
    assert first.code == 0
    pieces = listed[0]["new_pieces"]
    told = f"All is whole: 1 backup of {pieces} pieces read, {ids[0]} restored for a try"
    assert told in first.out


@pytest.mark.parametrize("how", ["flipped", "cut", "gone", "empty", "swapped"])
def test_a_damaged_piece_is_named(stored: Command, how: str) -> None:
    [backup] = [one["id"] for one in stored("backup", "list", "--to", "kept", "--json").json]
    pieces = [file for file in Path("kept/pieces").rglob("*") if file.is_file()]
    assert len(pieces) >= 4, "of the database, a pack, a catalogue, files"
    for piece in [*pieces, Path("kept/backups") / backup]:
        octets = piece.read_bytes()
        _damage(piece, how, pieces[pieces[0] == piece])
        found = stored("backup", "verify", "kept", "--json")
        if how == "gone" and piece.parent.name == "backups":
            assert "there are no backups" in found.err
        else:
            assert found.code == 1
            assert any(
                piece.name in fault["what"] and backup in fault["place"]
                for fault in found.json["faults"]
            ), found.out
            assert not found.json["ok"]
        piece.write_bytes(octets)
    assert stored("backup", "verify", "kept").code == 0


def test_what_was_damaged_is_stored_again(stored: Command) -> None:
    for piece in Path("kept/pieces").rglob("*"):
        if piece.is_file():
            piece.unlink()
    assert stored("backup", "verify", "kept").code == 1
    assert stored("backup", "create", "--to", "kept").code == 0
    ids = [one["id"] for one in stored("backup", "list", "--to", "kept", "--json").json]
    assert stored("backup", "verify", "kept", ids[-1]).code == 0


def test_what_is_whole_is_restored_beside_what_is_damaged(stored: Command) -> None:
    asyncio.run(_submit("y@far.example"))
    before = set(Path("kept/pieces").rglob("*"))
    assert stored("backup", "create", "--to", "kept").code == 0
    new = [file for file in set(Path("kept/pieces").rglob("*")) - before if file.is_file()]
    folders = 0
    for number, piece in enumerate(new):
        folder = Path(f"again{number}")
        folder.mkdir()
        shutil.copy("data/master.key", folder)
        octets = piece.read_bytes()
        piece.write_bytes(octets[:-1])
        done = stored("backup", "restore", "--from", "kept", "--into", str(folder), "--json")
        piece.write_bytes(octets)
        assert done.code == 1
        assert piece.name in done.err
        if not done.out:
            assert not (folder / "postroad.db").exists(), "a part of the database"
            continue
        folders += 1
        assert done.json["missing"] + done.json["messages"] == 2
        assert done.json["missing"] >= 1
        assert len(stored("--data-dir", str(folder), "verify", "--json").json["faults"]) >= 1
    assert folders == 2, "the pack, and the catalogue"


def test_a_damaged_backup_hides_no_other(stored: Command) -> None:
    made = stored("backup", "create", "--to", "kept", "--json").json
    first = stored("backup", "list", "--to", "kept", "--json").json[0]["id"]
    (Path("kept/backups") / first).write_bytes(b"x")
    listed = stored("backup", "list", "--to", "kept", "--json")
    assert listed.code == 1
    assert [one["id"] for one in listed.json] == [made["id"]]
    assert f"DAMAGED piece {first}" in listed.err
    assert stored("backup", "prune", "--to", "kept", "--keep", "1").code == 0
    assert stored("backup", "list", "--to", "kept").code == 0
    assert stored("backup", "verify", "kept").code == 0


def test_nothing_goes_when_it_is_unknown_what_is_needed(stored: Command) -> None:
    made = stored("backup", "create", "--to", "kept", "--json").json
    (Path("kept/backups") / made["id"]).write_bytes(b"x")
    before = sorted(Path("kept").rglob("*"))
    refused = stored("backup", "prune", "--to", "kept", "--keep", "1")
    assert refused.code == 1
    assert made["id"] in refused.err
    assert sorted(Path("kept").rglob("*")) == before


def test_prune_keeps_what_others_need(stored: Command) -> None:
    for _ in range(2):
        asyncio.run(_submit("y@far.example"))
        assert stored("backup", "create", "--to", "kept").code == 0
    ids = [one["id"] for one in stored("backup", "list", "--to", "kept", "--json").json]
    assert stored("backup", "prune", "--to", "kept", "--older-than", "1h", "--json").json == {
        "removed": [],
        "kept": sorted(ids),
        "removed_pieces": 0,
        "freed_octets": 0,
    }
    done = stored("backup", "prune", "--to", "kept", "--keep", "1", "--json").json
    newest = sorted(ids)[-1]
    assert done["kept"] == [newest]
    assert done["removed_pieces"] >= 4, "of two databases, and two catalogues"
    assert stored("backup", "verify", "kept", "--json").json["backups"] == [newest]
    assert stored("backup", "verify", "kept").code == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "either --keep N or --older-than"),
        (("--keep", "1", "--older-than", "1h"), "either --keep N or --older-than"),
        (("--keep", "0"), "at least 1"),
        (("--older-than", "soon"), "is not a duration"),
    ],
)
def test_prune_wants_to_know_what(stored: Command, words: tuple[str, ...], why: str) -> None:
    refused = stored("backup", "prune", "--to", "kept", *words)
    assert refused.code == 2
    assert why in refused.err
    assert len(stored("backup", "list", "--to", "kept", "--json").json) == 1


def test_prune_makes_no_folder(command: Command) -> None:
    assert "there are no backups" in command("backup", "prune", "--to", "nil", "--keep", "1").err
    assert not Path("nil").exists()


def _damage(piece: Path, how: str, other: Path) -> None:
    octets = bytearray(piece.read_bytes())
    if how == "flipped":
        octets[-1] ^= 1
        piece.write_bytes(octets)
    elif how == "cut":
        piece.write_bytes(octets[:-7])
    elif how == "gone":
        piece.unlink()
    elif how == "empty":
        piece.write_bytes(b"")
    else:
        piece.write_bytes(other.read_bytes())


def test_progress_is_a_line_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = Progress(quiet=False)
    progress("messages", 1, 2)
    assert capsys.readouterr().err == "", "no terminal"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = Progress(quiet=False)
    for done in (1, 1, 2):
        progress("messages", done, 2)
    progress("pieces", 0, 0)
    progress.end()
    lines = ["", "messages 50 %", "messages 100 %", "pieces 100 %  ", " " * 12, ""]
    assert capsys.readouterr().err == "\r".join(lines)
    Progress(quiet=True)("messages", 1, 2)
    assert capsys.readouterr().err == ""
