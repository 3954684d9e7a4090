"""OfflineIMAP, which keeps a Maildir and an IMAP account the same, in both directions."""

import secrets
from pathlib import Path

import pytest

from interop.inbox import logged_in, messages
from interop.programs import need, run
from support.ports import HOST
from support.recorder import Recorder, recorder
from support.server import ALICE, MakeServer, RunningServer

pytestmark = pytest.mark.real

_CONFIG = """
[general]
accounts = all
metadata = {folder}/metadata
maxsyncaccounts = 1

[Account all]
localrepository = local
remoterepository = remote

[Repository local]
type = Maildir
localfolders = {folder}/mail

[Repository remote]
type = IMAP
remotehost = {host}
remoteport = {port}
remoteuser = {user}
remotepass = {password}
auth_mechanisms = {mechanism}
ssl = no
starttls = no
"""


class _Replica:
    def __init__(
        self, server: RunningServer, tape: Recorder, folder: Path, mechanism: str
    ) -> None:
        self._program = need("offlineimap", "offlineimap3")
        self._folder = folder
        (folder / "metadata").mkdir()
        (folder / "offlineimaprc").write_text(
            _CONFIG.format(
                host=HOST,
                port=tape.port,
                user=ALICE,
                password=server.passwords[ALICE],
                folder=folder,
                mechanism=mechanism,
            )
        )

    def sync(self) -> None:
        words = [self._program, "-c", self._folder / "offlineimaprc", "-o", "-u", "basic"]
        done = run(words, environ={"HOME": str(self._folder)})
        assert done.code == 0, done.out
        assert "ERROR" not in done.out, done.out

    def files(self, mailbox: str = "INBOX") -> list[Path]:
        folder = self._folder / "mail"
        found = [path for sub in ("cur", "new") for path in folder.glob(f"**/{sub}/*")]
        return [path for path in found if str(path.parent.parent.relative_to(folder)) == mailbox]

    def subjects(self, mailbox: str = "INBOX") -> list[str]:
        texts = [path.read_text() for path in self.files(mailbox)]
        return sorted(text.partition("Subject: ")[2].partition("\n")[0] for text in texts)

    def write(self, subject: str, mailbox: str) -> None:
        folder = self._folder / "mail" / mailbox
        for sub in ("cur", "new", "tmp"):
            (folder / sub).mkdir(parents=True, exist_ok=True)
        text = f"From: a@b.test\nSubject: {subject}\n\nText\n"
        (folder / "new" / f"{secrets.token_hex(8)}.test").write_text(text)

    def path(self, subject: str) -> Path:
        (path,) = [one for one in self.files() if f"Subject: {subject}\n" in one.read_text()]
        return path

    def flag(self, subject: str, letters: str) -> None:
        path = self.path(subject)
        path.rename(path.parent.parent / "cur" / f"{path.name.partition(':')[0]}:2,{letters}")


def _on_server(server: RunningServer, mailbox: str = "INBOX") -> list[str]:
    return sorted(str(one["Subject"]) for one in messages(server, ALICE, "", mailbox))


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_both_sides_stay_the_same(make_server: MakeServer, tmp_path: Path, mechanism: str) -> None:
    server = make_server({"auth.cleartext": "loopback"})
    with logged_in(server, ALICE) as client:
        for subject in ("one", "two", "three"):
            client.append("INBOX", "", "", f"Subject: {subject}\r\n\r\nText\r\n".encode())
        client.create("Projects/Gr&APwA3w-e")
        client.append("Projects/Gr&APwA3w-e", r"(\Seen)", "", b"Subject: deep\r\n\r\nText\r\n")
    with recorder(server.ports["imap"]) as tape:
        replica = _Replica(server, tape, tmp_path, mechanism)
        replica.sync()
        assert replica.subjects() == ["one", "three", "two"]
        assert replica.subjects("Projects.Gr&APwA3w-e") == ["deep"]

        # New on both sides, flagged here, deleted there, and a folder that is only here.
        replica.write("four", "INBOX")
        replica.flag("one", "FS")
        replica.write("sketch", "Drawings")
        with logged_in(server, ALICE) as client:
            client.append("INBOX", r"(\Answered)", "", b"Subject: five\r\n\r\nText\r\n")
            client.select("INBOX")
            client.store("2", "+FLAGS", r"(\Deleted)")
            client.expunge()
        replica.sync()
        everything = ["five", "four", "one", "three"]
        assert replica.subjects() == everything == _on_server(server)
        assert _on_server(server, "Drawings") == ["sketch"]
        with logged_in(server, ALICE) as client:
            client.select("INBOX")
            assert client.search(None, "FLAGGED", "SEEN", "SUBJECT", "one")[1] == [b"1"]

        # Deleted here; and again and again nothing is doubled.
        replica.path("three").unlink()
        for _ in range(2):
            replica.sync()
        assert replica.subjects() == ["five", "four", "one"] == _on_server(server)
        assert tape.refusals() == []
        assert {"ID", "EXAMINE", "APPEND", "UID STORE", "EXPUNGE", "CREATE"} <= tape.commands()
