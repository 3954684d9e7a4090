"""An installation moves to PostgreSQL while mail comes in, and back again."""

import re
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count as counting

import pytest

from server.talking import deliver, imap
from support.postgres import Server, postgres_server
from support.s3 import ACCESS_KEY, REGION, SECRET_KEY, S3Server, s3_server
from support.server import ALICE, MakeServer, RunningServer, only_sqlite

__all__ = ["postgres_server", "s3_server"]

pytestmark = [only_sqlite, pytest.mark.slow]


class Ledger:
    """What was acknowledged, by subject."""

    def __init__(self) -> None:
        self.acknowledged: list[str] = []
        self.refused = 0
        self.other: list[bytes] = []
        self._numbers = counting()
        self._stop = threading.Event()

    def bring(self, server: RunningServer) -> None:
        while not self._stop.is_set():
            subject = f"m{next(self._numbers)}"
            reply = deliver(server, ALICE, f"Subject: {subject}\r\n\r\n{subject}\r\n".encode())
            if reply.startswith(b"250"):
                self.acknowledged.append(subject)
            elif reply.startswith(b"451"):
                self.refused += 1
            else:
                self.other.append(reply)

    @contextmanager
    def filling(self, server: RunningServer) -> Iterator[None]:
        thread = threading.Thread(target=self.bring, args=(server,))
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()


def subjects(server: RunningServer, mailbox: str = "INBOX") -> dict[str, str]:
    """The UID of each, by its subject."""
    with imap(server, ALICE, mailbox) as client:
        client.send(b"f UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\n")
        lines = b"".join(client.until(b"f ")).decode()
    found = re.findall(r"UID (\d+).*?Subject: (\S+)", lines, re.DOTALL)
    assert not [name for name, times in Counter(name for _, name in found).items() if times > 1]
    return {name: uid for uid, name in found}


def validity(server: RunningServer) -> list[bytes]:
    with imap(server, ALICE) as client:
        client.send(b"s STATUS INBOX (UIDVALIDITY)\r\n")
        return client.until(b"s ")[:1]


def say(server: RunningServer, command: bytes) -> bytes:
    with imap(server, ALICE) as client:
        return client.do(command)


def test_there_and_back_under_load(make_server: MakeServer, postgres_server: Server) -> None:
    server = make_server({"workers": 2})
    postgres_server.administer("CREATE DATABASE moved")
    there, ledger = postgres_server.url("moved"), Ledger()
    for n in range(30):
        assert deliver(server, ALICE, f"Subject: old{n}\r\n\r\n".encode()).startswith(b"250")
    assert say(server, b"CREATE Before").startswith(b"t OK")
    assert say(server, b"STORE 1:5 +FLAGS (\\Seen kept)").startswith(b"t OK")
    with ledger.filling(server):
        while len(ledger.acknowledged) < 20:
            pass
        before = validity(server)
        assert say(server, b"MOVE 6:9 Before").startswith(b"t OK")
        moved = server.json("migrate-store", "--to", there)
        assert isinstance(moved, dict)
        assert moved["accounts"] == 3
        while not ledger.refused:
            pass
    assert ledger.other == []
    assert len(ledger.acknowledged) > 20
    server.stop()
    refused = server.command("account", "list")
    assert refused.code == 1
    assert "Set storage.metadata" in refused.err
    server.write_config({"storage.metadata": there})
    server.start()
    found = subjects(server)
    assert found.keys() == {f"old{n}" for n in range(30) if n not in range(5, 9)} | set(
        ledger.acknowledged
    )
    assert subjects(server, "Before").keys() == {f"old{n}" for n in range(5, 9)}
    assert validity(server) == before
    assert server.command("verify").code == 0
    assert deliver(server, ALICE, b"Subject: new\r\n\r\n").startswith(b"250")

    # And back, into a file.
    done = server.command("migrate-store", "--to", "sqlite:back.db")
    assert done.code == 0, done.err
    assert deliver(server, ALICE, b"Subject: never\r\n\r\n").startswith(b"451")
    server.stop()
    server.write_config({"storage.metadata": "sqlite:back.db"})
    server.start()
    again = subjects(server)
    assert again.pop("new")
    assert again == found
    assert server.command("verify").code == 0


def test_a_move_that_is_broken_off_goes_on(
    make_server: MakeServer, postgres_server: Server
) -> None:
    server = make_server()
    postgres_server.administer("CREATE DATABASE broken")
    there = postgres_server.url("broken")
    for n in range(5):
        assert deliver(server, ALICE, f"Subject: old{n}\r\n\r\n".encode()).startswith(b"250")
    config = server.config.read_text()
    # A target whose rows cannot come: the command ends, and the server goes on.
    postgres_server.administer("ALTER DATABASE broken SET default_transaction_read_only = on")
    server.write_config({"storage.postgres.patience": "1s"})
    failed = server.command("migrate-store", "--to", there)
    assert failed.code == 1
    assert deliver(server, ALICE, b"Subject: meanwhile\r\n\r\n").startswith(b"250")
    postgres_server.administer("ALTER DATABASE broken RESET default_transaction_read_only")
    server.config.write_text(config)
    assert server.command("migrate-store", "--to", there).code == 0
    # Second thoughts: stay.
    assert deliver(server, ALICE, b"Subject: x\r\n\r\n").startswith(b"451")
    assert server.command("migrate-store", "--stay").code == 0
    assert deliver(server, ALICE, b"Subject: stayed\r\n\r\n").startswith(b"250")
    assert server.command("verify").code == 0
    again = server.command("migrate-store", "--to", there)
    assert again.code == 1
    assert "name an empty one" in again.err


def test_nothing_moves_into_what_is_in_use(make_server: MakeServer) -> None:
    server = make_server()
    other = server.data_dir / "other.db"
    shutil.copy(server.data_dir / "postroad.db", other)
    refused = server.command("migrate-store", "--to", "sqlite:other.db")
    assert refused.code == 1
    assert "accounts already" in refused.err
    assert server.command("migrate-store").code == 2
    assert "is neither sqlite:PATH" in server.command("migrate-store", "--to", "mysql://x").err


def test_the_octets_move_as_well(
    make_server: MakeServer, postgres_server: Server, s3_server: S3Server
) -> None:
    server, ledger = make_server(), Ledger()
    postgres_server.administer("CREATE DATABASE blobs")
    there = postgres_server.url("blobs")
    bucket = f"s3://{s3_server.new_bucket()}/mail?endpoint={s3_server.endpoint}&region={REGION}"
    keys = {"storage.s3.access_key_id": ACCESS_KEY, "storage.s3.secret_access_key": SECRET_KEY}
    server.write_config(keys)
    lines = b"\r\n".join([b"0123456789abcdef" * 50] * 1000) + b"\r\n"
    assert deliver(server, ALICE, b"Subject: large\r\n\r\n" + lines).startswith(b"250")
    with ledger.filling(server):
        while len(ledger.acknowledged) < 20:
            pass
        moved = server.json("migrate-store", "--to", there, "--blobs", bucket)
        assert isinstance(moved, dict)
        assert moved["blobs"] >= 20
    server.stop()
    shutil.move(server.data_dir / "blobs", server.data_dir / "old")
    server.write_config({"storage.metadata": there, "storage.blobs": bucket})
    server.start()
    assert server.command("verify").code == 0
    before = _octets(server)
    assert len(before) == len(ledger.acknowledged) + 1
    assert lines.rstrip() in before["large"]
    back = ("--to", "sqlite:again.db", "--blobs", "segments:again")
    assert server.command("migrate-store", *back).code == 0
    server.stop()
    server.write_config({"storage.metadata": back[1], "storage.blobs": back[3]})
    server.start()
    assert _octets(server) == before
    assert server.command("verify").code == 0
    used = server.command("migrate-store", "--to", "sqlite:new.db", "--blobs", "segments:old")
    assert used.code == 1
    assert "messages only come where none are" in used.err


def _octets(server: RunningServer) -> dict[str, bytes]:
    """Every message by its subject."""
    with imap(server, ALICE) as client:
        client.send(b"f UID FETCH 1:* (BODY.PEEK[])\r\n")
        lines = b"".join(client.until(b"f "))
    found = {}
    for one in re.split(rb"\* \d+ FETCH ", lines)[1:]:
        subject = re.search(rb"Subject: (\S+)", one)
        assert subject
        found[subject[1].decode()] = one.partition(b"\r\n")[2].split(b"\r\n)")[0]
    return found
