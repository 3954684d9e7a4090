"""`postroad domain` with a DNS in the test's hand."""

import pytest

from cli.conftest import Command
from postroad.base.errors import NotFound, TryLater
from postroad.ports.resolver import MailExchanger, Resolver


class Zone(Resolver):
    """Answers from tables; `is_silent` is a DNS that nobody reaches."""

    def __init__(self) -> None:
        self.exchangers: dict[str, str] = {}
        self.texts: dict[str, list[str]] = {}
        self.hosts: dict[str, tuple[str, ...]] = {}
        self.is_silent = False

    async def mx(self, domain: str) -> tuple[MailExchanger, ...]:
        self._check(domain, self.exchangers)
        return (MailExchanger(10, self.exchangers[domain]),)

    async def addresses(self, host: str) -> tuple[str, ...]:
        self._check(host, self.hosts)
        return self.hosts[host]

    async def txt(self, name: str) -> tuple[str, ...]:
        self._check(name, self.texts)
        return tuple(self.texts[name])

    def publish(self, records: list[dict[str, str]]) -> None:
        for record in records:
            if record["type"] == "MX":
                self.exchangers[record["name"]] = record["value"]
            else:
                self.texts.setdefault(record["name"], []).append(record["value"])

    def _check(self, name: str, table: object) -> None:
        if self.is_silent:
            raise TryLater(f"the DNS did not answer for {name}")
        if name not in table:  # type: ignore[operator]  # one of the dicts above
            raise NotFound(f"there is no domain {name} in the DNS")


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Zone:
    zone = Zone()
    monkeypatch.setattr("postroad.app.program.DnsResolver", lambda servers: zone)
    return zone


def test_add_shows_what_to_publish(command: Command) -> None:
    added = command("domain", "add", "Example.ORG.")
    assert added.out.startswith("Domain example.org added.\n")
    again = command("domain", "add", "bücher.de", "--json").json
    assert again["name"] == "xn--bcher-kva.de"
    assert len(again["dns"]) == 5
    refused = command("domain", "add", "example.org")
    assert (refused.code, refused.out) == (1, "")
    assert command("domain", "add", "no domain").code == 1


def test_list_and_show(command: Command) -> None:
    [one] = command("domain", "list", "--json").json
    assert (one["name"], one["status"], one["catch_all"]) == ("example.test", "verified", None)
    assert "example.test  verified" in command("domain", "list").out
    shown = command("domain", "show", "example.test", "--json").json
    assert shown["accounts"] == ["alice@example.test"]
    assert {key["algorithm"] for key in shown["dkim"]} == {"rsa-sha256", "ed25519-sha256"}
    assert "Accounts   alice@example.test\n" in command("domain", "show", "EXAMPLE.test").out
    missing = command("domain", "show", "nowhere.test")
    assert (missing.code, missing.err) == (1, "postroad: there is no domain nowhere.test\n")


def test_dns_is_a_table_and_lines_for_a_zone_file(command: Command) -> None:
    shown = command("domain", "dns", "example.test")
    assert "For        Type  Name" in shown.out
    assert "example.test. IN MX 10 localhost.\n" in shown.out
    # RFC 1035 section 3.3: a string has at most 255 octets.
    assert all(len(piece) <= 255 for piece in shown.out.split('"')[1::2])
    value = command("domain", "dns", "example.test", "--json").json
    assert value["domain"] == "example.test"
    assert value["records"][0] == {
        "purpose": "Receiving",
        "name": "example.test",
        "type": "MX",
        "value": "localhost",
        "priority": 10,
    }


def test_verify_tells_what_is_missing(command: Command, zone: Zone) -> None:
    command("domain", "add", "example.de")
    missing = command("domain", "verify", "example.de")
    assert missing.code == 1
    assert "example.de is not verified." in missing.out
    assert 'example.de. IN TXT "v=spf1 mx ~all"' in missing.out
    zone.publish(command("domain", "dns", "example.de", "--json").json["records"])
    found = command("domain", "verify", "example.de", "--json")
    assert (found.code, found.json["status"]) == (0, "verified")
    assert all(record["published"] for record in found.json["records"])


def test_verify_can_be_told_to_trust(command: Command, zone: Zone) -> None:
    command("domain", "add", "example.de")
    assert command("domain", "verify", "example.de", "--trust").out == "example.de is verified.\n"


def test_verify_says_when_the_dns_is_silent(command: Command, zone: Zone) -> None:
    command("domain", "add", "example.de")
    zone.is_silent = True
    silent = command("domain", "verify", "example.de")
    assert silent.code == 1
    assert "the DNS did not answer" in silent.err
    assert "Try again" in silent.err


def test_catch_all(command: Command) -> None:
    given = command("domain", "catch-all", "example.test", "alice@example.test")
    assert given.out == "Mail for unknown names at example.test goes to alice@example.test now.\n"
    none = command("domain", "catch-all", "example.test", "--none", "--json")
    assert none.json["catch_all"] is None
    both = command("domain", "catch-all", "example.test", "alice@example.test", "--none")
    assert both.code == 2
    assert command("domain", "catch-all", "example.test", "nobody@example.test").code == 1


def test_remove(command: Command) -> None:
    used = command("domain", "remove", "example.test")
    assert used.code == 1
    command("domain", "add", "example.de")
    assert command("domain", "remove", "example.de", "--json").json == {
        "domain": "example.de",
        "removed": True,
    }
    assert "refused from now on" not in command("domain", "remove", "example.de").out
