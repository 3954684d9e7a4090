"""The stack of compose.yaml with its own scripts and settings, without containers."""

import imaplib
import os
import re
import smtplib
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from deploy.tools import COMPOSE, ROOT, image_environment, make_secrets, ours, services
from interop.programs import missing
from support.ports import HOST, free_ports
from support.postgres import programs, run_program, unprivileged
from support.services import Service, redis_server

__all__ = ["redis_server"]

_SECONDS = 60
_S3 = ROOT / ".tools" / "s3"
_HBA = "local all all trust\nhost all all all scram-sha-256\n"  # as the image makes it


def wait(is_there: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not is_there():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.1)


@contextmanager
def process(
    words: Sequence[object], environ: Mapping[str, str], folder: Path, user: str | None = None
) -> Iterator[None]:
    """One that runs until it is told to end, and then does so in good order."""
    name = f"{len(list(folder.glob('*.log')))}.log"
    with (folder / name).open("wb") as log:
        running = subprocess.Popen(
            [str(word) for word in words],
            env={**os.environ, **environ},
            cwd=folder,
            user=user,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield
        assert running.poll() is None, (folder / name).read_text()
    finally:
        running.terminate()
        code = running.wait(_SECONDS)
    assert code == 0, (folder / name).read_text()


@contextmanager
def databases(folder: Path, secrets: Path) -> Iterator[int]:
    """The primary as the image makes it, and its standby; the port of the primary."""
    binaries = programs()
    if binaries is None:
        missing("PostgreSQL is not installed: the stack is NOT run (apt install postgresql)")
    folder.mkdir()
    user = unprivileged(folder)
    port, standby_port = free_ports(2)
    place, password = folder / "primary", secrets / "database_password"
    environ = {
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "PGDATA": str(place),
        "PGHOST": str(folder),
        "PGPORT": str(port),
        "POSTGRES_USER": "postroad",
        "POSTGRES_DB": "postroad",
        "SECRETS": str(secrets),
    }
    made = ["-U", "postroad", f"--pwfile={password}", "--encoding=UTF8", "--locale=C"]
    run_program([binaries / "initdb", "-D", place, *made], user)
    (place / "pg_hba.conf").write_text(_HBA)
    options = f"-k {folder} -p {port} -c listen_addresses="
    control = [binaries / "pg_ctl", "-D", place, "-w", "-s", "-l", folder / "log"]
    run_program([*control, "-o", options, "start"], user)
    client = [str(binaries / "psql"), "-XAt", "-h", str(folder), "-p", str(port), "-U", "postroad"]
    try:
        run_program([*client, "-d", "postgres", "-c", "CREATE DATABASE postroad"], user)
        subprocess.run(
            ["sh", COMPOSE / "postgres" / "primary.sh"],
            env={**os.environ, **environ},
            user=user,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=True,
        )
        run_program([*control, "-o", options + HOST, "restart"], user)
        environ |= {"PGDATA": str(folder / "standby"), "PRIMARY": HOST}
        of_standby = ["-k", folder, "-p", standby_port, "-c", "listen_addresses="]
        words = ["sh", COMPOSE / "postgres" / "standby.sh", *of_standby]
        query = [*client, "-d", "postroad", "-c", "SELECT sync_state FROM pg_stat_replication"]
        with process(words, environ, folder, user):
            wait(lambda: b"quorum" in subprocess.check_output(query), "a synchronous standby")
            yield port
    finally:
        run_program([*control, "-m", "immediate", "stop"], user)


@contextmanager
def bucket(folder: Path, secrets: Path) -> Iterator[int]:
    if not (_S3 / "versitygw").exists():
        missing("THERE IS NO S3 SERVER: the stack is NOT run (make s3server)")
    folder.mkdir()
    (port,) = free_ports(1)
    environ = {
        "PATH": f"{_S3}:{os.environ['PATH']}",
        "LISTEN": f"{HOST}:{port}",
        "OBJECTS": str(folder / "objects"),
        "SECRETS": str(secrets),
    }
    asked = services()["s3"]["healthcheck"]["test"][-1].replace("127.0.0.1:7070", f"{HOST}:{port}")
    with process(["sh", COMPOSE / "s3" / "serve.sh"], environ, folder):
        wait(lambda: answers(asked), "the health check of the S3 server")
        yield port


def answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # our own
        return bool(answer.status == 200 and b"warnings" not in answer.read())
    return False


class Stack:
    """The settings of the file, with the addresses of this machine in place of its names."""

    def __init__(self, folder: Path, secrets: Path, places: Mapping[str, int]) -> None:
        self.folder = folder
        self._places = places
        self._found = services()
        self._file = folder / "postroad.yaml"
        self._file.write_text(self._moved((secrets / "postroad.yaml").read_text()))
        self._key = secrets / "master_key"

    def _moved(self, text: str) -> str:
        for name, port in self._places.items():
            text = re.sub(rf"(?<=[/@]){name}:\d+", f"{HOST}:{port}", text)
        return text

    def words(self, name: str) -> list[str]:
        return [sys.executable, "-m", "postroad", *self._found[name].get("command", ["serve"])]

    def environ(self, name: str) -> dict[str, str]:
        """With ports of its own for all that the image listens at."""
        given = ours(image_environment()) | ours(self._found[name]["environment"])
        environ = {one: self._moved(text) for one, text in given.items()}
        for one in environ:
            if one.startswith("POSTROAD_LISTEN__"):
                environ[one] = f"{HOST}:{free_ports(1)[0]}"
        return environ | {
            "POSTROAD_CONFIG": str(self._file),
            "POSTROAD_MASTER_KEY_FILE": str(self._key),
            "POSTROAD_DATA_DIR": str(self.folder / name),
            "POSTROAD_LIMITS__FREE_DISK_OCTETS": "0",
            "PYTHONPATH": str(ROOT / "src"),
        }


def port_of(environ: Mapping[str, str], service: str) -> int:
    return int(environ[f"POSTROAD_LISTEN__{service}"].rpartition(":")[2])


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where PostgreSQL may look, which has a user of its own."""
    with tempfile.TemporaryDirectory(prefix="stack-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.slow
@pytest.mark.real
def test_mail_that_one_node_takes_is_read_at_the_other(
    folder: Path, redis_server: Service
) -> None:
    secrets = folder / "secrets"
    make_secrets(secrets)
    secrets.chmod(0o755)
    with (
        databases(folder / "postgres", secrets) as primary,
        bucket(folder / "s3", secrets) as s3,
    ):
        places = {"primary": primary, "s3": s3, "redis": redis_server.port}
        stack = Stack(folder, secrets, places)
        init = subprocess.run(
            stack.words("init"),
            env={**os.environ, **stack.environ("init")},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert init.returncode == 0, init.stderr
        password = re.findall(r"^Password +(\S+)$", init.stdout, re.MULTILINE)[0]
        one, two = stack.environ("node1"), stack.environ("node2")
        with (
            process(stack.words("node1"), one, folder),
            process(stack.words("node2"), two, folder),
        ):
            for node in (one, two):
                ready = f"http://{HOST}:{port_of(node, 'HTTP')}/readyz"
                wait(lambda ready=ready: answers(ready), "a node that is ready")  # type: ignore[misc]
            with smtplib.SMTP(HOST, port_of(one, "SMTP"), "else.test", timeout=_SECONDS) as mail:
                text = "Subject: Over two nodes\r\n\r\nHi.\r\n"
                mail.sendmail("carol@else.test", "admin@example.org", text)
            unsafe = ssl._create_unverified_context()  # noqa: S323  # its certificate is made just now
            with imaplib.IMAP4_SSL(HOST, port_of(two, "IMAPS"), ssl_context=unsafe) as reader:
                reader.login("admin@example.org", password)
                wait(lambda: reader.select("INBOX")[1] == [b"1"], "the message at the other node")
                _, fetched = reader.fetch("1", "BODY[TEXT]")
                assert isinstance(fetched[0], tuple)
                assert fetched[0][1] == b"Hi.\r\n"
