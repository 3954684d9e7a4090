"""deploy/compose: the file is sound, and its settings are the program's."""

import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.tools import COMPOSE, compose, image_environment, make_secrets, ours, services, stack
from postroad.config.loader import load


@pytest.mark.parametrize("name", ["init", "node1", "node2"])
def test_the_program_takes_the_settings(name: str, tmp_path: Path) -> None:
    make_secrets(tmp_path / "secrets")
    environ = ours(image_environment()) | ours(services()[name]["environment"])
    assert environ["POSTROAD_CONFIG"] == "/run/secrets/settings"
    environ["POSTROAD_CONFIG"] = str(tmp_path / "secrets" / "postroad.yaml")
    settings = load(None, environ)
    password = (tmp_path / "secrets" / "database_password").read_text()
    assert f":{password}@primary" in settings.storage.metadata
    assert settings.storage.blobs.startswith("s3://")


def test_nodes_are_given_time_to_end() -> None:
    for name in ("node1", "node2"):
        grace = services()[name]["stop_grace_period"]
        minutes, seconds = re.fullmatch(r"(?:(\d+)m)?(\d+)s", grace).groups("0")  # type: ignore[union-attr]
        given = timedelta(minutes=int(minutes), seconds=int(seconds))
        assert given > load(None, {}).shutdown.grace + timedelta(seconds=10)


def test_everything_that_is_waited_for_has_a_health_check() -> None:
    found = services()
    for service in found.values():
        for name, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert found[name]["healthcheck"]["test"]


def test_only_nodes_reach_the_outside() -> None:
    for name, service in services().items():
        is_node = name in ("init", "node1", "node2")
        assert ("outside" in service["networks"]) == is_node, name
        assert ("ports" in service) <= is_node, name


def test_what_services_name_is_there() -> None:
    """The reader alone does not mind."""
    whole = stack()
    for service in whole["services"].values():
        assert set(service["networks"]) <= set(whole["networks"])
        assert {one["source"] for one in service.get("secrets", ())} <= set(whole["secrets"])
        for one in service.get("volumes", ()):
            if one["type"] == "volume":
                assert one["source"] in whole["volumes"]
            else:
                assert Path(one["source"]).is_file()


def test_the_reader_refuses_what_is_wrong(tmp_path: Path) -> None:
    text = (COMPOSE / "compose.yaml").read_text()
    for before, after in (("read_only: true", "read_just: true"), ("image: postroad", "user: x")):
        broken = tmp_path / "compose.yaml"
        broken.write_text(text.replace(before, after, 1))
        assert compose(broken).code != 0, after


def test_secrets_are_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make_secrets(folder)
    before = {path.name: path.read_text() for path in folder.iterdir()}
    assert re.fullmatch(r"[0-9a-f]{64}", before["master_key"])
    assert len(set(before.values())) == len(before) == 4
    assert folder.stat().st_mode & 0o777 == 0o700
    again = subprocess.run(
        [COMPOSE / "make-secrets", folder], capture_output=True, timeout=30, check=False
    )
    assert again.returncode == 1
    assert b"nothing was changed" in again.stderr
    assert {path.name: path.read_text() for path in folder.iterdir()} == before
