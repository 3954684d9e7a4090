"""`postroad account`, with and without --json."""

import getpass
import sys

import pytest

from cli.conftest import Command

BOB = "bob@example.test"
ADD = ("account", "add", BOB, "--password-stdin")


@pytest.fixture
def with_bob(command: Command) -> Command:
    assert command(*ADD, "--name", "Bob", stdin="battery staple\n").code == 0
    return command


def test_add(command: Command) -> None:
    made = command(*ADD, "--quota", "2GiB", "--role", "admin", "--json", stdin="battery staple")
    assert (made.code, made.err) == (0, "")
    value = made.json
    assert value["address"] == BOB
    assert value["quota_octets"] == 2 * 2**30
    assert value["role"] == "admin"
    assert value["disabled"] is False


def test_add_says_what_is_next(command: Command) -> None:
    made = command("account", "add", "BOB@example.test", "--password-stdin", stdin="long enough")
    assert made.out.startswith(f"Account {BOB} added.\nNext: ")


@pytest.mark.parametrize(
    ("address", "password", "reason"),
    [
        (BOB, "short", "at least 8 characters"),
        ("bob@elsewhere.test", "long enough", "postroad domain add elsewhere.test"),
        ("nonsense", "long enough", "write it as name@domain"),
        ("alice@example.test", "long enough", "postroad account passwd alice@example.test"),
    ],
)
def test_add_refuses_with_a_reason(
    command: Command, address: str, password: str, reason: str
) -> None:
    made = command("account", "add", address, "--password-stdin", stdin=password)
    assert (made.code, made.out) == (1, "")
    if "domain add" in reason:
        reason = "domain add elsewhere.test"
    assert reason in made.err


def test_add_without_a_terminal_wants_a_pipe(command: Command) -> None:
    made = command("account", "add", BOB)
    assert made.code == 2
    assert "--password-stdin" in made.err


def test_a_password_is_typed_twice(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["one of them", "another one", "the same one", "the same one"])
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(typed))
    monkeypatch.setattr("postroad.cli.passwords.sys", Terminal())
    different = command("account", "add", BOB)
    assert different.code == 1
    assert "the two passwords differ" in different.err
    assert command("account", "add", BOB).code == 0


class Terminal:
    """Stands for the module `sys` where stdin is a keyboard."""

    class stdin:  # as in sys
        @staticmethod
        def isatty() -> bool:
            return True


def test_list(with_bob: Command) -> None:
    assert [one["address"] for one in with_bob("account", "list", "--json").json] == [
        "alice@example.test",
        BOB,
    ]
    lines = with_bob("account", "list").out.splitlines()
    assert lines[0].split() == ["Address", "Name", "Role", "State", "Quota", "Since"]
    assert lines[2].split()[:5] == [BOB, "Bob", "member", "active", "unlimited"]


def test_show(with_bob: Command) -> None:
    with_bob("alias", "add", "sales@example.test", BOB)
    value = with_bob("account", "show", BOB, "--json").json
    assert "INBOX" in value["mailboxes"]
    assert value["aliases"] == ["sales@example.test"]
    assert value["used_octets"] == 0
    assert "Aliases        sales@example.test\n" in with_bob("account", "show", BOB).out
    missing = with_bob("account", "show", "nobody@example.test")
    assert (missing.code, missing.err) == (
        1,
        "postroad: there is no account nobody@example.test\n",
    )


def test_passwd(with_bob: Command) -> None:
    changed = with_bob("account", "passwd", BOB, "--password-stdin", stdin="another one")
    assert changed.out.startswith(f"Password of {BOB} changed.")
    short = with_bob("account", "passwd", BOB, "--password-stdin", stdin="short")
    assert short.code == 1
    told = with_bob("account", "passwd", BOB, "--password-stdin", "--json", stdin="another one")
    assert told.json == {"address": BOB, "changed": True}


def test_quota_is_changed_and_lifted(with_bob: Command) -> None:
    value = with_bob("account", "quota", BOB, "5GiB", "--json").json
    assert (value["quota_octets"], value["used_octets"]) == (5 * 2**30, 0)
    assert "room for 5GiB" in with_bob("account", "quota", BOB, "5GiB").out
    limited = with_bob("account", "quota", BOB, "5GiB", "--messages", "9", "--mailboxes", "12")
    assert "uses 0 octets of 5GiB, 0 messages of 9 and 6 mailboxes of 12." in limited.out
    value = with_bob("account", "quota", BOB, "5GiB", "--mailboxes", "none", "--json").json
    assert (value["quota_messages"], value["quota_mailboxes"]) == (9, None)
    assert (value["used_messages"], value["used_mailboxes"]) == (0, 6)
    assert "It is full" in with_bob("account", "quota", BOB, "none", "--messages", "0").out
    shown = with_bob("account", "show", BOB).out
    assert "Used           0 octets, 0 messages of 0 and 6 mailboxes\n" in shown
    assert with_bob("account", "quota", BOB, "none", "--json").json["quota_octets"] is None


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        ((BOB, "much"), 2, "SIZE: "),
        ((BOB, "none", "--messages", "many"), 2, "--messages: say a number or none"),
        ((BOB, "none", "--mailboxes", "9" * 16), 2, "--mailboxes: "),
        (("nobody@example.test", "1GiB"), 1, "there is no account nobody@example.test"),
    ],
)
def test_quota_refuses_with_a_reason(
    with_bob: Command, words: tuple[str, ...], code: int, reason: str
) -> None:
    refused = with_bob("account", "quota", *words)
    assert refused.code == code
    assert reason in refused.err


def test_disable_and_back(with_bob: Command) -> None:
    assert with_bob("account", "disable", BOB, "--json").json["disabled"] is True
    assert "disabled" in with_bob("account", "list").out
    assert with_bob("account", "disable", BOB, "--undo", "--json").json["disabled"] is False
    assert "Back: " in with_bob("account", "disable", BOB).out


def test_remove(with_bob: Command) -> None:
    assert with_bob("account", "remove", BOB, "--json").json == {"address": BOB, "removed": True}
    assert with_bob("account", "remove", BOB).code == 1
    assert len(with_bob("account", "list", "--json").json) == 1


def test_remove_asks_at_a_terminal(with_bob: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    class Keyboard(Terminal):
        class stdin(Terminal.stdin):
            @staticmethod
            def readline() -> str:
                return "no\n"

    Keyboard.stdout = sys.stdout  # type: ignore[attr-defined]  # stands for a module
    monkeypatch.setattr("postroad.cli.account.sys", Keyboard())
    refused = with_bob("account", "remove", BOB)
    assert refused.code == 1
    assert "nothing was removed" in refused.err
    assert with_bob("account", "remove", BOB, "--yes").code == 0
