"""neomutt, with its header cache and with CONDSTORE and QRESYNC on."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from interop.inbox import logged_in, messages, wait_for
from interop.programs import need
from interop.terminal import Terminal, terminal
from support.ports import HOST
from support.recorder import Recorder, recorder
from support.server import ALICE, MakeServer, RunningServer

pytestmark = pytest.mark.real

_CONFIG = """
set imap_user = "{user}"
set imap_pass = "{password}"
set folder = "imap://{host}:{port}/"
set spoolfile = "+INBOX"
set record = "" postponed = "" trash = ""
set ssl_starttls = no ssl_force_tls = no
set header_cache = "{folder}/cache"
set message_cachedir = "{folder}/bodies"
set imap_condstore = yes imap_qresync = yes imap_check_subscribed = yes
set resolve = no delete = yes move = no confirmappend = no confirmcreate = no quit = yes
set wait_key = no mark_old = no sleep_time = 0 abort_key = "\\\\C]"
set mail_check = 1 timeout = 1 imap_keepalive = 10 imap_idle = {idle}
"""


class _Neomutt:
    def __init__(
        self, server: RunningServer, tape: Recorder, folder: Path, *, idle: bool = False
    ) -> None:
        self._program = need("neomutt", "neomutt")
        self._folder = folder
        self._config = folder / "neomuttrc"
        (folder / "cache").mkdir()
        (folder / "bodies").mkdir()
        self._config.write_text(
            _CONFIG.format(
                user=ALICE,
                password=server.passwords[ALICE],
                host=HOST,
                port=tape.port,
                folder=folder,
                idle="yes" if idle else "no",
            )
        )

    def push(self, keys: str) -> None:
        """Start it, give it keys as its `push` does, and wait for its end."""
        with self.shown("-e", f'push "{keys}"') as shown:
            assert shown.end() == 0, shown.seen

    def shown(self, *words: str) -> AbstractContextManager[Terminal]:
        return terminal([self._program, "-n", "-F", self._config, *words], self._folder)


def _uids(server: RunningServer, wish: str, mailbox: str = "INBOX") -> bytes:
    with logged_in(server, ALICE) as client:
        client.select(mailbox, readonly=True)
        return bytes(client.uid("SEARCH", wish)[1][0])


def _append(server: RunningServer, *subjects: str) -> None:
    with logged_in(server, ALICE) as client:
        for subject in subjects:
            octets = f"From: a@b.test\r\nSubject: {subject}\r\n\r\nText of {subject}\r\n"
            client.append("INBOX", "", "", octets.encode())


def test_a_day_with_it(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server({"auth.cleartext": "loopback"})
    _append(server, "one", "two", "three", "four")
    with logged_in(server, ALICE) as client:
        client.create("Archive")
    with recorder(server.ports["imap"]) as tape:
        mutt = _Neomutt(server, tape, tmp_path)
        # Read, flag, copy and delete.
        mutt.push(
            "<first-entry><pipe-entry>cat > one.txt<enter><flag-message>"
            "<next-entry><copy-message>+Archive<enter>"
            "<next-entry><delete-message><sync-mailbox><quit>"
        )
        assert "Text of one" in (tmp_path / "one.txt").read_text()
        assert _uids(server, "FLAGGED") == b"1"
        assert _uids(server, "ALL") == b"1 2 4"
        assert [str(one["Subject"]) for one in messages(server, ALICE, "", "Archive")] == ["two"]

        # Meanwhile another one deletes, flags and adds: the header cache is brought up to date.
        with logged_in(server, ALICE) as client:
            client.select("INBOX")
            client.uid("STORE", "2", "+FLAGS", r"(\Deleted)")
            client.expunge()
            client.uid("STORE", "4", "+FLAGS", r"(\Answered)")
        _append(server, "five")
        mutt.push("<limit>~Q<enter><first-entry><pipe-entry>cat > answered.txt<enter><quit>")
        assert "Text of four" in (tmp_path / "answered.txt").read_text()
        mutt.push("<limit>~s five<enter><first-entry><flag-message><quit>")
        assert _uids(server, "FLAGGED") == b"1 5"
        assert _uids(server, "ALL") == b"1 4 5"
        assert b"VANISHED)" in tape.said("C"), tape
        assert b"* VANISHED (EARLIER) 2:3\r\n" in tape.said("S"), tape
        assert tape.refusals() == []


def test_idle_shows_what_comes(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server({"auth.cleartext": "loopback"})
    _append(server, "here before")
    with recorder(server.ports["imap"]) as tape:
        with _Neomutt(server, tape, tmp_path, idle=True).shown() as shown:
            shown.until("here before")
            wait_for(lambda: "IDLE" in tape.commands(), "IDLE")
            _append(server, "come just now")
            shown.until("come just now")
            shown.keys("q")
            assert shown.end() == 0
        assert tape.refusals() == []
