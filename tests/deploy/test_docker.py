"""deploy/docker and deploy/compose/s3: the images can be built of what they name."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.tools import (
    COMPOSE,
    DOCKERFILE,
    ROOT,
    hadolint,
    image_environment,
    instructions,
    ours,
)
from interop.programs import missing
from postroad.config.loader import load
from support.server import RunningServer, shared_server

__all__ = ["shared_server"]


@pytest.mark.parametrize("file", [DOCKERFILE, COMPOSE / "s3" / "Dockerfile"], ids=str)
def test_the_linter_finds_no_fault(file: Path, tmp_path: Path) -> None:
    done = hadolint(file)
    assert (done.code, done.out) == (0, "")
    broken = tmp_path / "Dockerfile"
    broken.write_text(file.read_text().replace("FROM ", "FORM ", 1))
    assert hadolint(broken).code != 0


def test_the_program_takes_the_images_settings() -> None:
    settings = load(None, ours(image_environment()))
    assert [str(settings.data_dir)] == instructions(DOCKERFILE, "VOLUME")
    listen = settings.listen
    named = [
        *(listen.smtp + listen.submission + listen.submissions),
        *(listen.imap + listen.imaps + listen.http + listen.https),
    ]
    ports = [one.removeprefix("0.0.0.0:") for one in named]
    assert [" ".join(ports)] == instructions(DOCKERFILE, "EXPOSE")


def test_it_is_nobody_of_the_machine() -> None:
    assert instructions(DOCKERFILE, "USER") == ["10001:10001"]
    assert "--uid 10001" in DOCKERFILE.read_text()


def test_versions_are_those_of_the_tests() -> None:
    wanted = re.search(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert wanted is not None
    assert f"uv=={wanted[1]}\n" in DOCKERFILE.read_text()
    script = (ROOT / "tests/support/install-s3").read_text()
    version = re.search(r"^version=(\S+)$", script, re.MULTILINE)
    assert version is not None
    assert f"versitygw@{version[1]}\n" in (COMPOSE / "s3" / "Dockerfile").read_text()


@pytest.mark.slow
@pytest.mark.real
def test_the_image_has_what_the_program_needs(tmp_path: Path) -> None:
    """The steps of its first stage, here: nothing is there but what was copied."""
    uv = ROOT / ".tools" / "bin" / "uv"
    if not uv.exists():
        missing("uv is not here: the image's steps are NOT tested (make setup)")
    allowed = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()
    for line in instructions(DOCKERFILE, "COPY"):
        if line.startswith("--from"):
            continue
        *sources, _ = line.split()
        for source in sources:
            assert f"!{source}" in allowed
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, tmp_path / source)
            else:
                shutil.copy(ROOT / source, tmp_path)
    place = tmp_path / "venv"
    for line in instructions(DOCKERFILE, "RUN"):
        if line.startswith("uv sync "):
            subprocess.run(
                [uv, *line.split()[1:], "--quiet", "--python", sys.executable],
                cwd=tmp_path,
                env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(place)},
                check=True,
                timeout=200,
            )
    shutil.rmtree(tmp_path / "src")
    done = subprocess.run(
        [place / "bin" / "postroad", "config", "check", "--json"],
        cwd=tmp_path,
        env=ours(image_environment()),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["ok"] is True


def test_the_health_check_tells(shared_server: RunningServer) -> None:
    (line,) = instructions(DOCKERFILE, "HEALTHCHECK")
    words = json.loads(line[line.index("[") :])
    assert words[0] == "python"
    script = words[-1].replace("127.0.0.1:8080", f"127.0.0.1:{shared_server.ports['http']}")
    assert script != words[-1]
    assert subprocess.run([sys.executable, "-c", script], timeout=30, check=False).returncode == 0
    nobody = script.replace(str(shared_server.ports["http"]), "1")
    ran = subprocess.run(
        [sys.executable, "-c", nobody], stderr=subprocess.DEVNULL, timeout=30, check=False
    )
    assert ran.returncode == 1
