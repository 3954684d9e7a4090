"""Backups of a server that works on: what was acknowledged before is in it, and comes back.

Also beside several workers, and with `postroad backup` killed at random moments.
"""

import json
import os
import secrets
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from crash.imap import Imap
from crash.ledger import body_of, message_of, schedule
from support.server import ALICE, SOURCE, STORAGE, MakeServer, RunningServer, make_server

__all__ = ["make_server"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SEED = int(os.environ.get("TEST_CRASH_SEED") or secrets.randbelow(10**6))
_KILLS = 12
_IN_CONNECTION = 40  # messages: a connection may give only so many commands


class Sender:
    """Sends to ALICE over and over; `acknowledged` are the keys that got their 250."""

    def __init__(self, server: RunningServer, name: str) -> None:
        self.acknowledged: list[str] = []
        self.begun: list[str] = []
        self._server = server
        self._name = name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def __enter__(self) -> "Sender":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for_more(self, messages: int) -> None:
        """Until so many were acknowledged since the call."""
        wanted = len(self.acknowledged) + messages
        deadline = time.monotonic() + 30
        while len(self.acknowledged) < wanted:
            assert self._thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def _run(self) -> None:
        while not self._stop.is_set():
            with smtplib.SMTP("127.0.0.1", self._server.ports["smtp"], timeout=30) as smtp:
                for _ in range(_IN_CONNECTION):
                    if not self._stop.is_set():
                        self._send(smtp)

    def _send(self, smtp: smtplib.SMTP) -> None:
        key = f"{self._name}{len(self.begun)}"
        self.begun.append(key)
        author = "stranger@elsewhere.test"
        assert not smtp.sendmail(author, [ALICE], message_of(key, author))
        self.acknowledged.append(key)


@contextmanager
def _restored(
    server: RunningServer, kept: Path, backup_id: str, storage: str = STORAGE
) -> Iterator[RunningServer]:
    """A second server on what came back."""
    with tempfile.TemporaryDirectory(prefix="postroad-", ignore_cleanup_errors=True) as name:
        second = RunningServer(Path(name), {"auth.cleartext": "loopback"}, storage)
        second.data_dir.mkdir(mode=0o700)
        shutil.copy(server.data_dir / "master.key", second.data_dir)
        second.make_database()
        done = second.json("backup", "restore", backup_id, "--from", str(kept))
        assert isinstance(done, dict)
        assert done["missing"] == 0
        second.passwords = server.passwords
        second.start()
        try:
            yield second
        finally:
            second.close()


def _inbox(server: RunningServer) -> tuple[int, dict[str, bytes]]:
    """UIDVALIDITY, and what FETCH tells of each message by its key."""
    with Imap(server.ports["imap"], ALICE, server.passwords[ALICE]) as imap:
        validity = int(imap.command("EXAMINE INBOX").code(b"UIDVALIDITY")[0])
        keys = [one.key for one in imap.command("UID FETCH 1:* (UID FLAGS ENVELOPE)").messages()]
        bodies = imap.command("UID FETCH 1:* BODY.PEEK[TEXT]").untagged
    assert len(keys) == len(set(keys)) == len(bodies)
    return validity, dict(zip(keys, bodies, strict=True))


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_acknowledged_before_is_in_it(make_server: MakeServer, workers: int) -> None:
    server = make_server({"workers": workers, "auth.cleartext": "loopback"})
    kept = server.folder / "kept"
    made: list[tuple[str, set[str], set[str]]] = []
    with Sender(server, "ann") as ann, Sender(server, "ben") as ben:
        for _ in range(3):
            for sender in (ann, ben):
                sender.wait_for_more(5)
            before = {*ann.acknowledged, *ben.acknowledged}
            done = server.json("backup", "create", "--to", str(kept))
            assert isinstance(done, dict)
            assert done["unreadable"] == []
            made.append((done["id"], before, {*ann.begun, *ben.begun}))
    assert len(made[-1][1]) >= 30
    assert server.command("backup", "verify", str(kept)).code == 0
    validity, now = _inbox(server)
    for backup_id, before, begun in (made[0], made[-1]):
        with _restored(server, kept, backup_id) as second:
            again, found = _inbox(second)
            assert before <= found.keys() <= begun
            assert again > validity, "clients read it anew"
            for key, line in found.items():
                assert body_of(key) in line
        assert found.keys() <= now.keys()


@pytest.mark.skipif(STORAGE != "sqlite", reason="it names both databases itself")
def test_a_backup_of_one_database_is_restored_into_the_other(make_server: MakeServer) -> None:
    server = make_server({"auth.cleartext": "loopback"})
    kept, again = server.folder / "kept", server.folder / "again"
    with Sender(server, "ann") as ann:
        ann.wait_for_more(5)
    made = server.json("backup", "create", "--to", str(kept))
    assert isinstance(made, dict)
    there = _inbox(server)
    with _restored(server, kept, str(made["id"]), "postgres") as second:
        assert second.command("verify").code == 0
        made = second.json("backup", "create", "--to", str(again))
        assert isinstance(made, dict)
        assert _inbox(second)[1].keys() == there[1].keys()
        into = second.command("backup", "restore", "--from", str(again), "--into", "other")
        assert "accounts already" in into.err
        with _restored(second, again, str(made["id"]), "sqlite") as third:
            assert _inbox(third)[1] == there[1]


def test_killed_at_random(make_server: MakeServer) -> None:
    server = make_server({"auth.cleartext": "loopback"})
    kept, chance = server.folder / "kept", schedule(SEED, "backups")
    with Sender(server, "ann") as ann:
        first = server.json("backup", "create", "--to", str(kept))
        assert isinstance(first, dict)
        known = {first["id"]}
        for _ in range(_KILLS):
            words = ("create",) if chance.random() < 0.6 else ("prune", "--keep", "2")
            _kill(server, [*words, "--to", str(kept)], chance)
            listed = server.json("backup", "list", "--to", str(kept))
            assert isinstance(listed, list)
            ids = {one["id"] for one in listed}
            if words[0] == "create":
                assert known <= ids, f"seed {SEED}"
            assert sorted(known)[-1] in ids, f"seed {SEED}"
            known = ids
        before = set(ann.acknowledged)
        last = server.json("backup", "create", "--to", str(kept))
        assert isinstance(last, dict)
    server.json("backup", "prune", "--to", str(kept), "--keep", "2")
    checked = server.command("backup", "verify", str(kept), "--json")
    assert checked.code == 0, f"seed {SEED}: {checked.out}"
    assert len(json.loads(checked.out)["backups"]) == 2
    assert not list(server.data_dir.glob("backup-*")), "what was left behind is cleared"
    with _restored(server, kept, str(last["id"])) as second:
        assert before <= _inbox(second)[1].keys(), f"seed {SEED}"


def _kill(server: RunningServer, words: list[str], chance: Random) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "postroad", "backup", *words, "--config", str(server.config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        cwd=server.folder,
    )
    try:
        process.wait(chance.uniform(0.2, 2.0))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
