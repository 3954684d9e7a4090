"""`postroad config`."""

from pathlib import Path

import pytest

from cli.conftest import Command
from support.authority import Authority


def test_check_without_faults(bare: Command) -> None:
    assert bare("config", "check").out.startswith("No faults in postroad.yaml.\n")
    assert bare("config", "check", "--json").json == {
        "file": "postroad.yaml",
        "ok": True,
        "problems": [],
    }


def test_check_tells_every_fault(bare: Command) -> None:
    Path("postroad.yaml").write_text("delivery: {mode: livee}\nfoo: 1\n")
    wrong = bare("config", "check")
    assert wrong.code == 1
    assert wrong.err.splitlines() == [
        'postroad: postroad.yaml:1: delivery.mode: "livee" is not one of sandbox, live '
        "(did you mean live?)",
        "postroad: postroad.yaml:2: foo: there is no such setting",
    ]
    as_json = bare("config", "check", "--json")
    assert (as_json.code, as_json.json["ok"]) == (1, False)
    assert as_json.json["problems"][1] == {
        "place": "postroad.yaml:2",
        "what": "foo: there is no such setting",
    }


def test_check_reads_the_authorities_of_certificates(bare: Command) -> None:
    Path("postroad.yaml").write_text("auth: {client_certificates: {ca: ca.pem}}\n")
    missing = bare("config", "check")
    assert missing.code == 1
    assert "the authorities ca.pem cannot be used" in missing.err
    Authority(Path(), "ca")
    assert bare("config", "check").code == 0


def test_check_without_a_file(bare: Command) -> None:
    Path("postroad.yaml").unlink()
    assert "there is no postroad.yaml" in bare("config", "check").out
    assert bare("config", "check", "--json").json["file"] is None


def test_show(bare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROAD_DELIVERY__RELAY", "smtp://me:secret@relay.example:587")
    shown = bare("config", "show")
    assert "me:secret" not in shown.out
    assert "smtp://me:***@relay.example:587" in shown.out
    value = bare("config", "show", "--json").json
    assert value["delivery"]["relay"] == "smtp://me:***@relay.example:587"
    assert value["listen"]["smtp"] == ["127.0.0.1:0"]
    assert value["delivery"]["queue"]["lease"] == "90s"


def test_show_what_is_not_the_default(bare: Command) -> None:
    Path("postroad.yaml").write_text("log: {level: debug}\n")
    assert bare("config", "show", "--changed", "--json").json == {"log": {"level": "debug"}}
    lines = bare("config", "show", "--changed").out.splitlines()
    assert [line.split() for line in lines[1:]] == [["log.level", "debug", "changed,", "live"]]
    Path("postroad.yaml").write_text("")
    assert bare("config", "show", "--changed").out == "Every setting has its default.\n"
