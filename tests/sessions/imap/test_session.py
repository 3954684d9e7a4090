"""The session's way with octets, streams and limits."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.base.errors import LowSpace
from postroad.core.mailbox.append import AppendedMessages
from postroad.sessions.imap.session import ImapSession
from sessions.imap.clients import Clients
from sessions.imap.messages import MESSAGES


async def ready(*messages: str) -> Clients:
    clients = Clients()
    await clients.prepare("mailbox INBOX")
    for message in messages:
        await clients.prepare(f"message INBOX {message}")
    await clients.send("1", b"s SELECT INBOX\r\n")
    return clients


async def ask(clients: Clients, text: bytes) -> bytes:
    return (await clients.send("1", text + b"\r\n"))["1"]


async def test_the_greeting_has_the_capabilities() -> None:
    clients = await ready()
    greeting = clients.sessions["1"].greet().encode()
    assert re.match(rb"\* OK \[CAPABILITY IMAP4rev2 [^\]]+\] mail.example.org is ready", greeting)


async def test_the_same_answers_octet_by_octet() -> None:
    stream = (
        b"a NOOP\r\nb FETCH 1 BODY.PEEK[]\r\nc APPEND INBOX {3+}\r\nx\r\n\r\nd APPEND x {1+}\r\n"
        b"y\r\ne IDLE\r\nDONE\r\nf SEARCH ALL\r\ng LOGOUT\r\n"
    )
    whole, single = await ready("small"), await ready("small")
    expected = (await whole.send("1", stream))["1"]
    received = b"".join([(await single.send("1", bytes([o])))["1"] for o in stream])
    assert received.replace(b"(closed)\r\n", b"") == expected.replace(b"(closed)\r\n", b"")
    assert b"g OK" in expected


async def test_a_large_body_comes_in_chunks() -> None:
    clients = await ready("large")
    session, large = clients.sessions["1"], MESSAGES["large"]
    pieces = [
        output.encode()  # type: ignore[union-attr]  # no TLS and no end here
        async for output in session.receive(
            b"a UID FETCH 1 (BODY.PEEK[] BODY[TEXT]<10.1200000>)\r\n"
        )
    ]
    assert max(map(len, pieces)) < 300_000
    answer = b"".join(pieces)
    start = b"* 1 FETCH (UID 1 FLAGS (\\Seen) BODY[] {%d}\r\n" % len(large)
    text = large.partition(b"\r\n\r\n")[2][10:1200010]
    assert answer.startswith(start + large + b" BODY[TEXT]<10> {1200000}\r\n" + text + b")\r\n")


async def test_a_large_part_is_decoded_in_chunks() -> None:
    clients = await ready("encoded")
    content = bytes(range(256)) * 8000
    assert b"BINARY.SIZE[1] %d" % len(content) in await ask(clients, b"a FETCH 1 BINARY.SIZE[1]")
    answer = await ask(clients, b"b FETCH 1 BINARY.PEEK[1]")
    assert b"BINARY[1] ~{%d}\r\n%b)\r\n" % (len(content), content) in answer
    answer = await ask(clients, b"c FETCH 1 BINARY.PEEK[1]<300.1000000>")
    assert b"BINARY[1]<300> ~{1000000}\r\n%b)\r\n" % content[300:1000300] in answer


async def test_a_stream_is_closed_when_the_connection_breaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[AppendedMessages] = []
    monkeypatch.setattr(AppendedMessages, "close", lambda message: closed.append(message))
    clients = await ready()
    await ask(clients, b"a APPEND INBOX {100+}\r\nhalf of it")
    clients.sessions["1"].close()
    assert len(closed) == 1


async def test_an_error_while_streaming_is_told_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def write(self: AppendedMessages, chunk: bytes) -> None:
        raise LowSpace("the disk is full")

    monkeypatch.setattr(AppendedMessages, "write", write)
    clients = await ready()
    assert await ask(clients, b"a APPEND INBOX {3+}") == b""
    assert await ask(clients, b"x\r\n") == b"a NO [UNAVAILABLE] the disk is full\r\n"
    assert (await ask(clients, b"b NOOP")).startswith(b"b OK")


async def test_too_many_bad_commands_end_the_session() -> None:
    clients = await ready()
    answers = [await ask(clients, b"a WHAT") for _ in range(20)]
    assert not any(b"BYE" in answer for answer in answers[:19])
    assert answers[19].endswith(b"* BYE Too many commands that are none\r\n(closed)\r\n")


async def test_what_the_driver_may_say() -> None:
    clients = await ready()
    session: ImapSession = clients.sessions["1"]
    for said in (session.timed_out(), session.shutting_down(), session.internal_error()):
        assert said.encode().startswith(b"* BYE ")
    assert session.principal is not None
    assert not session.listens_to


async def test_many_messages_are_answered_in_batches() -> None:
    clients = await ready(*["small"] * 4500)
    session = clients.sessions["1"]
    outputs = [output async for output in session.receive(b"a FETCH 1:* (FLAGS UID)\r\n")]
    assert len(outputs) == 4
    encoded = b"".join(output.encode() for output in outputs)  # type: ignore[union-attr]  # as above
    assert encoded.count(b"* 4500 FETCH (FLAGS () UID 4500)\r\n") == 1
    assert encoded.count(b"\r\n") == 4501


_WORDS = [
    "FETCH",
    "UID",
    "STORE",
    "SEARCH",
    "COPY",
    "MOVE",
    "EXPUNGE",
    "SELECT",
    "INBOX",
    "LIST",
    "STATUS",
    "CREATE",
    "RENAME",
    "DELETE",
    "1",
    "1:*",
    "2,*",
    "9",
    "$",
    "*",
    "%",
    "FLAGS",
    "(FLAGS)",
    "(\\\\Deleted)",
    "+FLAGS.SILENT",
    "BODY[]",
    "BODY.PEEK[1.MIME]",
    "BINARY[1]",
    "ALL",
    '""',
    "NOT",
    "OR",
    "SEEN",
    "FROM",
    "x",
    "RETURN",
    "(SAVE)",
    "(CHANGEDSINCE",
    "1)",
    "(MESSAGES)",
    "ENABLE",
    "IMAP4rev2",
    "QRESYNC",
    "CLOSE",
    "NOOP",
    "EXAMINE",
    "(CONDSTORE)",
    "LSUB",
    "NAMESPACE",
    "UNSELECT",
    "CHECK",
    "ID",
    "NIL",
    "SUBSCRIBE",
    "(",
    ")",
    "{1+}",
    "INVALID",
]


@given(st.lists(st.lists(st.sampled_from(_WORDS), max_size=6), max_size=12))
async def test_every_command_has_one_tagged_answer(commands: list[list[str]]) -> None:
    clients = await ready("small", "mixed")
    for words in commands:
        line = " ".join(["tag", *words])
        more = b"" if not line.endswith("{1+}") else b"x\r\n"
        answer = await ask(clients, line.encode() + (b"\r\n" if more else b"") + more[:-2])
        assert len(re.findall(rb"^tag (?:OK|NO|BAD) ", answer, re.MULTILINE)) == 1, answer


async def test_a_word_in_idle_for_networks_that_forget() -> None:
    clients = Clients()
    await clients.prepare("workaround idle-still-here")
    await clients.prepare("mailbox INBOX")
    session = await clients.session("1")
    assert session.still_working() is None
    assert (await ask(clients, b"i IDLE")).startswith(b"+ ")
    said = session.still_working()
    assert said is not None
    assert said.encode() == b"* OK Still here\r\n"
    await ask(clients, b"DONE")
    assert session.still_working() is None
    other = await ready()
    await ask(other, b"i IDLE")
    assert other.sessions["1"].still_working() is None
