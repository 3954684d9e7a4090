"""The running server on a disk that fills up, and over a database that another one holds."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from interop.programs import missing
from server.talking import count, imap, talk
from support.server import BOB, MakeServer, RunningServer, only_sqlite

pytestmark = pytest.mark.slow


@contextmanager
def _small_disk(folder: Path, octets: int) -> Iterator[None]:
    """The folder with what is in it, on a disk of its own."""
    if os.geteuid() or shutil.which("mount") is None:
        missing("A FULL DISK IS NOT TESTED: only root can have one")
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={octets},mode=0700", "tmpfs"]
    if subprocess.run(["mount", *options, folder], capture_output=True, check=False).returncode:
        missing("A FULL DISK IS NOT TESTED: this machine does not let us mount one")
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _bring(server: RunningServer, octets: int, word: str = "x") -> bytes:
    """Bring a message as another server does; the first refusal, or the last reply."""
    with talk(server, "smtp") as client:
        client.socket.settimeout(60)
        client.ask(b"EHLO elsewhere.test")
        for command in (b"MAIL FROM:<e@elsewhere.test>", f"RCPT TO:<{BOB}>".encode(), b"DATA"):
            if (reply := client.ask(command))[:1] == b"4":
                return reply
        text = (secrets.token_hex(35) + "\r\n").encode() * (octets // 72)
        client.send(f"Subject: {word}\r\n\r\n".encode() + text + b".\r\n")
        return client.reply()


def test_a_disk_that_is_full(make_server: MakeServer) -> None:
    server = make_server()
    server.may_log_errors = True
    server.stop()
    with _small_disk(server.data_dir, 24 * 2**20):
        server.start()
        taken = 0
        for _ in range(60):
            reply = _bring(server, 2**20)
            if not reply.startswith(b"250"):
                break
            taken += 1
        assert taken > 3
        assert reply[:1] == b"4", "who sends it may try again"
        for _ in range(5):
            taken += _bring(server, 1000).startswith(b"250")
        with imap(server, BOB) as reader:
            assert count(reader) == taken, "what was taken is there, and can be read"
            reader.send(b"f FETCH 1:* (FLAGS BODY.PEEK[])\r\n")
            assert b"".join(reader.until(b"f ")).count(b"Subject: x") == taken
        subprocess.run(["mount", "-o", "remount,size=64m", server.data_dir], check=True)
        assert _bring(server, 2**20).startswith(b"250"), "it goes on by itself"
        server.restart()
        with imap(server, BOB) as reader:
            assert count(reader) == taken + 1
        assert server.command("verify").code == 0
        server.stop()
    assert "Traceback" not in server.log()


@only_sqlite
def test_a_database_that_another_program_holds(make_server: MakeServer) -> None:
    server = make_server()
    server.may_log_errors = True
    holder = apsw.Connection(str(server.data_dir / "postroad.db"))
    holder.execute("BEGIN IMMEDIATE")
    try:
        assert _bring(server, 1000)[:1] == b"4", "who sends it may try again"
        with talk(server, "smtp") as client:
            assert client.ask(b"NOOP").startswith(b"250"), "others are served"
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert _bring(server, 1000).startswith(b"250"), "it goes on by itself"
    with imap(server, BOB) as reader:
        assert count(reader) == 1
    assert "Traceback" not in server.log()


def test_a_message_whose_octets_are_damaged(make_server: MakeServer) -> None:
    """It is told to who asks for it, and by `verify`; everything else goes on."""
    server = make_server()
    server.may_log_errors = True
    words = [secrets.token_hex(16) for _ in range(3)]
    for word in words:
        assert _bring(server, 1000, word).startswith(b"250")
    for segment in (server.data_dir / "blobs").rglob("*"):
        if segment.is_file() and words[1].encode() in (octets := segment.read_bytes()):
            # In place: the server has the file open.
            with segment.open("r+b") as file:
                file.seek(octets.index(words[1].encode()))
                file.write(b"#")
    with imap(server, BOB) as reader:
        assert count(reader) == 3
        reader.send(b"f FETCH 1:3 (ENVELOPE)\r\n")
        assert b"".join(reader.until(b"f OK")).count(b"ENVELOPE") == 3
        for number in (1, 3):
            assert reader.do(b"FETCH %d (BODY.PEEK[])" % number).startswith(b"t OK")
        reader.send(b"f FETCH 2 (BODY.PEEK[])\r\n")
        refused = reader.until(b"f ")[-1]
        assert refused.startswith(b"f NO [UNAVAILABLE]")
        assert b"/" not in refused, "Security: no place of ours is told to a client"
        assert reader.do(b"NOOP").startswith(b"t OK")
    assert "the record is damaged" in server.log()
    done = server.command("verify", "--json")
    assert done.code == 1
    assert "damaged" in done.out or "checksum" in done.out, done.out
    assert _bring(server, 1000).startswith(b"250")
    assert "Traceback" not in server.log()
