"""The official Node SDK of Resend, unchanged, against our REST API."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from interop.programs import missing, need
from restapi.fakes import FULL, SENDING, World
from restapi.server import served

pytestmark = pytest.mark.real

VERSION = "6.38.0"
FOLDER = Path(__file__).parents[2] / ".cache" / "node" / f"resend-{VERSION}"


@pytest.fixture(scope="module")
def sdk() -> Path:
    """The folder the SDK is installed into, once."""
    need("npm", "npm")
    if not (FOLDER / "node_modules" / "resend").exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(
            [*command, f"resend@{VERSION}"],
            cwd=FOLDER,
            capture_output=True,
            timeout=240,
            check=False,
        )
        if done.returncode:
            missing(f"npm cannot install the SDK, which is NOT tested: {done.stderr[-300:]!r}")
    return FOLDER


def test_the_sdk_works_unchanged(sdk: Path) -> None:
    world = World()
    script = Path(__file__).with_name("resend_node.mjs")
    with served(world.app()) as address:
        done = subprocess.run(
            ["node", str(script), str(sdk), address, FULL, SENDING],
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr.decode()
    results: dict[str, dict[str, Any]] = json.loads(done.stdout)
    refused, restricted = results.pop("refused"), results.pop("restricted")
    assert {name: result["error"] for name, result in results.items()} == dict.fromkeys(results)
    assert refused["error"]["name"] == "validation_error"
    assert restricted["error"]["name"] == "restricted_api_key"
    sent = results["sent"]["data"]["id"]
    assert results["shown"]["data"]["reply_to"] == ["r@example.com"]
    assert [item["id"] for item in results["listed"]["data"]["data"]] == [sent]
    assert [error["index"] for error in results["mixed"]["data"]["errors"]] == [1]
    assert results["domainRemoved"]["data"]["deleted"] is True
    draft = next(iter(world.sending.drafts.values()))
    assert b"aGVsbG8=" in draft.octets
