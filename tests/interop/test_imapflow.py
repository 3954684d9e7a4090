"""imapflow, the IMAP library of Node programs: QRESYNC, CONDSTORE, IDLE, COMPRESS, OBJECTID."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from interop.npm import npm_package
from support.recorder import Recorder, recorder
from support.server import ALICE, MakeServer

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def library() -> Path:
    return npm_package("imapflow", "2.1.2")


@pytest.mark.parametrize("compresses", [True, False], ids=["COMPRESS", "plain"])
def test_a_day_with_it(make_server: MakeServer, library: Path, compresses: bool) -> None:
    server = make_server({"auth.cleartext": "loopback"})
    script = Path(__file__).with_name("imapflow.mjs")
    words = [ALICE, server.passwords[ALICE], "yes" if compresses else "no"]
    with recorder(server.ports["imap"]) as tape:
        done = subprocess.run(
            ["node", script, library, str(tape.port), *words],
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{done.stderr.decode()}\n{tape}"
        assert tape.refusals() == []
        _check_commands(tape, compresses=compresses)
    out: dict[str, Any] = json.loads(done.stdout)
    _check_mailbox(out)
    _check_messages(out)


def _check_commands(tape: Recorder, *, compresses: bool) -> None:
    commands = tape.commands()
    assert {"ID", "AUTHENTICATE", "NAMESPACE"} <= commands
    assert ("COMPRESS" in commands) is compresses
    if not compresses:  # else the rest cannot be read
        assert {"ENABLE", "IDLE", "UID MOVE", "UID COPY", "UID STORE"} <= commands
        assert b"QRESYNC (" in tape.said("C")
        assert b"* VANISHED (EARLIER) 2:3\r\n" in tape.said("S")


def _check_mailbox(out: dict[str, Any]) -> None:
    assert {"QRESYNC", "CONDSTORE", "UTF8=ACCEPT"} <= set(out["enabled"])
    assert out["created"] == out["appended"]["destination"] == "Gr\u00fc\u00dfe & more"
    assert out["appended"]["uid"] == 4
    uses = {box["path"]: box.get("specialUse") for box in out["listed"]}
    assert (uses["Sent"], uses["Junk"]) == ("\\Sent", "\\Junk")
    assert {box["messages"] for box in out["listed"] if box["path"] == out["created"]} == {4}
    assert (out["status"]["messages"], out["status"]["uidNext"]) == (4, 5)
    assert out["renamed"] == out["deleted"] == "Gr\u00fc\u00dfe & more!"


def _check_messages(out: dict[str, Any]) -> None:
    subjects = ["one", "two", "three", "four"]
    assert [one["subject"] for one in out["fetched"]] == subjects
    assert [one["header"] for one in out["fetched"]] == [
        f"Subject: {subject}\r\n\r\n" for subject in subjects
    ]
    assert {one["parts"] for one in out["fetched"]} == {2}
    assert len({one["emailId"] for one in out["fetched"]}) == len(subjects)
    assert out["attachment"] == {"name": "n.txt", "text": "hello"}
    assert out["searched"] == [1, 2]
    assert (out["moved"], out["copied"]) == ([[2, 1]], [[1, 2]])
    assert out["changed"] == [{"uid": 4, "flags": ["\\Answered", "\\Seen"]}]
    assert out["vanished"] == [2, 3]
    assert out["idle"] == [2, 3]
