"""Starting after a sudden end: quick, told in the log, and with everything that was acknowledged.

The load and the many kills are in test_crash.py; this is one kill in slow motion.
"""

import smtplib
import time
from pathlib import Path

import pytest

from crash.ledger import schedule
from crash.tearing import tear
from support.server import ALICE, RunningServer, running_server

pytestmark = pytest.mark.slow

_MESSAGES = 50
_START_SECONDS = 10.0
_TOLD = "the database was left open"


def _deliver(server: RunningServer) -> None:
    with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=20) as smtp:
        for number in range(_MESSAGES):
            smtp.sendmail("", [ALICE], f"Subject: number {number}\r\n\r\nkept\r\n")


def _count(server: RunningServer) -> object:
    import imaplib

    with imaplib.IMAP4_SSL("localhost", server.ports["imaps"], ssl_context=server.tls()) as imap:
        imap.login(ALICE, server.passwords[ALICE])
        return imap.select("INBOX")[1]


def _torn_ends(log: str) -> int:
    return sum("segment read" in line and "torn end" in line for line in log.splitlines())


def test_after_a_sudden_end_the_start_is_quick_and_told() -> None:
    with running_server() as server:
        _deliver(server)
        server.kill()
        before = _newest_segment(server.data_dir).stat().st_size
        torn = tear(server.data_dir, schedule(1, "tear"))
        assert "postroad.db-wal" in torn
        assert _newest_segment(server.data_dir).stat().st_size > before
        began = time.monotonic()
        server.start()
        took = time.monotonic() - began

        assert took < _START_SECONDS
        assert server.log().count(_TOLD) == 1
        assert _torn_ends(server.log()) == 1
        assert _count(server) == [str(_MESSAGES).encode()]
        verified = server.command("verify")
        assert verified.code == 0, verified


def test_after_an_orderly_end_nothing_is_told() -> None:
    with running_server() as server:
        _deliver(server)
        server.restart()
        assert _count(server) == [str(_MESSAGES).encode()]
        assert _TOLD not in server.log()
        assert _torn_ends(server.log()) == 0


def test_a_log_of_which_only_a_torn_header_is_left() -> None:
    """The kill came as the first octets of a new write-ahead log were written."""
    with running_server() as server:
        _deliver(server)
        server.stop()
        for name in ("postroad.db-wal", "blobs/index.db-wal"):
            (server.data_dir / name).write_bytes(bytes.fromhex("377f0682") + b"\0" * 9)
        server.start()
        assert _count(server) == [str(_MESSAGES).encode()]
        assert server.log().count(_TOLD) == 1


def test_an_index_that_is_gone_is_made_anew() -> None:
    """The index of the blobs can be thrown away (promise 2): the segments tell all."""
    with running_server() as server:
        _deliver(server)
        server.kill()
        for path in (server.data_dir / "blobs").glob("index.db*"):
            path.unlink()
        server.start()
        assert _count(server) == [str(_MESSAGES).encode()]
        verified = server.command("verify")
        assert verified.code == 0, verified


def _newest_segment(data_dir: Path) -> Path:
    return max((data_dir / "blobs").glob("*.seg"))
