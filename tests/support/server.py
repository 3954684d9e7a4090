"""The real server as a process of its own, on free ports of this machine, for tests.

A test file asks for `shared_server` (one for the whole run: add mail, but change nothing for
others) or for `make_server` (one of its own, with other settings) after importing the fixture.
When a server ends, its log must hold no error and no traceback.
"""

import atexit
import contextlib
import functools
import itertools
import json
import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from support.ports import HOST, free_ports
from support.postgres import Server, programs, run_postgres

DOMAIN = "example.test"
HOSTNAME = "mail.example.test"
ALICE = "alice@example.test"
BOB = "bob@example.test"
SERVICES = ("smtp", "submission", "submissions", "imap", "imaps", "http", "https")
STORAGE = os.environ.get("TEST_STORAGE", "sqlite")
"""The database of every server for which a test says nothing else: `sqlite` or `postgres`."""
WORKERS = int(os.environ.get("TEST_SERVER_WORKERS", "1"))
"""Of every server for which a test says nothing else; more prove that nobody notices."""
only_sqlite = pytest.mark.skipif(STORAGE != "sqlite", reason="about SQLite's own files")
BLOBS = os.environ.get("TEST_BLOBS", "segments:blobs")
"""`storage.blobs` of every server for which a test says nothing else; ``{}`` is its own name."""
SOURCE = Path(__file__).parents[2] / "src"
Settings = Mapping[str, object]
"""Settings as the file has them, by their dotted paths: ``{"delivery.mode": "live"}``."""

_ERROR = re.compile(
    r"^\S+Z (?:error|critical) .*|^Traceback \(most recent call last\).*|.*Warning: .*"
    r"|^Task exception was never retrieved.*|^Exception ignored .*",
    re.MULTILINE,
)
_START_SECONDS = 30
_STOP_SECONDS = 40


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command of the program ended."""

    code: int
    out: str
    err: str


class RunningServer:
    """One data folder, and the server over it while it runs."""

    def __init__(
        self, folder: Path, settings: Settings | None = None, storage: str = STORAGE
    ) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.config = folder / "postroad.yaml"
        self.log_path = folder / "server.log"
        self.ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        self.passwords = {
            ALICE: "alice-" + secrets.token_hex(8),
            BOB: "bob-" + secrets.token_hex(8),
        }
        self.api_key = ""
        self.name = secrets.token_hex(8)
        self.environ: dict[str, str] = {}
        self.program = ["-m", "postroad"]
        """What Python runs as the server."""
        self.may_log_errors = False
        self._process: subprocess.Popen[bytes] | None = None
        self._settings: dict[str, object] = dict(settings or {})
        self._database = ""
        if storage == "postgres" and "storage.metadata" not in self._settings:
            self._database = f"server_{os.getpid()}_{next(_numbers)}"
            url = postgres().url(self._database)
            self._settings["storage.metadata"] = url
        self.write_config({})

    # Settings and commands

    def write_config(self, settings: Settings) -> None:
        """Write the file anew, with these settings on top; a running server is not told."""
        self._settings.update(settings)
        values: dict[str, object] = {
            "data_dir": str(self.data_dir),
            "hostname": HOSTNAME,
            "limits.free_disk_octets": 0,
            "shutdown.grace": "5s",
            "workers": WORKERS,
            "storage.blobs": BLOBS.replace("{}", self.name),
        }
        values |= {f"listen.{name}": [f"{HOST}:{port}"] for name, port in self.ports.items()}
        self.config.write_text(json.dumps(_tree(values | self._settings), indent=1))  # is YAML too

    def command(self, *words: str, stdin: str = "") -> Finished:
        """Run `postroad WORDS` with this server's settings, to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "postroad", *words, "--config", str(self.config)],
            input=stdin.encode(),
            capture_output=True,
            env=self._environment(),
            cwd=self.folder,
            timeout=60,
            check=False,
        )
        return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())

    def json(self, *words: str, stdin: str = "") -> object:
        """What a command prints with `--json`; it must succeed."""
        done = self.command(*words, "--json", stdin=stdin)
        assert done.code == 0, f"postroad {' '.join(words)}: exit {done.code}\n{done.err}"
        return json.loads(done.out)

    def found(self) -> None:
        """Make the data folder with the domain, both accounts and an API key."""
        self.make_database()
        made = self.json(
            "init", "--domain", DOMAIN, "--admin", ALICE, "--password-stdin",
            stdin=self.passwords[ALICE] + "\n",
        )  # fmt: skip
        assert isinstance(made, dict)
        self.api_key = str(made["api_key"])
        self.json("account", "add", BOB, "--password-stdin", stdin=self.passwords[BOB] + "\n")

    def make_database(self) -> None:
        """An empty one, where it is not a file."""
        if self._database:
            postgres().administer(f"CREATE DATABASE {self._database}")

    def empty_database(self) -> None:
        """Where it is not a file; the server does not run."""
        if self._database:
            postgres().administer(f"DROP DATABASE {self._database} WITH (FORCE)")
            self.make_database()

    def take_over(self, founded: "RunningServer") -> None:
        """Begin with a copy of the data of another one that does not run."""
        shutil.copytree(founded.data_dir, self.data_dir)
        if self._database:
            template = f"TEMPLATE {founded._database}"
            postgres().administer(f"CREATE DATABASE {self._database} {template}")
        self.passwords, self.api_key = dict(founded.passwords), founded.api_key

    @property
    def settings(self) -> Settings:
        """What was set for it in particular."""
        return self._settings

    # Its life

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.launch()
        process = self._process
        assert process is not None
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_ready():
            assert process.poll() is None, f"the server ended:\n{self.log()}"
            assert time.monotonic() < deadline, f"the server is not ready:\n{self.log()}"
            time.sleep(0.05)

    def launch(self) -> None:
        """Start it without waiting."""
        assert self._process is None
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.program, "serve", "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                cwd=self.folder,
            )

    def wait(self, seconds: float = _START_SECONDS) -> int:
        """Until it ends by itself; the exit code."""
        assert self._process is not None
        code = self._process.wait(seconds)
        self._process = None
        return code

    def terminate(self) -> None:
        """Ask it to end, without waiting."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """End it in good order, and look at its log."""
        self._end(signal.SIGTERM)
        self.check_log()

    def kill(self) -> None:
        """End it as a power cut would, as far as a process can be treated so."""
        workers = self.workers(hold=True)
        for worker in workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
        self._end(signal.SIGKILL)
        psutil.wait_procs(workers, _STOP_SECONDS)

    def workers(self, *, hold: bool = False) -> list[psutil.Process]:
        """Those that live; with `hold` the supervisor is stopped, so that it starts no others."""
        if self._process is None or self._process.poll() is not None:
            return []
        supervisor = psutil.Process(self._process.pid)
        if hold:
            supervisor.suspend()
        workers: list[psutil.Process] = supervisor.children()
        return workers

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        """For the fixtures: nothing is left behind, whatever happened."""
        try:
            self._close()
        finally:
            if self._database:
                postgres().administer(f"DROP DATABASE IF EXISTS {self._database} WITH (FORCE)")

    def _close(self) -> None:
        if self._process is None:
            self.check_log()
        elif self._process.poll() is None:
            self.stop()
        else:
            code, self._process = self._process.returncode, None
            raise AssertionError(f"the server ended by itself, exit {code}:\n{self.log()}")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.http}/readyz", timeout=5) as answer:  # noqa: S310  # our own server
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the server did not stop:\n{self.log()}") from None

    # What tests ask

    @property
    def http(self) -> str:
        return f"http://{HOST}:{self.ports['http']}"

    @property
    def certificate(self) -> Path:
        """The self-signed one, there once the server has started."""
        return self.data_dir / "tls" / "self-signed.pem"

    def tls(self) -> ssl.SSLContext:
        """A client's context that knows the server's certificate; its names include localhost."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def connect(self, service: str, seconds: float = 20) -> socket.socket:
        return socket.create_connection((HOST, self.ports[service]), seconds)

    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def errors(self) -> list[str]:
        return _ERROR.findall(self.log())

    def check_log(self) -> None:
        """Raises `AssertionError` when the log tells of a bug."""
        if not self.may_log_errors and self.errors():
            raise AssertionError(f"the server's log has errors:\n{self.log()[-6000:]}")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if "POSTROAD" not in name}
        # Without the folders of other things that run here, and without the warnings' silence.
        return kept | {"PYTHONPATH": str(SOURCE), "PYTHONWARNINGS": "default"} | self.environ


@contextlib.contextmanager
def running_server(
    settings: Settings | None = None, storage: str = STORAGE
) -> Iterator[RunningServer]:
    """A founded server that runs, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="postroad-", ignore_cleanup_errors=True) as name:
        server = RunningServer(Path(name), settings, storage)
        server.take_over(_founded(storage))
        with _running(server):
            yield server


@contextlib.contextmanager
def another_node(first: RunningServer) -> Iterator[RunningServer]:
    """A second server of the same installation, over the same database and the same blobs."""
    with tempfile.TemporaryDirectory(prefix="postroad-", ignore_cleanup_errors=True) as name:
        settings = dict(first.settings)
        settings.setdefault("storage.blobs", f"segments:{first.data_dir / 'blobs'}")
        server = RunningServer(Path(name), settings)
        server.data_dir.mkdir(mode=0o700)
        shutil.copy(first.data_dir / "master.key", server.data_dir)
        server.passwords, server.api_key = dict(first.passwords), first.api_key
        with _running(server):
            yield server


@contextlib.contextmanager
def _running(server: RunningServer) -> Iterator[None]:
    try:
        server.start()
        yield
    except BaseException:
        server.may_log_errors = True  # the first failure is what counts
        with contextlib.suppress(AssertionError):
            server.close()
        raise
    server.close()


@pytest.fixture(scope="session")
def shared_server() -> Iterator[RunningServer]:
    """One server for all tests that leave no settings or accounts changed."""
    with running_server() as server:
        yield server


_numbers = itertools.count()


@functools.cache
def postgres() -> Server:
    """One for the whole run; fails where PostgreSQL is not installed."""
    binaries = programs()
    assert binaries is not None, "PostgreSQL is not installed (apt install postgresql)"
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(run_postgres(binaries))


@functools.cache
def _founded(storage: str) -> RunningServer:
    """Founded once for the whole run, since that takes seconds; the tests get copies."""
    folder = Path(tempfile.mkdtemp(prefix="postroad-founded-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    server = RunningServer(folder, storage=storage)
    server.found()
    return server


MakeServer = Callable[..., RunningServer]


@pytest.fixture
def postgres_node() -> Iterator[RunningServer]:
    """A server of its own over PostgreSQL, whatever the others have."""
    with running_server(storage="postgres") as server:
        yield server


@pytest.fixture
def make_server() -> Iterator[MakeServer]:
    """Makes servers of a test's own: ``make_server({"delivery.mode": "live"})``."""
    with contextlib.ExitStack() as stack:
        yield lambda settings=None: stack.enter_context(running_server(settings))


def _tree(values: Settings) -> dict[str, object]:
    tree: dict[str, object] = {}
    for path, value in values.items():
        *sections, name = path.split(".")
        branch = tree
        for section in sections:
            inner = branch.setdefault(section, {})
            assert isinstance(inner, dict)
            branch = inner
        branch[name] = value
    return tree
