"""A private S3 server for the tests: Versity's gateway over a temporary folder, on loopback."""

import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from postroad.adapters.s3 import S3Settings
from postroad.base.secret import Secret
from support.ports import HOST, free_ports

_PROGRAM = Path(__file__).parents[2] / ".tools" / "s3" / "versitygw"
_START_SECONDS = 30
ACCESS_KEY = "tests"
SECRET_KEY = "the-secret-of-the-tests"
REGION = "eu-test-1"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class S3Server:
    """`folder` holds a folder for each bucket, and a file for each object."""

    folder: Path
    port: int

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    def new_bucket(self) -> str:
        name = f"bucket-{next(_numbers)}"
        (self.folder / name).mkdir()
        return name

    def settings(self, bucket: str, *, endpoint: str = "", seconds: float = 20) -> S3Settings:
        return S3Settings(
            bucket=bucket,
            prefix="some/prefix",
            endpoint=endpoint or self.endpoint,
            region=REGION,
            access_key_id=ACCESS_KEY,
            secret_access_key=Secret(SECRET_KEY),
            timeout=timedelta(seconds=seconds),
        )


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A running server. Without its program the tests are skipped, but fail in CI."""
    if not _PROGRAM.exists():
        reason = "THERE IS NO S3 SERVER: blobs in a bucket are NOT tested (make s3server)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with _server() as server:
        yield server


@contextmanager
def _server() -> Iterator[S3Server]:
    with tempfile.TemporaryDirectory(prefix="s3-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for part in ("objects", "metadata"):
            (folder / part).mkdir()
        server = S3Server(folder / "objects", free_ports(1)[0])
        words: list[str | Path] = [
                 "--port", f"{HOST}:{server.port}", "--region", REGION, "--quiet", "--keep-alive",
                 "posix", "--sidecar", folder / "metadata", server.folder]  # fmt: skip
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [_PROGRAM, *words],
                env={"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            _wait(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(20)


def _wait(server: S3Server, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the S3 server ended"
        try:
            with urllib.request.urlopen(server.endpoint, timeout=2):  # noqa: S310  # our own server
                return
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the S3 server does not answer")
