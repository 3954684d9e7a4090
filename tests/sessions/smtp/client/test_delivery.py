"""One message to some recipients, and what becomes of each."""

from collections.abc import AsyncIterator

import pytest

from postroad.base.errors import TryLater
from postroad.model.queue import Needs
from postroad.ports.transport import (
    Accepted,
    Attempt,
    Outgoing,
    PermanentFailure,
    TemporaryFailure,
    Unsupported,
)
from postroad.sessions.smtp.client.connection import Ready, SmtpClient
from postroad.sessions.smtp.client.delivery import CHUNK, GROUP
from postroad.sessions.smtp.client.ports import Stream, Wait
from postroad.sessions.smtp.client.settings import ClientSettings
from postroad.sessions.smtp.ports import Tls
from sessions.smtp.client.scripted import ScriptedServer, outgoing

MAIL = "C: MAIL FROM:<a@example.org>"
CONTENT = "C: Subject: x\nC: .\n"


class Exchange:
    """A client that has said EHLO to a server with these extensions."""

    def __init__(
        self, script: str, *, extensions: str = "", breaks_after: int | None = None
    ) -> None:
        hello = ["x", *extensions.split(",")] if extensions else ["x"]
        lines = [f"S: 250-{line}" for line in hello[:-1]] + [f"S: 250 {hello[-1]}"]
        opening = "S: 220 x\nC: EHLO us\n" + "\n".join(lines) + "\n"
        self.server = ScriptedServer(opening + script, breaks_after=breaks_after)
        self.client = SmtpClient(self.server, ClientSettings("us"), remote="mx")

    async def send(self, message: Outgoing) -> Attempt:
        if not self.server.waits:
            assert await self.client.open() == Ready()
        return await self.client.send(message)


async def sent(
    script: str, message: Outgoing, *, extensions: str = "", breaks_after: int | None = None
) -> Attempt:
    exchange = Exchange(script, extensions=extensions, breaks_after=breaks_after)
    attempt = await exchange.send(message)
    exchange.server.done()
    return attempt


OK = Accepted("250 2.0.0 taken")
TWO = outgoing("b@x", "c@x")

# Each with and without PIPELINING: what comes back is the same.
EXCHANGES = {
    "all go": (
        f"""{MAIL}
        S: 250 ok
        C: RCPT TO:<b@x>
        S: 250 ok
        C: RCPT TO:<c@x>
        S: 251 will forward
        C: DATA
        S: 354 go
        {CONTENT}
        S: 250 2.0.0 taken""",
        [OK, OK],
    ),
    "one is tried again": (
        f"""{MAIL}
        S: 250 ok
        C: RCPT TO:<b@x>
        S: 250 ok
        C: RCPT TO:<c@x>
        S: 450-4.2.1 greylisted
        S: 450 4.2.1 for a while
        C: DATA
        S: 354 go
        {CONTENT}
        S: 250 2.0.0 taken""",
        [OK, TemporaryFailure("450 4.2.1 greylisted for a while", 450, "4.2.1")],
    ),
    "one is unknown": (
        f"""{MAIL}
        S: 250 ok
        C: RCPT TO:<b@x>
        S: 550 5.1.1 nobody
        C: RCPT TO:<c@x>
        S: 250 ok
        C: DATA
        S: 354 go
        {CONTENT}
        S: 250 2.0.0 taken""",
        [PermanentFailure("550 5.1.1 nobody", 550, "5.1.1"), OK],
    ),
    "one is too many": (
        f"""{MAIL}
        S: 250 ok
        C: RCPT TO:<b@x>
        S: 250 ok
        C: RCPT TO:<c@x>
        S: 552 too many
        C: DATA
        S: 354 go
        {CONTENT}
        S: 250 2.0.0 taken""",
        [OK, TemporaryFailure("552 too many", 552, "4.5.3")],
    ),
    "the message is refused": (
        f"""{MAIL}
        S: 250 ok
        C: RCPT TO:<b@x>
        S: 250 ok
        C: RCPT TO:<c@x>
        S: 550 nobody
        C: DATA
        S: 354 go
        {CONTENT}
        S: 554 5.7.1 spam""",
        [
            PermanentFailure("554 5.7.1 spam", 554, "5.7.1"),
            PermanentFailure("550 nobody", 550, "5.0.0"),
        ],
    ),
    "DATA is refused": (
        f"""{MAIL}
        S: 250 ok
        C: RCPT TO:<b@x>
        S: 250 ok
        C: RCPT TO:<c@x>
        S: 250 ok
        C: DATA
        S: 451 4.3.0 no room""",
        [TemporaryFailure("451 4.3.0 no room", 451, "4.3.0")] * 2,
    ),
    "lost before the message": (
        f"""{MAIL}
        S: 250 ok
        C: RCPT TO:<b@x>
        S: 550 5.1.1 nobody
        C: RCPT TO:<c@x>
        S: 250 ok
        C: DATA
        RESET""",
        [
            PermanentFailure("550 5.1.1 nobody", 550, "5.1.1"),
            TemporaryFailure("connection lost: reset by peer", 0, "4.4.2"),
        ],
    ),
    "lost after the message": (
        f"""{MAIL}
        S: 250 ok
        C: RCPT TO:<b@x>
        S: 250 ok
        C: RCPT TO:<c@x>
        S: 250 ok
        C: DATA
        S: 354 go
        {CONTENT}
        END""",
        [
            TemporaryFailure(
                "the server closed the connection, after the whole message was sent; "
                "it may have arrived",
                0,
                "4.4.2",
            )
        ]
        * 2,
    ),
}


def pipelined(script: str) -> str:
    """The same script with the commands up to DATA sent at once."""
    lines = [line.strip() for line in script.splitlines()]
    place = lines.index("C: DATA") + 1
    head, tail = lines[:place], lines[place:]
    commands = [line for line in head if line.startswith("C:")]
    return "\n".join(commands + [line for line in head if line not in commands] + tail)


@pytest.mark.parametrize("name", EXCHANGES)
async def test_each_recipient_has_its_result(name: str) -> None:
    script, results = EXCHANGES[name]
    assert (await sent(script, TWO)).results == results


@pytest.mark.parametrize("name", EXCHANGES)
async def test_the_results_are_the_same_with_pipelining(name: str) -> None:
    script, results = EXCHANGES[name]
    attempt = await sent(pipelined(script), TWO, extensions="PIPELINING")
    assert attempt.results == results


async def test_a_refused_sender_concerns_all() -> None:
    refused = [PermanentFailure("553 5.7.1 not you", 553, "5.7.1")] * 2
    assert (await sent(f"{MAIL}\nS: 553 5.7.1 not you", TWO)).results == refused
    rest = "C: RCPT TO:<b@x>\nC: RCPT TO:<c@x>\nC: DATA\nS: 553 5.7.1 not you\n"
    for data in ("S: 503 no", "S: 354 go\nC: .\nS: 503 no"):
        script = f"{MAIL}\n{rest}S: 503 no\nS: 503 no\n{data}"
        assert (await sent(script, TWO, extensions="PIPELINING")).results == refused


async def test_nobody_is_left_and_the_server_wants_the_message_all_the_same() -> None:
    """RFC 2920 section 3.1."""
    script = f"""{MAIL}
        C: RCPT TO:<b@x>
        C: RCPT TO:<c@x>
        C: DATA
        S: 250 ok
        S: 550 5.1.1 nobody
        S: 450 4.2.0 later
        S: 354 go
        C: .
        S: 554 nobody
        {MAIL}
        C: RCPT TO:<d@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go
        {CONTENT}
        S: 250 2.0.0 taken"""
    exchange = Exchange(script, extensions="PIPELINING")
    attempt = await exchange.send(TWO)
    assert attempt.results == [
        PermanentFailure("550 5.1.1 nobody", 550, "5.1.1"),
        TemporaryFailure("450 4.2.0 later", 450, "4.2.0"),
    ]
    # The connection can be used again, without RSET.
    assert (await exchange.send(outgoing("d@x"))).results == [OK]
    exchange.server.done()


async def test_rset_only_where_a_transaction_is_left_open() -> None:
    script = f"""{MAIL}
        S: 250 ok
        C: RCPT TO:<b@x>
        S: 550 5.1.1 nobody
        C: RSET
        S: 250 ok
        {MAIL}
        S: 250 ok
        C: RCPT TO:<d@x>
        S: 250 ok
        C: DATA
        S: 354 go
        {CONTENT}
        S: 250 2.0.0 taken
        {MAIL}
        S: 421 4.3.2 closing"""
    exchange = Exchange(script)
    await exchange.send(outgoing("b@x"))
    second = await exchange.send(outgoing("d@x"))
    assert second.results == [OK]
    assert second.transcript[0] == "C: RSET"
    third = await exchange.send(outgoing("e@x"))
    assert third.results == [TemporaryFailure("421 4.3.2 closing", 421, "4.3.2")]
    assert not exchange.client.is_usable
    exchange.server.done()


async def test_421_in_the_middle_ends_the_connection() -> None:
    script = f"{MAIL}\nS: 250 ok\nC: RCPT TO:<b@x>\nS: 421 4.3.2 closing"
    closing = TemporaryFailure("421 4.3.2 closing", 421, "4.3.2")
    assert (await sent(script, TWO)).results == [closing, closing]
    script = f"""{MAIL}\nC: RCPT TO:<b@x>\nC: RCPT TO:<c@x>\nC: DATA
        S: 250 ok
        S: 421 4.3.2 closing"""
    assert (await sent(script, TWO, extensions="PIPELINING")).results == [closing, closing]


async def test_many_recipients_go_in_groups() -> None:
    paths = [f"r{number}@x" for number in range(GROUP + 5)]
    commands = [MAIL, *(f"C: RCPT TO:<{path}>" for path in paths), "C: DATA"]
    script = commands[:GROUP] + ["S: 250 ok"] * GROUP
    script += commands[GROUP:] + ["S: 250 ok"] * (len(commands) - GROUP - 1)
    script += ["S: 354 go", CONTENT, "S: 250 2.0.0 taken"]
    attempt = await sent("\n".join(script), outgoing(*paths), extensions="PIPELINING")
    assert attempt.results == [OK] * len(paths)


async def test_dots_and_line_ends_are_mended() -> None:
    script = f"""{MAIL}
        S: 250 ok
        C: RCPT TO:<b@x>
        S: 250 ok
        C: DATA
        S: 354 go
        C: ..a
        C: ..
        C: ..b
        C: .
        S: 250 2.0.0 taken"""
    message = outgoing("b@x", content=b".a\n.\r.b")
    assert (await sent(script, message)).results == [OK]


PARAMETERS = [
    ("SIZE 0", Needs(), " SIZE=12"),
    ("SIZE", Needs(), " SIZE=12"),
    ("SIZE 12,8BITMIME", Needs(eight_bit=True), " SIZE=12 BODY=8BITMIME"),
    ("8BITMIME", Needs(), ""),
    ("8BITMIME,SMTPUTF8", Needs(eight_bit=True, utf8=True), " BODY=8BITMIME SMTPUTF8"),
]


@pytest.mark.parametrize(("extensions", "needs", "parameters"), PARAMETERS)
async def test_the_parameters_say_what_the_message_needs(
    extensions: str, needs: Needs, parameters: str
) -> None:
    script = f"""{MAIL}{parameters}
        S: 250 ok
        C: RCPT TO:<b@x>
        S: 250 ok
        C: DATA
        S: 354 go
        {CONTENT}
        S: 250 2.0.0 taken"""
    attempt = await sent(script, outgoing("b@x", needs=needs), extensions=extensions)
    assert attempt.results == [OK]


LACKING = [
    ("", Needs(eight_bit=True), Needs(eight_bit=True)),
    ("8BITMIME", Needs(eight_bit=True, utf8=True), Needs(utf8=True)),
    ("8BITMIME", Needs(binary=True), Needs(binary=True)),
    ("BINARYMIME", Needs(binary=True), Needs(binary=True)),
    ("8BITMIME", Needs(long_lines=True), Needs(long_lines=True)),
]


@pytest.mark.parametrize(("extensions", "needs", "lacks"), LACKING)
async def test_what_the_server_lacks_is_told_before_anything_is_sent(
    extensions: str, needs: Needs, lacks: Needs
) -> None:
    attempt = await sent("", outgoing("b@x", "c@x", needs=needs), extensions=extensions)
    assert attempt.results == [Unsupported(lacks)] * 2


async def test_a_message_over_the_announced_size_is_not_sent() -> None:
    attempt = await sent("", outgoing("b@x"), extensions="SIZE 11")
    text = "the message has 12 octets, the server takes 11"
    assert attempt.results == [PermanentFailure(text, 552, "5.3.4")]


async def test_only_the_recipients_that_need_utf8_are_left_out() -> None:
    script = f"""{MAIL}
        S: 250 ok
        C: RCPT TO:<b@x>
        S: 250 ok
        C: DATA
        S: 354 go
        {CONTENT}
        S: 250 2.0.0 taken"""
    attempt = await sent(script, outgoing("é@x", "b@x", "no address"))
    assert attempt.results[:2] == [Unsupported(Needs(utf8=True)), OK]
    failed = attempt.results[2]
    assert isinstance(failed, PermanentFailure)
    assert failed.enhanced == "5.1.3"
    attempt = await sent("", outgoing("b@x", reverse_path="é@example.org"))
    assert attempt.results == [Unsupported(Needs(utf8=True))]
    attempt = await sent("", outgoing("b@x", reverse_path="bad"))
    assert isinstance(attempt.results[0], PermanentFailure)


async def test_utf8_addresses_where_the_server_takes_them() -> None:
    script = f"""{MAIL} SMTPUTF8
        S: 250 ok
        C: RCPT TO:<é@x>
        S: 250 ok
        C: DATA
        S: 354 go
        {CONTENT}
        S: 250 2.0.0 taken"""
    assert (await sent(script, outgoing("é@x"), extensions="SMTPUTF8")).results == [OK]


class BinaryServer(Stream):
    """Says yes to everything and collects the chunks."""

    def __init__(self, extensions: str) -> None:
        hello = ["x", *extensions.split(",")]
        self._hello = "".join(f"250-{line}\r\n" for line in hello).encode() + b"250 HELP\r\n"
        self._replies = b"220 x\r\n"
        self._chunk = 0
        self.got = b""

    async def read(self, wait: Wait) -> bytes:
        replies, self._replies = self._replies, b""
        return replies

    async def write(self, octets: bytes) -> None:
        if self._chunk:
            assert len(octets) == self._chunk
            self.got += octets
            self._chunk = 0
            self._replies += b"250 ok\r\n"
            return
        for line in octets.split(b"\r\n")[:-1]:
            if line.startswith(b"BDAT"):
                self._chunk = int(line.split()[1])
            else:
                self._replies += self._hello if line.startswith(b"EHLO") else b"250 ok\r\n"

    async def start_tls(self) -> Tls:
        raise AssertionError("STARTTLS was not offered")


@pytest.mark.parametrize("extensions", ["CHUNKING,BINARYMIME", "CHUNKING,BINARYMIME,PIPELINING"])
async def test_binary_goes_in_chunks(extensions: str) -> None:
    content = b"x" * CHUNK + b"y" * CHUNK + b"\nz"
    server = BinaryServer(extensions)
    subject = SmtpClient(server, ClientSettings("us"), remote="mx")
    assert await subject.open() == Ready()
    attempt = await subject.send(outgoing("b@x", content=content, needs=Needs(binary=True)))
    assert attempt.results == [Accepted("250 ok")]
    assert server.got == content
    assert "C: BDAT 2 LAST" in attempt.transcript


async def test_a_refused_chunk_ends_the_transaction() -> None:
    script = f"""{MAIL} BODY=BINARYMIME
        S: 250 ok
        C: RCPT TO:<b@x>
        S: 250 ok
        C: BDAT 0 LAST
        S: 552 5.3.4 too large"""
    message = outgoing("b@x", content=b"", needs=Needs(binary=True))
    attempt = await sent(script, message, extensions="CHUNKING,BINARYMIME")
    assert attempt.results == [PermanentFailure("552 5.3.4 too large", 552, "5.3.4")]


async def test_the_reason_of_a_server_that_hangs_up_in_the_content_is_heard() -> None:
    script = f"""{MAIL}
        S: 250 ok
        C: RCPT TO:<b@x>
        S: 250 ok
        C: DATA
        S: 354 go
        S: 554 5.7.1 spam"""
    message = outgoing("b@x", content=b"x" * 10000)
    # The 354 and the 554 come with one read; the write fails.
    exchange = Exchange(script, breaks_after=200)
    assert (await exchange.send(message)).results == [
        PermanentFailure("554 5.7.1 spam", 554, "5.7.1")
    ]
    assert not exchange.client.is_usable
    exchange = Exchange(script.replace("S: 554 5.7.1 spam", "END"), breaks_after=200)
    assert (await exchange.send(message)).results == [
        TemporaryFailure("connection lost: broken pipe", 0, "4.4.2")
    ]


async def test_a_message_that_cannot_be_read_is_not_ended() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half of it\r\n"
        raise TryLater("the blob store does not answer")

    script = f"""{MAIL}
        S: 250 ok
        C: RCPT TO:<b@x>
        S: 250 ok
        C: DATA
        S: 354 go
        C: half of it"""
    exchange = Exchange(script)
    attempt = await exchange.send(outgoing("b@x", chunks=broken))
    text = "the message could not be read: the blob store does not answer"
    assert attempt.results == [TemporaryFailure(text, 0, "4.3.0")]
    assert not exchange.client.is_usable
    exchange.server.done()


async def test_the_transcript_is_that_of_the_transaction() -> None:
    script, _ = EXCHANGES["one is unknown"]
    attempt = await sent(script, TWO)
    assert list(attempt.transcript)[:3] == ["S: 220 x", "C: EHLO us", "S: 250 x"]
    assert "S: 550 5.1.1 nobody" in attempt.transcript
    assert list(attempt.transcript)[-2:] == ["C: (12 octets of content)", "S: 250 2.0.0 taken"]
