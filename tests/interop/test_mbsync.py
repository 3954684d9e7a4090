"""mbsync, which keeps a Maildir and an IMAP account the same, in both directions."""

import secrets
from collections import Counter
from pathlib import Path

import pytest

from interop.inbox import logged_in, messages
from interop.programs import need, run
from support.server import ALICE, MakeServer, RunningServer

pytestmark = pytest.mark.real

_CONFIG = """
IMAPAccount server
Host localhost
Port {port}
User {user}
Pass {password}
SSLType IMAPS
CertificateFile {certificate}
AuthMechs {mechanism}

IMAPStore remote
Account server

MaildirStore local
Path {folder}/mail/
Inbox {folder}/mail/INBOX
SubFolders Verbatim

Channel all
Far :remote:
Near :local:
Patterns *
Create Both
Expunge Both
SyncState *
"""


class _Replica:
    """A Maildir that mbsync keeps, and the account it belongs to."""

    def __init__(self, server: RunningServer, folder: Path, mechanism: str) -> None:
        self.server = server
        self.folder = folder
        self._config = folder / "mbsyncrc"
        (folder / "mail").mkdir(parents=True)
        self._config.write_text(
            _CONFIG.format(
                port=server.ports["imaps"],
                user=ALICE,
                password=server.passwords[ALICE],
                certificate=server.certificate,
                folder=folder,
                mechanism=mechanism,
            )
        )

    def sync(self) -> None:
        done = run([need("mbsync", "isync"), "-c", self._config, "all"])
        assert done.code == 0, done.out

    def files(self, mailbox: str = "INBOX") -> list[Path]:
        folder = self.folder / "mail" / mailbox
        return [path for sub in ("cur", "new") for path in folder.glob(f"{sub}/*")]

    def subjects(self, mailbox: str = "INBOX") -> Counter[str]:
        return Counter(
            line.partition(b": ")[2].decode()
            for path in self.files(mailbox)
            for line in path.read_bytes().replace(b"\r", b"").split(b"\n\n")[0].split(b"\n")
            if line.startswith(b"Subject: ")
        )

    def write(self, subject: str, mailbox: str = "INBOX") -> None:
        name = f"{secrets.token_hex(8)}.test:2,"
        path = self.folder / "mail" / mailbox / "cur" / name
        path.write_text(f"From: a@b.test\nSubject: {subject}\n\nText\n")

    def flag(self, subject: str, letters: str) -> None:
        (path,) = [one for one in self.files() if f"Subject: {subject}\n" in one.read_text()]
        path.rename(path.parent.parent / "cur" / f"{path.name.partition(':')[0]}:2,{letters}")


def _on_server(server: RunningServer, mailbox: str = "INBOX") -> Counter[str]:
    return Counter(str(one["Subject"]) for one in messages(server, ALICE, "", mailbox))


@pytest.mark.parametrize("mechanism", ["LOGIN", "PLAIN"])
def test_both_sides_stay_the_same(make_server: MakeServer, tmp_path: Path, mechanism: str) -> None:
    need("mbsync", "isync")
    server = make_server()
    replica = _Replica(server, tmp_path, mechanism)
    with logged_in(server, ALICE) as client:
        for subject in ("one", "two", "three"):
            client.append("INBOX", "", "", f"Subject: {subject}\r\n\r\nText\r\n".encode())
        client.create("Projects/2026")
        client.append("Projects/2026", r"(\Seen)", "", b"Subject: deep\r\n\r\nText\r\n")
    replica.sync()
    assert replica.subjects() == Counter(["one", "two", "three"])
    assert replica.subjects("Projects/2026") == Counter(["deep"])

    # New on both sides, flagged here, deleted there.
    replica.write("four")
    replica.flag("one", "FS")
    with logged_in(server, ALICE) as client:
        client.append("INBOX", r"(\Answered)", "", b"Subject: five\r\n\r\nText\r\n")
        client.select("INBOX")
        client.store("2", "+FLAGS", r"(\Deleted)")
        client.expunge()
    replica.sync()
    everything = Counter(["one", "three", "four", "five"])
    assert replica.subjects() == everything == _on_server(server)
    with logged_in(server, ALICE) as client:
        client.select("INBOX")
        assert client.search(None, "FLAGGED", "SEEN", "SUBJECT", "one")[1] == [b"1"]

    # Deleted here; and again and again nothing is doubled, nor after a new start.
    replica.flag("three", "T")
    for _ in range(3):
        replica.sync()
    server.restart()
    replica.sync()
    assert replica.subjects() == Counter(["one", "four", "five"]) == _on_server(server)
    assert replica.subjects("Projects/2026") == Counter(["deep"])


def test_new_folders_with_special_characters_come_about_on_both_sides(
    make_server: MakeServer, tmp_path: Path
) -> None:
    need("mbsync", "isync")
    server = make_server()
    replica = _Replica(server, tmp_path, "PLAIN")
    # Versions before 1.5 leave the encoding of IMAP as it is (RFC 9051 appendix A.1).
    there, here = "Gr&APwA3w-e &- more/2026", "New &ZeVnLIqe- [1] (x)"
    with logged_in(server, ALICE) as client:
        client.create(f'"{there}"')
        client.append(f'"{there}"', r"(\Seen)", "", b"Subject: from there\r\n\r\nText\r\n")
    folder = tmp_path / "mail" / here
    for sub in ("cur", "new", "tmp"):
        (folder / sub).mkdir(parents=True)
    replica.write("from here", here)
    for _ in range(2):
        replica.sync()
    assert replica.subjects(there) == Counter(["from there"])
    assert _on_server(server, f'"{here}"') == Counter(["from here"])
