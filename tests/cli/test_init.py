"""`postroad init`: what it makes, and that it makes it once."""

import stat
from pathlib import Path

from cli.conftest import Command

INIT = ("init", "--domain", "Example.TEST", "--admin", "Alice@example.test")


def test_the_json_has_exactly_the_public_fields(bare: Command) -> None:
    made = bare(*INIT, "--json")
    assert (made.code, made.err) == (0, "")
    value = made.json
    assert set(value) == {"tenant", "domain", "admin", "password", "api_key", "dns"}
    assert value["domain"] == "example.test"
    assert value["admin"] == "alice@example.test"
    assert len(value["password"]) >= 20
    assert value["api_key"].startswith("re_")
    assert {"MX", "TXT"} == {record["type"] for record in value["dns"]}
    assert {"SPF", "DKIM", "DMARC", "Receiving"} == {record["purpose"] for record in value["dns"]}


def test_a_second_run_gives_the_same_and_no_secrets(bare: Command) -> None:
    first, second = bare(*INIT, "--json").json, bare(*INIT, "--json")
    assert second.code == 0
    assert second.json == {**first, "password": None, "api_key": None}
    assert "alice@example.test was there before" in second.err
    assert "postroad account passwd alice@example.test" in second.err
    assert len(bare("key", "list", "--json").json) == 1


def test_a_revoked_first_key_does_not_come_back(bare: Command) -> None:
    bare(*INIT)
    [key] = bare("key", "list", "--json").json
    bare("key", "revoke", key["id"])
    assert bare(*INIT, "--json").json["api_key"] is None
    assert bare("key", "list", "--json").json == []


def test_the_folder_and_the_master_key_are_private(bare: Command) -> None:
    bare(*INIT)
    assert stat.S_IMODE(Path("data").stat().st_mode) == 0o700
    assert stat.S_IMODE(Path("data/master.key").stat().st_mode) == 0o600


def test_for_people_it_prints_secrets_records_and_what_is_next(bare: Command) -> None:
    made = bare(*INIT, "--password-stdin", stdin="correct horse\r\nmore\n")
    assert "Password  correct horse\n" in made.out
    assert "API key   re_" in made.out
    assert 'example.test. IN TXT "v=spf1 mx ~all"' in made.out
    assert made.out.endswith("Next: postroad serve\n")


def test_another_domain_is_not_founded_in_the_same_folder(bare: Command) -> None:
    bare(*INIT)
    other = bare("init", "--domain", "other.test", "--admin", "a@other.test")
    assert other.code == 1
    assert "postroad domain add other.test" in other.err


def test_the_admin_has_an_address_in_the_domain(bare: Command) -> None:
    made = bare("init", "--domain", "example.test", "--admin", "alice@other.test")
    assert made.code == 1
    assert "--admin you@example.test" in made.err


def test_a_bad_password_is_refused_with_the_reason(bare: Command) -> None:
    assert "at least 8 characters" in bare(*INIT, "--password-stdin", stdin="short\n").err
    assert "no password came in" in bare(*INIT, "--password-stdin").err
    # What was begun is finished by the next run.
    assert bare(*INIT, "--password-stdin", stdin="long enough\n").code == 0


def test_a_folder_that_cannot_be_written_is_told(bare: Command) -> None:
    Path("data").write_text("a file")
    made = bare(*INIT)
    assert made.code == 1
    assert "data cannot be written" in made.err


def test_a_domain_of_the_real_world_is_not_trusted_without_a_look(bare: Command) -> None:
    bare("init", "--domain", "bücher.de", "--admin", "alice@bücher.de")
    [domain] = bare("domain", "list", "--json").json
    assert (domain["name"], domain["status"]) == ("xn--bcher-kva.de", "not_started")
