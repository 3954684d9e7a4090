"""Programs that are not ours: a test needs them, and says so where one is missing."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended; `out` has what it wrote to stdout and to stderr."""

    code: int
    out: str


def need(program: str, package: str) -> str:
    """Its path. Skips the test where it is missing, but fails it in CI."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        missing(f"{program} is not installed: it is NOT tested with (apt install {package})")
    return path


def missing(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def run(
    words: Sequence[object],
    *,
    stdin: bytes = b"",
    folder: Path | None = None,
    seconds: float = 60,
    environ: dict[str, str] | None = None,
) -> Done:
    """Run a program to its end."""
    done = subprocess.run(
        [str(word) for word in words],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        timeout=seconds,
        env={**os.environ, **(environ or {})},
        check=False,
    )
    return Done(done.returncode, done.stdout.decode("utf-8", "replace"))
