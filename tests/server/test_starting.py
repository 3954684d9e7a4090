"""What keeps the server from starting is said in words, with exit code 1 and no traceback."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop.programs import missing
from support.ports import HOST
from support.server import ALICE, MakeServer, RunningServer, only_sqlite

pytestmark = pytest.mark.slow


@pytest.fixture
def stopped(make_server: MakeServer) -> RunningServer:
    """A founded server that does not run."""
    server = make_server()
    server.stop()
    return server


@pytest.fixture
def unfounded() -> Iterator[RunningServer]:
    with tempfile.TemporaryDirectory(prefix="postroad-") as name:
        yield RunningServer(Path(name))


def _refused(server: RunningServer, *words: str) -> str:
    done = server.command(*words or ("serve",))
    assert done.code == 1, (done.code, done.out, done.err)
    assert "Traceback" not in done.err
    return done.err


def test_a_port_that_is_taken(stopped: RunningServer) -> None:
    for service in ("smtp", "imaps", "https"):
        with socket.create_server((HOST, stopped.ports[service])):
            said = _refused(stopped)
        assert f"{HOST}:{stopped.ports[service]}" in said
        assert f"listen.{service}" in said


def test_the_same_data_twice(make_server: MakeServer) -> None:
    """Only one process serves a folder, by accident too."""
    server = make_server()
    second = RunningServer(server.folder)
    second.config = server.folder / "second.yaml"
    second.write_config({})
    said = _refused(second)
    assert str(server.data_dir) in said
    assert server.is_ready()


def test_another_master_key(stopped: RunningServer) -> None:
    key = stopped.data_dir / "master.key"
    kept = key.read_text()
    key.write_text(secrets.token_hex(32))
    said = _refused(stopped)
    assert "master key" in said
    assert key.read_text().strip() not in said
    key.write_text(kept[:-10])
    assert "64 hex digits" in _refused(stopped)
    key.unlink()
    assert "restore" in _refused(stopped, "account", "list").lower()
    key.write_text(kept)
    stopped.start()


def test_a_lost_master_key_is_not_replaced_by_a_new_one(stopped: RunningServer) -> None:
    key = stopped.data_dir / "master.key"
    kept = key.read_text()
    key.unlink()
    assert "master key" in _refused(stopped)
    key.write_text(kept)
    stopped.start()


@only_sqlite
@pytest.mark.parametrize("octets", [b"", b"This is not a database." * 1000])
def test_a_database_that_is_none(stopped: RunningServer, octets: bytes) -> None:
    database = stopped.data_dir / "postroad.db"
    for name in ("postroad.db-wal", "postroad.db-shm"):
        (stopped.data_dir / name).unlink(missing_ok=True)
    database.write_bytes(octets)
    if octets:
        assert str(database) in _refused(stopped)
    else:
        # An empty file is an empty database: nothing is known, and that is told.
        assert "postroad init" in _refused(stopped, "key", "create", "--name", "x")


@only_sqlite
def test_a_database_with_a_hole(stopped: RunningServer) -> None:
    database = stopped.data_dir / "postroad.db"
    octets = bytearray(database.read_bytes())
    octets[4096 : 4096 * 20] = secrets.token_bytes(4096 * 19)
    database.write_bytes(octets)
    assert "database" in _refused(stopped)


@only_sqlite
def test_a_database_of_a_newer_version(stopped: RunningServer) -> None:
    database = stopped.data_dir / "postroad.db"
    script = (
        "import sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1])\n"
        "row = c.execute('select * from migration order by 1 desc limit 1').fetchone()\n"
        "c.execute('insert into migration values (?' + ', ?' * (len(row) - 1) + ')',\n"
        "          (row[0] + 1, *row[1:]))\n"
        "c.commit()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(database)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "newer" in _refused(stopped)


def test_a_folder_that_cannot_be_made(unfounded: RunningServer) -> None:
    (unfounded.folder / "file").write_text("")
    for place in (unfounded.folder / "file" / "data", Path("/proc/postroad")):
        unfounded.write_config({"data_dir": str(place)})
        assert "cannot be written" in _refused(unfounded)


def test_a_folder_on_a_disk_that_is_read_only(stopped: RunningServer) -> None:
    unshare = shutil.which("unshare")
    if os.geteuid() or unshare is None:
        missing("a read-only disk is NOT tested: only root can have one")
    serve = f"{sys.executable} -m postroad serve --config {stopped.config}"
    mount = f"mount --bind {stopped.data_dir} {stopped.data_dir}"
    done = subprocess.run(
        [unshare, "-m", "sh", "-c", f"{mount} && {mount} -o remount,ro,bind && {serve}"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": "src"},
        cwd=Path(__file__).parents[2],
        timeout=30,
        check=False,
    )
    said = done.stderr.decode()
    if "mount:" in said:
        missing("a read-only disk is NOT tested: this machine does not let us mount one")
    assert done.returncode == 1, said
    assert "Traceback" not in said
    assert str(stopped.data_dir) in said or "written" in said


def test_settings_that_are_wrong(unfounded: RunningServer) -> None:
    unfounded.write_config({"delivery.mode": "loud", "limits.connections": -1})
    said = _refused(unfounded)
    assert "delivery.mode" in said
    assert "limits.connections" in said


def test_a_certificate_that_is_none(stopped: RunningServer) -> None:
    bad = stopped.folder / "bad.pem"
    bad.write_text("not a certificate")
    stopped.write_config({"tls.certificate": str(bad), "tls.key": str(bad)})
    assert str(bad) in _refused(stopped)
    stopped.write_config({"tls.certificate": str(bad) + "-", "tls.key": str(bad)})
    assert "cannot be read" in _refused(stopped)


def test_founding_twice_changes_nothing(make_server: MakeServer) -> None:
    server = make_server()
    made = server.json("init", "--domain", "example.test", "--admin", ALICE)
    assert isinstance(made, dict)
    assert made["password"] is None
    assert made["api_key"] is None
