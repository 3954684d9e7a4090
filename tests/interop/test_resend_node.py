"""The official Node SDK of Resend, unchanged, against our REST API."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from interop.npm import npm_package
from restapi.fakes import FULL, SENDING, World
from restapi.server import served

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def sdk() -> Path:
    return npm_package("resend", "6.38.0")


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
