"""Greeting, EHLO, STARTTLS and AUTH against servers of all kinds."""

import pytest

from postroad.base.secret import Secret
from postroad.ports.transport import Accepted, PermanentFailure, TemporaryFailure
from postroad.sessions.smtp.client.connection import Ready, Refused, SmtpClient
from postroad.sessions.smtp.client.ports import PATIENCE, Wait
from postroad.sessions.smtp.client.settings import ClientSettings, TlsPolicy
from postroad.sessions.smtp.ports import Tls
from postroad.wire.sasl.plain import PlainCredentials
from sessions.smtp.client.scripted import ScriptedServer, outgoing

ALICE = PlainCredentials("alice", Secret("wonderland"))


def client(
    server: ScriptedServer,
    *,
    tls: TlsPolicy = TlsPolicy.OPPORTUNISTIC,
    credentials: PlainCredentials | None = None,
    is_loopback: bool = False,
    done: Tls | None = None,
) -> SmtpClient:
    settings = ClientSettings("us.example.org", tls, credentials)
    return SmtpClient(server, settings, remote="mx.example.com", is_loopback=is_loopback, tls=done)


async def opened(script: str, **options: object) -> tuple[Ready | Refused, SmtpClient]:
    server = ScriptedServer(script)
    subject = client(server, **options)  # type: ignore[arg-type]  # the options of client()
    result = await subject.open()
    server.done()
    return result, subject


async def test_a_greeting_and_a_list_of_extensions() -> None:
    result, subject = await opened("""
        S: 220-mx.example.com
        S: 220 ready
        C: EHLO us.example.org
        S: 250-mx.example.com
        S: 250-size 1000
        S: 250-PIPELINING
        S: 250 AUTH PLAIN LOGIN
    """)
    assert result == Ready()
    assert subject.capabilities == {"SIZE": "1000", "PIPELINING": "", "AUTH": "PLAIN LOGIN"}


async def test_helo_for_a_server_that_does_not_know_ehlo() -> None:
    result, subject = await opened("""
        S: 220 x
        C: EHLO us.example.org
        S: 502 what
        C: HELO us.example.org
        S: 250 x
    """)
    assert result == Ready()
    assert subject.capabilities == {}


REFUSALS = [
    ("S: 554 5.7.1 go away", PermanentFailure("554 5.7.1 go away", 554, "5.7.1")),
    ("S: 421 busy", TemporaryFailure("421 busy", 421, "4.0.0")),
    ("S: 250 strange", TemporaryFailure("250 strange", 250, "4.5.0")),
    ("END", TemporaryFailure("the server closed the connection", 0, "4.4.2")),
    ("RESET", TemporaryFailure("connection lost: reset by peer", 0, "4.4.2")),
    ("TIMEOUT", TemporaryFailure("timed out waiting for a reply", 0, "4.4.2")),
    (
        "S: SSH-2.0",
        TemporaryFailure(
            "the server's reply is malformed: expected a reply code at octet 0", 0, "4.4.2"
        ),
    ),
]


@pytest.mark.parametrize(("script", "failure"), REFUSALS)
async def test_a_server_that_refuses(
    script: str, failure: TemporaryFailure | PermanentFailure
) -> None:
    result, subject = await opened(script)
    assert isinstance(result, Refused)
    assert result.failure == failure
    assert result.transcript
    assert not subject.is_usable


async def test_an_overlong_reply_is_not_read() -> None:
    server = ScriptedServer("S: 220 " + "x" * 5000)
    result = await client(server).open()
    assert isinstance(result, Refused)
    assert "reply line over" in str(result.failure)


async def test_tls_when_it_is_offered_and_ehlo_again() -> None:
    result, subject = await opened("""
        S: 220 x
        C: EHLO us.example.org
        S: 250-x
        S: 250-SIZE 1
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go
        TLS
        C: EHLO us.example.org
        S: 250 x
    """)
    assert result == Ready()
    assert subject.tls == Tls("TLSv1.3", "AES")
    assert subject.capabilities == {}


async def test_a_failed_handshake_is_told_so_that_the_caller_can_go_on_in_the_clear() -> None:
    script = """
        S: 220 x
        C: EHLO us.example.org
        S: 250-x
        S: 250 STARTTLS
    """
    handshake = """
        C: STARTTLS
        S: 220 go
        NO TLS
    """
    result, _ = await opened(script + handshake)
    assert isinstance(result, Refused)
    assert result.tls_failed
    assert result.failure == TemporaryFailure(
        "TLS handshake failed: certificate expired", 0, "4.7.5"
    )
    result, subject = await opened(script, tls=TlsPolicy.NEVER)
    assert result == Ready()
    assert subject.tls is None


async def test_a_reply_injected_before_the_handshake_is_refused() -> None:
    result, _ = await opened("""
        S: 220 x
        C: EHLO us.example.org
        S: 250-x
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go
        S: 250 injected
    """)
    assert isinstance(result, Refused)
    assert "between STARTTLS and the handshake" in result.failure.reply


@pytest.mark.parametrize("policy", list(TlsPolicy))
async def test_starttls_that_is_refused(policy: TlsPolicy) -> None:
    script = "S: 220 x\nC: EHLO us.example.org\nS: 250-x\nS: 250 STARTTLS\n"
    if policy is not TlsPolicy.NEVER:
        script += "C: STARTTLS\nS: 454 4.7.0 no certificate"
    result, _ = await opened(script, tls=policy)
    if policy is TlsPolicy.REQUIRED:
        assert result == Refused(
            TemporaryFailure("454 4.7.0 no certificate", 454, "4.7.4"),
            False,
            result.transcript,  # type: ignore[union-attr]  # it is Refused
        )
    else:
        assert result == Ready()


async def test_tls_that_is_required_and_not_offered() -> None:
    result, _ = await opened("S: 220 x\nC: EHLO us.example.org\nS: 250 x", tls=TlsPolicy.REQUIRED)
    assert isinstance(result, Refused)
    assert result.failure.enhanced == "4.7.4"


LOGIN = "S: 220 x\nC: EHLO us.example.org\nS: 250-x\nS: 250 AUTH {}\n"
PLAIN = "C: AUTH PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=\n"


async def test_a_login_with_plain_and_no_password_in_the_transcript() -> None:
    server = ScriptedServer(
        LOGIN.format("LOGIN PLAIN")
        + PLAIN
        + """S: 235 2.7.0 ok
        C: MAIL FROM:<a@example.org>
        S: 250 ok
        C: RCPT TO:<b@example.com>
        S: 250 ok
        C: DATA
        S: 354 go
        C: Subject: x
        C: .
        S: 250 2.0.0 taken"""
    )
    subject = client(server, credentials=ALICE, done=Tls("TLSv1.3", "AES"))
    assert await subject.open() == Ready()
    attempt = await subject.send(outgoing("b@example.com"))
    assert attempt.results == [Accepted("250 2.0.0 taken")]
    assert (attempt.remote, attempt.tls) == ("mx.example.com", "TLSv1.3 AES")
    assert "C: AUTH PLAIN ***" in attempt.transcript
    assert "AGFsaWNl" not in " ".join(attempt.transcript)
    server.done()


async def test_a_login_with_login() -> None:
    script = LOGIN.format("LOGIN") + (
        "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: YWxpY2U=\nS: 334 UGFzc3dvcmQ6\n"
        "C: d29uZGVybGFuZA==\nS: 235 ok"
    )
    assert (await opened(script, credentials=ALICE, is_loopback=True))[0] == Ready()


@pytest.mark.parametrize(
    ("script", "loopback", "reply"),
    [
        (LOGIN.format("PLAIN"), False, "a password is not sent without TLS"),
        (LOGIN.format("GSSAPI"), True, "the server offers neither AUTH PLAIN nor LOGIN"),
        (LOGIN.format("PLAIN") + PLAIN + "S: 535 5.7.8 wrong", True, "535 5.7.8 wrong"),
        (LOGIN.format("LOGIN") + "C: AUTH LOGIN\nS: 504 no", True, "504 no"),
    ],
)
async def test_a_login_that_fails_is_our_mistake_and_bounces_nothing(
    script: str, loopback: bool, reply: str
) -> None:
    result, _ = await opened(script, credentials=ALICE, is_loopback=loopback)
    assert isinstance(result, Refused)
    assert isinstance(result.failure, TemporaryFailure)
    assert (result.failure.reply, result.failure.enhanced) == (reply, "4.7.0")


@pytest.mark.parametrize("end", ["S: 221 bye", "END", "TIMEOUT"])
async def test_goodbye_never_fails(end: str) -> None:
    _, subject = await opened("S: 220 x\nC: EHLO us.example.org\nS: 250 x")
    server = ScriptedServer("S: 220 x\nC: EHLO us.example.org\nS: 250 x\nC: QUIT\n" + end)
    subject = client(server)
    await subject.open()
    await subject.quit()
    await subject.quit()
    server.done()
    assert not subject.is_usable
    attempt = await subject.send(outgoing("b@example.com"))
    assert isinstance(attempt.results[0], TemporaryFailure)


def test_every_wait_has_a_patience() -> None:
    assert set(PATIENCE) == set(Wait)
