"""`postroad app-password`."""

from cli.conftest import Command

ALICE = "alice@example.test"


def test_the_life_of_an_app_password(command: Command) -> None:
    made = command("app-password", "create", ALICE, "--name", "phone", "--scope", "imap", "--json")
    value = made.json
    assert value["scopes"] == ["imap"]
    assert len(value["password"]) == 19
    [listed] = command("app-password", "list", ALICE, "--json").json
    assert listed == {key: value[key] for key in ("id", "name", "scopes", "created_at")}
    assert "phone" in command("app-password", "list", ALICE).out
    revoked = command("app-password", "revoke", ALICE, value["id"])
    assert revoked.out == f"App password {value['id']} of {ALICE} is void now.\n"
    again = command("app-password", "revoke", ALICE, value["id"], "--json")
    assert (again.code, again.out) == (1, "")
    assert "Next: " in command("app-password", "list", ALICE).out


def test_it_is_shown_once_with_the_way_back(command: Command) -> None:
    made = command("app-password", "create", ALICE, "--name", "phone")
    assert made.out.startswith("App password for phone: ")
    assert f"Back: postroad app-password revoke {ALICE} " in made.out


def test_it_is_refused_with_a_reason(command: Command) -> None:
    assert command("app-password", "create", ALICE).code == 2
    assert command("app-password", "create", ALICE, "--name", "x", "--scope", "pop").code == 2
    assert command("app-password", "create", ALICE, "--name", "").code == 1
    assert command("app-password", "create", "bob@example.test", "--name", "x").code == 1
