"""aerc, whose IMAP comes from a library of Go (go-imap), with IDLE."""

from pathlib import Path
from urllib.parse import quote

import pytest

from interop.inbox import logged_in, wait_for
from interop.programs import need
from interop.terminal import terminal
from support.ports import HOST
from support.recorder import Recorder, recorder
from support.server import ALICE, MakeServer, RunningServer

pytestmark = pytest.mark.real

_ACCOUNT = """
[Work]
source = imap+insecure://{user}:{password}@{host}:{port}
default = INBOX
from = Alice <{address}>
cache-headers = true
"""


def _configure(server: RunningServer, tape: Recorder, home: Path) -> None:
    folder = home / "CONFIG" / "aerc"
    folder.mkdir(parents=True)
    file = folder / "accounts.conf"
    file.write_text(
        _ACCOUNT.format(
            user=quote(ALICE),
            password=server.passwords[ALICE],
            host=HOST,
            port=tape.port,
            address=ALICE,
        )
    )
    file.chmod(0o600)


def _append(server: RunningServer, *subjects: str) -> None:
    with logged_in(server, ALICE) as client:
        for subject in subjects:
            octets = f"From: a@b.test\r\nSubject: {subject}\r\n\r\nText of {subject}\r\n"
            client.append("INBOX", "", "", octets.encode())


def _subjects(server: RunningServer, mailbox: str, wish: str = "ALL") -> set[str]:
    """In one look; what goes between its two commands is not there."""
    with logged_in(server, ALICE) as client:
        client.select(mailbox, readonly=True)
        found = client.search(None, wish)[1][0].decode().replace(" ", ",")
        if not found:
            return set()
        told = client.fetch(found, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    fields = [bytes(piece[1]).decode() for piece in told if isinstance(piece, tuple)]
    return {field.partition(":")[2].strip() for field in fields}


def test_a_day_with_it(make_server: MakeServer, tmp_path: Path) -> None:
    program = need("aerc", "aerc")
    server = make_server({"auth.cleartext": "loopback"})
    _append(server, "uno", "dos", "tres")
    with recorder(server.ports["imap"]) as tape:
        _configure(server, tape, tmp_path)
        with terminal([program], tmp_path) as shown:
            shown.until("tres")
            for command in (":flag", ":copy Archive"):
                shown.keys(command + "\r")
            wait_for(lambda: _subjects(server, "Archive") == {"tres"}, "the copy")
            wait_for(lambda: _subjects(server, "INBOX", "FLAGGED") == {"tres"}, "the flag")
            shown.keys(":next\r:delete\r")
            wait_for(lambda: _subjects(server, "INBOX") == {"uno", "tres"}, "the deletion")
            _append(server, "cuatro")  # IDLE tells of it
            shown.until("cuatro")
            shown.keys(":quit\r")
            assert shown.end() == 0
        assert tape.refusals() == []
        assert {"IDLE", "UID FETCH", "UID STORE", "UID COPY"} <= tape.commands(), tape
