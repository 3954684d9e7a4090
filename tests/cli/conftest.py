"""Commands run in this process, on a data folder of their own."""

import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from postroad.cli.main import run

# Ports of the system's choice, so that `doctor` and `serve` disturb nobody.
SETTINGS = """
hostname: localhost
listen:
  smtp: ["127.0.0.1:0"]
  submission: ["127.0.0.1:0"]
  submissions: ["127.0.0.1:0"]
  imap: ["127.0.0.1:0"]
  imaps: ["127.0.0.1:0"]
  http: ["127.0.0.1:0"]
  https: ["127.0.0.1:0"]
limits: {free_disk_octets: 1MB}
"""


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # Any: whatever the command prints
        return json.loads(self.out)


Command = Callable[..., Ran]


@pytest.fixture(scope="session")
def first_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after `init`, to be copied."""
    folder = tmp_path_factory.mktemp("first")
    config = folder / "postroad.yaml"
    config.write_text(SETTINGS)
    data = folder / "data"
    words = ["--config", str(config), "--data-dir", str(data), "init", "--domain", "example.test"]
    with pytest.MonkeyPatch.context() as patch:
        _without_variables(patch)
        assert run([*words, "--admin", "alice@example.test"]) == 0
    return folder


@pytest.fixture
def bare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """A command in a folder with settings and no data; `stdin` is piped in."""
    monkeypatch.chdir(tmp_path)
    _without_variables(monkeypatch)
    Path("postroad.yaml").write_text(SETTINGS)

    def command(*words: str, stdin: str = "") -> Ran:
        piped = io.TextIOWrapper(io.BytesIO(stdin.encode()))
        monkeypatch.setattr(sys, "stdin", piped)
        capsys.readouterr()
        code = run(words)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return command


@pytest.fixture
def command(bare: Command, first_folder: Path, tmp_path: Path) -> Command:
    """A command in a folder after `init`."""
    shutil.copytree(first_folder / "data", tmp_path / "data")
    return bare


def _without_variables(patch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("POSTROAD_")]:
        patch.delenv(name)
