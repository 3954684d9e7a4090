"""`postroad serve` and `postroad demo`: what they hand to the server."""

import json
import stat
from pathlib import Path

import pytest

from cli.conftest import Command
from postroad.base.errors import Invalid
from postroad.config.settings import LogFormat, Settings


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings of each server that was started."""
    served: list[Settings] = []

    def run(settings: Settings, **_: object) -> None:
        served.append(settings)

    monkeypatch.setattr("postroad.app.serving.run", run)
    return served


def test_serve_takes_the_settings(bare: Command, served: list[Settings]) -> None:
    assert bare("serve", "--data-dir", "there").code == 0
    assert served[0].data_dir == Path("there")
    assert served[0].log.format is LogFormat.TEXT
    assert bare("serve", "--json").code == 0
    assert served[1].log.format is LogFormat.JSON


def test_serve_fails_with_the_reason(bare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(settings: Settings, **_: object) -> None:
        raise Invalid("port 25 is taken")

    monkeypatch.setattr("postroad.app.serving.run", run)
    assert (bare("serve").code, bare("serve").err) == (1, "postroad: port 25 is taken\n")


def test_an_interrupt_is_no_traceback(bare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(settings: Settings, **_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("postroad.app.serving.run", run)
    ended = bare("serve")
    assert (ended.code, ended.err) == (130, "")


def test_a_demo_makes_people_and_shows_them_again(bare: Command, served: list[Settings]) -> None:
    first = bare("demo")
    assert first.code == 0
    kept = json.loads(Path("data/demo.json").read_text())
    assert set(kept) == {"alice@example.test", "bob@example.test", "api_key"}
    assert stat.S_IMODE(Path("data/demo.json").stat().st_mode) == 0o600
    for secret in kept.values():
        assert secret in first.out
    assert "curl -s http://127.0.0.1:0/emails" in first.out
    assert "smtp://127.0.0.1:0" in first.out
    assert "imaps://127.0.0.1:0/INBOX" in first.out
    assert bare("demo", "--json").json == kept
    assert len(served) == 2
    roles = {one["address"]: one["role"] for one in bare("account", "list", "--json").json}
    assert roles == {"alice@example.test": "owner", "bob@example.test": "member"}
    assert len(bare("key", "list", "--json").json) == 1


def test_a_demo_that_was_cut_short_is_finished(bare: Command, served: list[Settings]) -> None:
    Path("data").mkdir()
    Path("data/demo.json").write_text('{"alice@example.test": "kept before all"}')
    assert "kept before all" in bare("demo").out
    assert len(bare("account", "list", "--json").json) == 2


def test_a_demo_leaves_other_data_alone(command: Command, served: list[Settings]) -> None:
    refused = command("demo")
    assert refused.code == 1
    assert "postroad serve" in refused.err
    assert served == []


def test_a_damaged_demo_file_is_told(bare: Command, served: list[Settings]) -> None:
    Path("data").mkdir()
    for text in ("{", "[]", '{"a": 1}'):
        Path("data/demo.json").write_text(text)
        assert bare("demo").code == 1
