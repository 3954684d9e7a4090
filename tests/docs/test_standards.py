"""The table of standards agrees with what the code cites and announces."""

import importlib.util
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from postroad.model.ids import AccountId
from postroad.model.principal import Principal
from postroad.sessions.imap import commands
from postroad.sessions.imap.feature import Context as ImapContext
from postroad.sessions.imap.feature import Services
from postroad.sessions.imap.settings import Cleartext as ImapCleartext
from postroad.sessions.imap.settings import ImapSettings
from postroad.sessions.imap.settings import Peer as ImapPeer
from postroad.sessions.sasl.exchange import Authenticator, Circumstances, OauthHint, TlsEvidence
from postroad.sessions.smtp.context import Context as SmtpContext
from postroad.sessions.smtp.extensions import EXTENSIONS
from postroad.sessions.smtp.ports import Peer, Reception, Tls
from postroad.sessions.smtp.settings import Role, SmtpSettings

EVIDENCE = TlsEvidence(("alice@example.org",), {"tls-unique": b"x"})
SASL = Circumstances(scram=True, oauth=OauthHint("", ""))
ROOT = Path(__file__).parents[2]
TABLE: dict[str, dict[str, object]] = tomllib.loads(
    (ROOT / "docs" / "standards.toml").read_text(encoding="utf-8")
)
STATUSES = {"full", "partial", "planned", "not_wanted"}
_CITED = re.compile(r"\bRFCs? (\d{3,4})")


def cited() -> dict[str, list[str]]:
    """The RFCs that the source names, with the files that do."""
    found: dict[str, list[str]] = {}
    source = ROOT / "src"
    for path in sorted([*source.rglob("*.py"), *source.rglob("*.sql")]):
        for number in set(_CITED.findall(path.read_text(encoding="utf-8"))):
            found.setdefault(f"rfc{int(number)}", []).append(str(path.relative_to(source)))
    return found


def texts(row: dict[str, object], key: str) -> list[str]:
    value = row.get(key, [])
    assert isinstance(value, list)
    assert all(isinstance(one, str) for one in value)
    return value


def holders(protocol: str) -> dict[str, list[str]]:
    """Each name that the protocol announces, with the rows that stand for it."""
    found: dict[str, list[str]] = {}
    for key, row in TABLE.items():
        for name in texts(row, protocol):
            found.setdefault(name, []).append(key)
    return found


def imap_capabilities() -> Iterator[str]:
    """All that is announced in any state, before or after TLS and login, by any setting."""
    for literal_minus in (False, True):
        for cleartext in ImapCleartext:
            for has_tls in (False, True):
                context = ImapContext(
                    cast(Services, None),  # what is announced depends on no service
                    ImapSettings(
                        "mail.example.org", cleartext, literal_minus=literal_minus, sasl=SASL
                    ),
                    ImapPeer("127.0.0.1", is_loopback=True),
                    has_tls,
                    not has_tls,
                    commands.capabilities,
                    EVIDENCE,
                )
                yield from map(bytes.decode, commands.capabilities(context))
                context.principal = cast(Principal, AccountId(1))  # only that there is one counts
                yield from map(bytes.decode, commands.capabilities(context))


def ehlo_keywords() -> Iterator[str]:
    for role in Role:
        for tls in (None, Tls("TLSv1.3", "TLS_AES_256_GCM_SHA384")):
            context = SmtpContext(
                SmtpSettings(
                    "mail.example.org", max_octets=1000, max_recipients=5, max_errors=10, sasl=SASL
                ),
                role,
                Peer("192.0.2.1"),
                cast(Reception, None),  # what is announced depends on no service
                cast(Authenticator, None),  # the same
                can_start_tls=tls is None,
                tls=tls,
            )
            for extension in EXTENSIONS:
                line = extension.ehlo(context)
                if line is not None:
                    yield line.split(" ")[0]


def without_value(capability: str) -> str:
    """The name of a capability whose value is a number or a setting of ours."""
    return capability.partition("=")[0] if capability.startswith("APPENDLIMIT=") else capability


def test_every_rfc_that_the_code_cites_is_in_the_table() -> None:
    missing = {key: files for key, files in cited().items() if key not in TABLE}
    assert missing == {}, "add a row to docs/standards.toml"


@pytest.mark.parametrize("key", TABLE)
def test_every_row_is_complete(key: str) -> None:
    row = TABLE[key]
    assert set(row) <= {"title", "status", "why", "where", "imap", "smtp"}
    assert re.fullmatch(r"rfc[1-9]\d{2,3}|[a-z][a-z0-9-]+", key)
    assert row["title"]
    assert row["status"] in STATUSES
    is_there = row["status"] in ("full", "partial")
    assert bool(texts(row, "where")) == is_there, "`where` is for what is there"
    assert row["status"] == "full" or row.get("why"), "say what is missing, and why"
    for module in texts(row, "where"):
        assert importlib.util.find_spec(f"postroad.{module}") is not None, module


ANNOUNCED: dict[str, Callable[[], Iterator[str]]] = {
    "imap": imap_capabilities,
    "smtp": ehlo_keywords,
}


@pytest.mark.parametrize("protocol", ANNOUNCED)
def test_what_is_announced_is_full(protocol: str) -> None:
    names = {without_value(name) for name in ANNOUNCED[protocol]()}
    assert len(names) > 5
    rows = holders(protocol)
    assert {name for name in names if len(rows.get(name, [])) != 1} == set()
    assert {name for name in names if TABLE[rows[name][0]]["status"] != "full"} == set()


@pytest.mark.parametrize("protocol", ANNOUNCED)
def test_the_table_claims_no_more_than_is_announced(protocol: str) -> None:
    announced = {without_value(name) for name in ANNOUNCED[protocol]()}
    assert set(holders(protocol)) - announced == set()


def test_changes_are_told_for_users() -> None:
    """Files in changes/ are short, and the version of the program is in the changelog."""
    for path in (ROOT / "changes").glob("*.md"):
        if path.name != "README.md":
            assert 1 <= len(path.read_text(encoding="utf-8").strip().splitlines()) <= 3, path
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
