"""The checkers of deploy/, from tests/support/install-deploy, and what they read."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interop.programs import Done, missing, run

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "docker" / "Dockerfile"
COMPOSE = DEPLOY / "compose"
Rendered = dict[str, Any]
"""JSON of a file in a format that is not ours."""


def tool(name: str) -> Path:
    """Its path. Skips the test where it is missing, but fails it in CI."""
    for folder in (ROOT / ".tools" / "deploy", ROOT / ".tools" / "bin"):
        if (folder / name).exists():
            return folder / name
    missing(f"{name} is not here: deploy/ is NOT checked with it (make deploytools)")


def instructions(dockerfile: Path, name: str) -> list[str]:
    """What follows an instruction, lines put together."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [line.partition(" ")[2] for line in lines if line.startswith(f"{name} ")]


def image_environment() -> dict[str, str]:
    """What the image sets for the program."""
    words = " ".join(instructions(DOCKERFILE, "ENV")).split()
    return dict(word.split("=", 1) for word in words)


def make_secrets(folder: Path) -> None:
    subprocess.run([COMPOSE / "make-secrets", folder], check=True, timeout=30)


def compose(file: Path = COMPOSE / "compose.yaml") -> Done:
    """What the Compose specification's own reader says."""
    known = {name: value for name, value in os.environ.items() if "POSTROAD" not in name}
    done = subprocess.run(
        [tool("compose-spec"), "-format", "json", file],
        cwd=file.parent,
        env=known,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, (done.stdout or done.stderr).decode())


def stack() -> Rendered:
    """The Compose file, with all that the reader fills in."""
    done = compose()
    assert done.code == 0, done.out
    rendered: Rendered = json.loads(done.out)
    return rendered


def services() -> Rendered:
    found: Rendered = stack()["services"]
    return found


def hadolint(dockerfile: Path) -> Done:
    return run([tool("hadolint"), "--no-color", dockerfile])


def ours(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that are Postroad's."""
    return {name: value for name, value in environment.items() if name.startswith("POSTROAD_")}
