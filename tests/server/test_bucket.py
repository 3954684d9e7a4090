"""The running server with its messages in a bucket."""

import json
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from server.talking import count, deliver, imap
from support.faultyproxy import Does, FaultyProxy, faulty_proxy
from support.s3 import ACCESS_KEY, REGION, SECRET_KEY, S3Server, s3_server
from support.server import ALICE, BOB, MakeServer, RunningServer

__all__ = ["s3_server"]

pytestmark = [pytest.mark.slow, pytest.mark.real]

SEED = int(os.environ.get("TEST_CRASH_SEED") or secrets.randbelow(10**6))
MakeBucketServer = Callable[..., RunningServer]


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3_server.port) as proxy:
        yield proxy


@pytest.fixture
def make_bucket_server(make_server: MakeServer, s3_server: S3Server) -> MakeBucketServer:
    def make(endpoint: str = "", **more: object) -> RunningServer:
        place = f"{s3_server.new_bucket()}/mail?endpoint={endpoint or s3_server.endpoint}"
        return make_server(
            {
                "storage.blobs": f"s3://{place}&region={REGION}",
                "storage.s3.access_key_id": ACCESS_KEY,
                "storage.s3.secret_access_key": SECRET_KEY,
                "storage.s3.timeout": "2s",
                **more,
            }
        )

    return make


def keep_only_the_key(server: RunningServer, of: RunningServer) -> None:
    shutil.rmtree(server.data_dir)
    server.data_dir.mkdir(mode=0o700)
    shutil.copy(of.data_dir / "master.key", server.data_dir)


def _fetch(server: RunningServer, who: str, number: int, what: str = "BODY.PEEK[]") -> bytes:
    with imap(server, who) as reader:
        reader.send(f"f FETCH {number} ({what})\r\n".encode())
        return b"".join(reader.until(b"f OK"))


@pytest.mark.parametrize("workers", [1, 2])
def test_mail_comes_in_is_read_and_stays(
    make_bucket_server: MakeBucketServer, workers: int
) -> None:
    server = make_bucket_server(workers=workers)
    words = [secrets.token_hex(12) for _ in range(5)]
    for word in words:
        assert deliver(server, BOB, f"Subject: {word}\r\n\r\n{word}\r\n".encode())[:3] == b"250"
    large = (secrets.token_hex(35) + "\r\n").encode() * 200_000
    assert deliver(server, BOB, b"Subject: large\r\n\r\n" + large).startswith(b"250")
    for _ in range(2):
        for number, word in enumerate(words, 1):
            assert _fetch(server, BOB, number).count(word.encode()) == 2
        assert large in _fetch(server, BOB, 6)
        assert large[9_000_000:9_000_100] in _fetch(server, BOB, 6, "BODY.PEEK[1]<9000000.100>")
        server.restart()
    assert list((server.data_dir / "blobs").glob("*.seg")) == []
    assert server.command("verify").code == 0
    assert SECRET_KEY not in server.log()
    shown = server.command("config", "show")
    assert SECRET_KEY not in shown.out
    assert ACCESS_KEY in shown.out


@pytest.mark.parametrize("does", [Does.REFUSE, Does.SLOW_DOWN, Does.FAIL, Does.HANG])
def test_a_bucket_that_does_not_answer(
    make_bucket_server: MakeBucketServer, proxy: FaultyProxy, does: Does
) -> None:
    server = make_bucket_server(proxy.endpoint)
    assert deliver(server, BOB, b"Subject: first\r\n\r\nx\r\n").startswith(b"250")
    proxy.always(does)
    assert deliver(server, BOB, b"Subject: lost?\r\n\r\nx\r\n")[:1] == b"4"
    with imap(server, BOB) as reader:
        assert count(reader) == 1
        reader.send(b"f FETCH 1 (ENVELOPE FLAGS)\r\n")
        assert b"first" in b"".join(reader.until(b"f OK"))
        assert reader.do(b"STORE 1 +FLAGS (\\Flagged)").startswith(b"t OK")
        reader.send(b"a APPEND INBOX {20}\r\n")
        reader.until(b"+")
        reader.send(b"Subject: own\r\n\r\nxxxx\r\n")
        refused = reader.until(b"a ")[-1]
        assert refused.startswith(b"a NO [UNAVAILABLE]")
        assert b"127.0.0.1" not in refused
    proxy.always(Does.PASS)
    assert deliver(server, BOB, b"Subject: second\r\n\r\nx\r\n").startswith(b"250")
    with imap(server, BOB) as reader:
        assert count(reader) == 2, "what was refused is not there"
    assert "the bucket of messages does not do its work" in server.log()
    assert server.command("verify").code == 0


def test_a_server_starts_without_its_bucket(
    make_bucket_server: MakeBucketServer, proxy: FaultyProxy
) -> None:
    server = make_bucket_server(proxy.endpoint)
    assert deliver(server, BOB, b"Subject: kept\r\n\r\nx\r\n").startswith(b"250")
    server.stop()
    proxy.always(Does.REFUSE)
    server.start()
    with imap(server, BOB) as reader:
        assert count(reader) == 1
    proxy.always(Does.PASS)
    assert b"Subject: kept" in _fetch(server, BOB, 1)


def test_the_doctor_looks_at_the_bucket(make_bucket_server: MakeBucketServer) -> None:
    server = make_bucket_server()

    def findings() -> list[dict[str, str]]:
        done = server.command("doctor", "--json")
        return [one for one in json.loads(done.out)["findings"] if one["subject"] == "bucket"]

    assert [one["level"] for one in findings()] == ["ok"]
    server.write_config({"storage.s3.secret_access_key": "wrong"})
    (found,) = findings()
    assert (found["level"], found["what"]) == (
        "fail",
        "the secret access key is wrong (SignatureDoesNotMatch)",
    )
    server.write_config({"storage.s3.secret_access_key": SECRET_KEY})


def test_backups_of_a_bucket(make_bucket_server: MakeBucketServer, tmp_path: Path) -> None:
    server = make_bucket_server()
    words = [secrets.token_hex(12) for _ in range(3)]
    for word in words:
        assert deliver(server, ALICE, f"Subject: {word}\r\n\r\n{word}\r\n".encode())[:3] == b"250"
    kept = str(tmp_path / "kept")
    made = server.json("backup", "create", "--to", kept)
    assert isinstance(made, dict)
    assert made["unreadable"] == []
    assert server.command("backup", "verify", kept).code == 0
    with imap(server, ALICE) as reader:
        assert reader.do(b"STORE 1:3 +FLAGS.SILENT (\\Deleted)").startswith(b"t OK")
        assert reader.do(b"EXPUNGE").startswith(b"t OK")
    back = server.json("backup", "restore", "--from", kept, "--account", ALICE)
    assert isinstance(back, dict)
    ((mailbox, number),) = back["mailboxes"].items()
    assert number == 3
    with imap(server, ALICE, f'"{mailbox}"') as reader:
        reader.send(b"f FETCH 1:* (BODY.PEEK[])\r\n")
        found = b"".join(reader.until(b"f OK"))
    assert all(found.count(word.encode()) == 2 for word in words)
    into = tmp_path / "restored"
    refused = server.command("backup", "restore", "--from", kept, "--into", str(into))
    assert refused.code != 0
    assert "there are messages in the bucket already" in refused.err
    assert not into.exists()
    second = make_bucket_server()
    second.stop()
    keep_only_the_key(second, server)
    second.empty_database()
    back = second.json("backup", "restore", "--from", kept)
    assert isinstance(back, dict)
    assert (back["messages"], back["missing"]) == (3, 0)
    second.passwords = server.passwords
    second.start()
    for number, word in enumerate(words, 1):
        assert word.encode() in _fetch(second, ALICE, number)
    assert second.command("verify").code == 0
    assert deliver(second, ALICE, b"Subject: new\r\n\r\nx\r\n").startswith(b"250")
    assert b"Subject: new" in _fetch(second, ALICE, 4)


def test_what_got_250_survives_faults_and_kills(
    make_bucket_server: MakeBucketServer, proxy: FaultyProxy
) -> None:
    """Every eighth request to the bucket fails in some way, and the server dies three times."""
    print(f"TEST_CRASH_SEED={SEED}")
    random = Random(SEED)  # noqa: S311  # a schedule
    bad = [does for does in Does if does not in (Does.PASS, Does.HANG)]
    proxy.decide = lambda method, target: random.choice(
        bad if random.random() < 0.125 else [Does.PASS]
    )
    server = make_bucket_server(proxy.endpoint)
    server.may_log_errors = True
    sent: list[str] = []
    for _ in range(3):
        ended = threading.Event()
        senders = [threading.Thread(target=_send, args=(server, ended, sent)) for _ in range(4)]
        for sender in senders:
            sender.start()
        time.sleep(2)
        server.kill()
        ended.set()
        for sender in senders:
            sender.join()
        server.start()
    proxy.always(Does.PASS)
    with imap(server, ALICE) as reader:
        reader.send(b"t FETCH 1:* (BODY.PEEK[])\r\n")
        found = b"".join(reader.until(b"t OK"))
    assert len(sent) > 30
    assert [word for word in sent if found.count(word.encode()) != 1] == []
    assert server.command("verify").code == 0


def _send(server: RunningServer, ended: threading.Event, sent: list[str]) -> None:
    while not ended.is_set():
        word = secrets.token_hex(8)
        try:
            if deliver(server, ALICE, f"Subject: {word}\r\n\r\n".encode())[:3] == b"250":
                sent.append(word)
        except (OSError, AssertionError):
            return
