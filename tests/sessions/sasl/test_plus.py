"""Channel binding of SCRAM over IMAP and SMTP (RFC 5802 section 6)."""

from pathlib import Path

import pytest

from core.auth.door import Door
from postroad.sessions.sasl.exchange import Circumstances, TlsEvidence
from sessions.sasl.talking import CLIENTS, IS_IN, IS_REFUSED, IS_UNKNOWN
from support.scram import ScramClient

ALICE = "alice@example.test"
BOUND = Circumstances(
    scram=True,
    evidence=TlsEvidence(bindings={"tls-unique": b"unique", "tls-server-end-point": b"end"}),
)
both = pytest.mark.parametrize("protocol", CLIENTS)


@both
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"])
@pytest.mark.parametrize(
    ("header", "binding", "is_in"),
    [
        ("p=tls-unique,,", b"unique", True),
        ("p=tls-server-end-point,,", b"end", True),
        ("p=tls-unique,,", b"of another channel", False),
        ("p=tls-unique,,", b"", False),
        ("p=tls-server-end-point,,", b"unique", False),
        ("p=tls-exporter,,", b"unique", False),
        ("n,,", b"", False),
        ("y,,", b"", False),
    ],
)
async def test_the_channel_is_bound(
    tmp_path: Path, protocol: str, mechanism: str, header: str, binding: bytes, *, is_in: bool
) -> None:
    door = await Door.make(tmp_path)
    _, password = await door.app_password("phone")
    client = CLIENTS[protocol](door.authenticator, BOUND)
    assert mechanism in await client.announced()
    digest = "sha1" if "SHA-1-" in mechanism else "sha256"
    knows = ScramClient(ALICE, password, digest, header=header, binding=binding)
    said = await client.log_in(mechanism, knows.respond)
    assert said.startswith((IS_IN if is_in else IS_REFUSED)[protocol])
    assert knows.is_convinced is is_in


@both
async def test_a_client_that_was_lied_to_is_refused(tmp_path: Path, protocol: str) -> None:
    """It could bind, and somebody took the mechanisms with -PLUS out of its list."""
    door = await Door.make(tmp_path)
    _, password = await door.app_password("phone")
    client = CLIENTS[protocol](door.authenticator, BOUND)
    fooled = ScramClient(ALICE, password, header="y,,")
    assert (await client.log_in("SCRAM-SHA-256", fooled.respond)).startswith(IS_REFUSED[protocol])
    plain = ScramClient(ALICE, password)
    assert (await client.log_in("SCRAM-SHA-256", plain.respond)).startswith(IS_IN[protocol])
    client = CLIENTS[protocol](door.authenticator, Circumstances(scram=True))
    right = ScramClient(ALICE, password, header="y,,")
    assert (await client.log_in("SCRAM-SHA-256", right.respond)).startswith(IS_IN[protocol])


@both
async def test_without_a_binding_there_is_no_plus(tmp_path: Path, protocol: str) -> None:
    door = await Door.make(tmp_path)
    client = CLIENTS[protocol](door.authenticator, Circumstances(scram=True))
    assert await client.announced() == {"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"}
    bound = ScramClient(ALICE, "x", header="p=tls-unique,,", binding=b"x")
    said = await client.log_in("SCRAM-SHA-256-PLUS", bound.respond)
    assert said.startswith(IS_UNKNOWN[protocol])
