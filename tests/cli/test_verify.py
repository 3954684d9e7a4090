"""`postroad verify` on data that is whole, and on data that is not."""

import asyncio
from pathlib import Path

from cli.conftest import Command
from cli.test_queue import _submit


def test_whole_data(command: Command) -> None:
    asyncio.run(_submit("x@far.example"))
    assert command("verify", "--json").json == {"ok": True, "references": 1, "faults": []}
    whole = command("verify")
    assert whole.code == 0
    assert "1 references and every stored message" in whole.out


def test_a_missing_message_is_explained(command: Command) -> None:
    asyncio.run(_submit("x@far.example"))
    for file in Path("data/blobs").iterdir():
        file.unlink()
    found = command("verify", "--json")
    assert found.code == 1
    [fault] = found.json["faults"]
    assert fault["place"].endswith(" of programs of example.test")
    assert fault["what"] == "its octets are missing from the blob store"
    assert "postroad backup restore" in fault["advice"]
    assert "1 faults found." in command("verify").out


def test_a_damaged_message_is_explained(command: Command) -> None:
    asyncio.run(_submit("x@far.example"))
    [segment] = [one for one in Path("data/blobs").iterdir() if b"hello" in one.read_bytes()]
    octets = bytearray(segment.read_bytes())
    at = octets.index(b"hello")
    octets[at : at + 5] = b"jello"
    segment.write_bytes(octets)
    found = command("verify", "--json")
    assert found.code == 1
    assert segment.name in found.json["faults"][0]["place"]
