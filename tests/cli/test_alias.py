"""`postroad alias`."""

from cli.conftest import Command

SALES = "sales@example.test"


def test_the_life_of_an_alias(command: Command) -> None:
    assert command("alias", "list").out == (
        "There is no alias. Next: postroad alias add ADDRESS TARGET\n"
    )
    assert command("alias", "list", "--json").json == []
    made = command("alias", "add", "Sales@example.test", "alice@example.test", "carol@far.example")
    assert made.out.startswith(
        f"Mail for {SALES} goes to alice@example.test, carol@far.example now.\n"
    )
    expected = {"address": SALES, "targets": ["alice@example.test", "carol@far.example"]}
    assert command("alias", "list", "--json").json == [expected]
    assert SALES in command("alias", "list").out
    assert command("alias", "remove", SALES, "--json").json == {"address": SALES, "removed": True}
    gone = command("alias", "remove", SALES)
    assert (gone.code, gone.err) == (1, f"postroad: there is no alias {SALES}\n")


def test_an_alias_is_refused_with_a_reason(command: Command) -> None:
    assert command("alias", "add", SALES).code == 2
    assert "cannot lead to itself" in command("alias", "add", SALES, SALES).err
    assert command("alias", "add", "alice@example.test", "bob@far.example").code == 1
    assert command("alias", "add", "a@elsewhere.test", "bob@far.example").code == 1
    made = command("alias", "add", SALES, "bob@far.example", "--json")
    assert made.json == {"address": SALES, "targets": ["bob@far.example"]}
