"""What is there after the server has died: its records on disk, its mailboxes, its faults."""

import re
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from crash.imap import Imap
from crash.ledger import KEY, Found, Violation, body_of
from crash.sink import Receipt, Sink
from crash.workers import CAROL, DAVE, Serving
from support.server import ALICE, BOB, RunningServer

ACCOUNTS: Mapping[str, tuple[str, ...]] = {ALICE: ("INBOX", "Archive"), BOB: ("INBOX",)}
"""Where the mail that is sent ends, and in which mailboxes it may lie."""

_DATABASE = "postroad.db"
_FINAL_RECIPIENT = re.compile(rb"^Final-Recipient: rfc822; *(\S+)", re.MULTILINE)
_FINAL_STATES = ("delivered", "bounced")


def counted(server: Serving) -> dict[str, Counter[str]]:
    """How often each key is in each account."""
    found = {}
    for address, boxes in ACCOUNTS.items():
        keys: Counter[str] = Counter()
        with _imap(server, address) as imap:
            for box in boxes:
                imap.command(f"EXAMINE {box}")
                reply = imap.command("UID FETCH 1:* (UID FLAGS ENVELOPE)")
                keys.update(message.key for message in reply.messages())
        found[address] = keys
    return found


def refused(server: Serving) -> Counter[str]:
    """The forward paths that the DSNs in the sender's mailbox tell of."""
    with _imap(server, DAVE) as imap:
        imap.command("EXAMINE INBOX")
        reply = imap.command("UID FETCH 1:* BODY.PEEK[]")
    paths = _FINAL_RECIPIENT.findall(b"".join(reply.untagged))
    return Counter(path.decode() for path in paths)


def found_at_last(server: Serving, sink: Sink) -> Found:
    remote = Counter(receipt.forward_path for receipt in sink.receipts)
    return Found(counted(server), remote, refused(server))


def check_bodies(server: Serving) -> None:
    """Every message that came as octets is there octet for octet."""
    boxes = dict(ACCOUNTS)
    with _imap(server, CAROL) as imap:
        listed = imap.command('LIST "" *').untagged
    boxes[CAROL] = tuple(line.split()[-1].strip(b'"').decode() for line in listed)
    for address, names in boxes.items():
        with _imap(server, address) as imap:
            for name in names:
                uids = imap.command(f"EXAMINE {name}").code(b"UIDNEXT")
                for first in range(1, int(uids[0]), 200):
                    command = f"UID FETCH {first}:{first + 199} BODY.PEEK[]"
                    _check_bodies(imap.command(command).untagged)


def _check_bodies(lines: Iterable[bytes]) -> None:
    for line in lines:
        match = KEY.search(line)
        if match is None:
            continue
        key = match[1].decode()
        if not key.startswith("rest") and body_of(key) not in line:
            raise Violation(f"the message {key} is not as it was sent")


def check_search(server: Serving, address: str, keys: Iterable[str]) -> None:
    """Raises `Violation` when SEARCH does not find each of these once, by a part of its body."""
    with _imap(server, address) as imap:
        found: Counter[str] = Counter()
        for box in ACCOUNTS[address]:
            imap.command(f"EXAMINE {box}")
            for key in keys:
                reply = imap.command(f'UID SEARCH BODY "nd {key}"')
                lines = [line for line in reply.untagged if line.startswith(b"* SEARCH")]
                found[key] += sum(len(line.split()) - 2 for line in lines)
    if wrong := {key: found[key] for key in keys if found[key] != 1}:
        raise Violation(f"SEARCH in {address} found this often: {wrong}")


# The records of the queue


@dataclass(slots=True)
class Recorded:
    """Outcomes that were on disk at a time when the server was dead."""

    died_at: dict[str, float] = field(default_factory=dict)

    def look(self, data_dir: Path, died_at: float) -> None:
        """Read a copy: opening the database would change what the next start finds.

        Raises `Violation` when an outcome that was recorded is not any more.
        """
        with tempfile.TemporaryDirectory() as folder:
            for name in (_DATABASE, f"{_DATABASE}-wal"):
                if (data_dir / name).exists():
                    shutil.copy(data_dir / name, Path(folder) / name)
            settled = _settled(Path(folder) / _DATABASE)
        if lost := self.died_at.keys() - settled:
            raise Violation(f"recorded outcomes are gone: {sorted(lost)}")
        for path in settled - self.died_at.keys():
            self.died_at[path] = died_at

    def check(self, receipts: Iterable[Receipt]) -> None:
        """Raises `Violation` for what was sent again though its success was on disk."""
        for receipt in receipts:
            if receipt.at > self.died_at.get(receipt.forward_path, float("inf")):
                raise Violation(f"sent after its recorded success: {receipt}")


def _settled(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT forward_path, state FROM recipient").fetchall()
    # Local recipients are many times in the table; only the ledger tells their messages apart.
    return {path for path, state in rows if state in _FINAL_STATES and "-" in path}


def waiting(server: RunningServer) -> int:
    """How many recipients of outgoing mail are not settled yet."""
    with closing(_reader(server)) as connection:
        marks = ", ".join("?" for _ in _FINAL_STATES)
        query = f"SELECT count(*) FROM recipient WHERE state NOT IN ({marks})"  # noqa: S608
        return int(connection.execute(query, _FINAL_STATES).fetchone()[0])


def check_events(server: RunningServer, receipts: Iterable[Receipt]) -> None:
    with closing(_reader(server)) as connection:
        check_delivered(connection.execute(DELIVERED).fetchall(), receipts)


DELIVERED = (
    "SELECT recipient, min(happened_at), count(*) FROM event WHERE kind = 'delivered' "
    "AND recipient LIKE '%-%' GROUP BY recipient"
)


def check_delivered(rows: Iterable[tuple[object, ...]], receipts: Iterable[Receipt]) -> None:
    """Raises `Violation` for what was named to the other side after the event of its success."""
    delivered = {
        str(path): (int(str(at)) / 1_000_000, int(str(count))) for path, at, count in rows
    }
    for path, (_, count) in delivered.items():
        if count > 1:
            raise Violation(f"{path} has {count} events of success")
    for receipt in receipts:
        if receipt.forward_path not in delivered:
            raise Violation(f"sent, but without an event of success: {receipt}")
        if receipt.at > delivered[receipt.forward_path][0]:
            raise Violation(f"sent after the event of its success: {receipt}")


def _reader(server: RunningServer) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{server.data_dir / _DATABASE}?mode=ro", uri=True, timeout=10)


def check_store(server: Serving) -> None:
    """`verify` beside the running server: the database, all references and all blobs."""
    done = server.command("verify", "--json")
    if done.code:
        raise Violation(f"verify found faults: {done.out} {done.err}")


def _imap(server: Serving, address: str) -> Imap:
    return Imap(server.ports["imap"], address, server.passwords[address])
