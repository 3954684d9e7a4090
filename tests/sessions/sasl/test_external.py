"""EXTERNAL over IMAP and SMTP: RFC 4422 appendix A."""

from pathlib import Path

import pytest

from core.auth.door import Door
from postroad.sessions.sasl.exchange import Circumstances, TlsEvidence
from sessions.sasl.talking import (
    CLIENTS,
    IS_CANCELLED,
    IS_FOR_ANOTHER,
    IS_IN,
    IS_MALFORMED,
    IS_REFUSED,
    IS_UNKNOWN,
    always,
)

ALICE = "alice@example.test"
both = pytest.mark.parametrize("protocol", CLIENTS)


def holding(*addresses: str) -> Circumstances:
    return Circumstances(evidence=TlsEvidence(addresses))


@both
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("name", ["", ALICE, "Alice@EXAMPLE.test"])
async def test_a_certificate_opens(
    tmp_path: Path, protocol: str, name: str, *, at_once: bool
) -> None:
    door = await Door.make(tmp_path)
    circumstances = holding("nobody@example.test", "ALICE@example.test")
    client = CLIENTS[protocol](door.authenticator, circumstances)
    assert await client.announced() == {"EXTERNAL", "PLAIN", "LOGIN"}
    said = await client.log_in("EXTERNAL", always(name.encode()), at_once=at_once)
    assert said.startswith(IS_IN[protocol])
    assert client.principal is not None
    assert client.principal.account.address == ALICE
    assert client.principal.credential_id == "certificate"


@both
async def test_who_stays_out(tmp_path: Path, protocol: str) -> None:
    door = await Door.make(tmp_path)
    await door.house.stores.person("bob")

    async def said(circumstances: Circumstances, message: bytes | None) -> str:
        client = CLIENTS[protocol](door.authenticator, circumstances)
        answer = await client.log_in("EXTERNAL", always(message))
        assert client.principal is None
        return answer

    both_of_them = holding(ALICE, "bob@example.test")
    assert (await said(both_of_them, b"")).startswith(IS_REFUSED[protocol])  # which one?
    assert (await said(holding("x@example.test"), b"")).startswith(IS_REFUSED[protocol])
    other = await said(holding(ALICE), b"bob@example.test")
    assert other.startswith(IS_FOR_ANOTHER[protocol])
    assert (await said(holding(), b"")).startswith(IS_UNKNOWN[protocol])
    assert (await said(holding(ALICE), None)).startswith(IS_CANCELLED[protocol])
    for malformed in (b"\0", b"\xff", b"a" * 300):
        assert (await said(holding(ALICE), malformed)).startswith(IS_MALFORMED[protocol])
    await door.accounts.set_disabled(ALICE, disabled=True)
    assert (await said(holding(ALICE), b"")).startswith(IS_REFUSED[protocol])
