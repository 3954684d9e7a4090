"""`postroad mailbox` and shared accounts."""

from cli.conftest import Command

INFO = "info@example.test"
ALICE = "alice@example.test"
ACL = ("mailbox", "acl")


def test_a_shared_account_and_its_rights(command: Command) -> None:
    made = command("account", "add", INFO, "--shared", "--json")
    assert (made.json["address"], made.json["shared"]) == (INFO, True)
    assert "active, shared" in command("account", "list").out
    owner = {"identifier": INFO, "rights": "lrswipkxteacd"}
    assert command(*ACL, "list", INFO, "inbox", "--json").json == [owner]
    given = command(*ACL, "set", INFO, "INBOX", ALICE, "lrsw", "--json")
    assert given.json == [owner, {"identifier": ALICE, "rights": "lrsw"}]
    given = command(*ACL, "set", INFO, "INBOX", ALICE, "-w", "--json")
    assert given.json == [owner, {"identifier": ALICE, "rights": "lrs"}]
    given = command(*ACL, "set", INFO, "INBOX", "anyone", "+d", "--json")
    assert {"identifier": "anyone", "rights": "ted"} in given.json
    given = command(*ACL, "delete", INFO, "INBOX", "anyone", "--json")
    assert given.json == [owner, {"identifier": ALICE, "rights": "lrs"}]
    assert ALICE in command(*ACL, "list", INFO, "INBOX").out


def test_nobody_logs_in_as_a_shared_account(command: Command) -> None:
    command("account", "add", INFO, "--shared")
    refused = command("app-password", "add", INFO, "--name", "phone")
    assert refused.code != 0
    assert command("account", "add", "b@example.test", "--shared", "--role", "admin").code == 2
    again = command("account", "add", INFO, "--shared")
    assert again.code == 1


def test_wrong_rights_are_refused_with_a_reason(command: Command) -> None:
    command("account", "add", INFO, "--shared")
    wrong = command(*ACL, "set", INFO, "INBOX", ALICE, "lrq")
    assert wrong.code == 2
    assert "lrswipkxteacd" in wrong.err
    for words in (
        ("set", INFO, "INBOX", "nobody@example.test", "lr"),
        ("set", INFO, "Nowhere", ALICE, "lr"),
        ("set", INFO, "INBOX", INFO, "lr"),
        ("list", "nobody@example.test", "INBOX"),
    ):
        refused = command(*ACL, *words)
        assert (refused.code, refused.out) == (1, "")


def test_virtual_mailboxes(command: Command) -> None:
    virtual = ("mailbox", "virtual")
    command("account", "add", INFO, "--shared")
    assert "There is none" in command(*virtual, "list", INFO).out
    made = command(*virtual, "add", INFO, "Boss", "--search", "FROM boss@", "--in", "INBOX")
    assert made.out.startswith("Mailbox Virtual/Boss added. It is shown once")
    expected = {"name": "Virtual/Boss", "search": "FROM boss@", "in": ["INBOX"]}
    assert command(*virtual, "list", INFO, "--json").json == [expected]
    assert command(*virtual, "add", INFO, "Boss", "--search", "SEEN").code == 1
    assert "is no search" in command(*virtual, "add", INFO, "x", "--search", "NONSENSE").err
    unknown = command(*virtual, "add", INFO, "x", "--search", "SEEN", "--in", "Nowhere")
    assert (unknown.code, "has no mailbox Nowhere" in unknown.err) == (2, True)
    assert command(*virtual, "add", INFO, "a/b", "--search", "SEEN").code == 1
    removed = command(*virtual, "remove", INFO, "Boss", "--json").json
    assert removed == {"name": "Virtual/Boss", "removed": True}
    assert command(*virtual, "remove", INFO, "Boss").code == 1
