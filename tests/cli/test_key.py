"""`postroad key`."""

from cli.conftest import Command


def test_the_json_of_a_new_key_has_exactly_the_public_fields(command: Command) -> None:
    made = command("key", "create", "--name", "shop", "--json")
    assert set(made.json) == {"id", "token"}
    assert made.json["token"].startswith("re_")


def test_the_life_of_a_key(command: Command) -> None:
    words = ("--permission", "sending_access", "--domain", "example.test")
    key = command("key", "create", "--name", "shop", *words, "--json").json
    listed = {one["id"]: one for one in command("key", "list", "--json").json}
    assert listed[key["id"]]["permission"] == "sending_access"
    assert listed[key["id"]]["domain"] == "example.test"
    assert listed[key["id"]]["last_used_at"] is None
    assert key["token"] not in command("key", "list").out
    assert command("key", "revoke", key["id"], "--json").json == {"id": key["id"], "revoked": True}
    assert command("key", "revoke", key["id"]).code == 1
    assert len(command("key", "list", "--json").json) == 1


def test_a_key_is_refused_with_a_reason(command: Command) -> None:
    assert command("key", "create").code == 2
    assert "1 to 50 characters" in command("key", "create", "--name", "x" * 51).err
    assert (
        "nowhere.test" in command("key", "create", "--name", "x", "--domain", "nowhere.test").err
    )


def test_the_token_is_shown_once_with_the_way_back(command: Command) -> None:
    made = command("key", "create", "--name", "shop")
    assert made.out.startswith("API key for shop: re_")
    assert "Back: postroad key revoke " in made.out
