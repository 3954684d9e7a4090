"""Exit codes, global options and errors of the command line as a whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.conftest import Command
from postroad.cli.main import app
from postroad.cli.reference import command_names


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "postroad needs a command"),
        (("account",), "postroad account needs a command"),
        (("--json", "account"), "postroad account needs a command"),
        (("acount", "list"), 'Unknown command "acount". Did you mean "account"?'),
        (("account", "ad"), "ad"),
        (("account", "list", "--jsn"), "Unknown option: --jsn. Did you mean --json?"),
        (("account", "add"), "requires an argument"),
        (("account", "list", "surplus"), "surplus"),
        (("account", "add", "a@example.test", "--role", "king"), "king"),
        (("account", "add", "a@example.test", "--quota", "big"), '--quota: "big" is not a size'),
        (("init", "--domain", "example.test"), "--admin"),
        (("queue", "retry"), "say which mail is meant"),
        (("queue", "list", "--limit", "many"), "many"),
        (("queue", "show", "nonsense"), '"nonsense" is not an id'),
        (("domain", "catch-all", "example.test"), "takes an ADDRESS, or --none"),
        (("account", "list", "--config"), "--config"),
    ],
)
def test_wrong_usage_exits_with_2(command: Command, words: tuple[str, ...], reason: str) -> None:
    ran = command(*words)
    assert ran.code == 2
    assert ran.err.startswith("postroad: ")
    assert reason in ran.err
    assert "Traceback" not in ran.err


def test_an_error_tells_where_the_help_is(command: Command) -> None:
    assert "See postroad account add --help\n" in command("account", "add").err


def test_global_options_go_before_or_after_the_command(command: Command) -> None:
    before = command("--data-dir", "data", "--json", "domain", "list")
    after = command("domain", "list", "--json", "--data-dir=data")
    assert before.out == after.out
    assert before.json[0]["name"] == "example.test"
    assert command("--data-dir=nowhere", "domain", "list").code == 1


@pytest.mark.parametrize("words", command_names(app), ids=" ".join)
def test_every_command_has_help_with_an_example(command: Command, words: tuple[str, ...]) -> None:
    ran = command(*words, "--help")
    assert ran.code == 0
    assert "Examples" in ran.out
    assert "Global options" in ran.out
    if words != ("init",):
        assert f"postroad {words[0]}" in ran.out


def test_without_data_every_command_says_what_to_do(bare: Command) -> None:
    ran = bare("account", "list")
    assert ran.code == 1
    assert ran.out == ""
    assert "Run postroad init first" in ran.err


def test_bad_settings_stop_every_command_with_all_faults(bare: Command) -> None:
    Path("postroad.yaml").write_text("workers: 0\nfoo: 1\n")
    ran = bare("account", "list")
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "postroad: postroad.yaml:1: workers: 0 workers are not possible: "
        "auto, or a number from 1 to 64",
        "postroad: postroad.yaml:2: foo: there is no such setting",
    ]


def test_a_wrong_master_key_is_told(command: Command) -> None:
    Path("data/master.key").write_text("00" * 32)
    ran = command("account", "list")
    assert ran.code == 1
    assert "master key" in ran.err


def test_a_damaged_database_is_told(command: Command) -> None:
    for name in ("postroad.db-wal", "postroad.db-shm"):
        Path("data", name).unlink(missing_ok=True)
    Path("data/postroad.db").write_bytes(b"not a database " * 1000)
    ran = command("account", "list")
    assert ran.code == 1
    assert ran.err.startswith("postroad: ")


def test_heavy_modules_are_loaded_only_by_those_who_need_them() -> None:
    heavy = ("apsw", "aiohttp", "cryptography", "dns", "ruamel", "starlette", "msgspec", "psutil")
    code = (
        "import sys, postroad.cli.main; "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_program_as_others_call_it(tmp_path: Path) -> None:
    """`init`, `account add` and `key create` in the forms on which scripts rely."""
    environ = {name: value for name, value in os.environ.items() if "POSTROAD" not in name}

    def postroad(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "postroad", "--data-dir", str(tmp_path / "data"), *words],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environ,
            check=False,
        )

    init = ("init", "--domain", "example.test", "--admin", "alice@example.test")
    made = postroad(*init, "--password-stdin", "--json", stdin="correct horse\n")
    assert made.returncode == 0, made.stderr
    assert '"password": "correct horse"' in made.stdout
    assert made.stderr == ""
    added = postroad(
        "account", "add", "bob@example.test", "--password-stdin", stdin="battery staple"
    )
    assert (added.returncode, added.stderr) == (0, "")
    key = postroad("key", "create", "--name", "ci", "--json")
    assert (key.returncode, key.stderr) == (0, "")
    assert '"token": "re_' in key.stdout
    again = postroad("account", "add", "bob@example.test", "--password-stdin", stdin="x" * 8)
    assert again.returncode == 1
    assert "bob@example.test is there already" in again.stderr
    assert postroad("account", "add").returncode == 2


def test_a_closed_pipe_is_no_crash(tmp_path: Path) -> None:
    line = f"{sys.executable} -m postroad config show --data-dir {tmp_path} | head -c 1"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert done.stderr == ""
