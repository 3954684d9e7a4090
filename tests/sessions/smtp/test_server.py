"""What a written conversation cannot say about a session."""

import pytest

from postroad.core.message.facts import Way
from postroad.wire.smtp.framing import MAX_SKIPPED
from sessions.smtp.conversation import TLS, Conversation

ENVELOPE = b"EHLO bar.com\r\nMAIL FROM:<a@example.com> SIZE=7 BODY=8BITMIME\r\nRCPT TO:<b@c>\r\n"


async def test_the_core_is_told_the_facts() -> None:
    conversation = Conversation()
    conversation.tls = TLS
    await conversation.send(ENVELOPE + b"DATA\r\n")
    await conversation.send(b"x\r\n.\r\n")
    taken = conversation.core.taken[0]
    assert taken.facts.way is Way.MX
    assert (taken.facts.peer, taken.facts.helo) == ("192.0.2.7", "bar.com")
    assert taken.facts.tls == "TLSv1.3 TLS_AES_256_GCM_SHA384"
    assert taken.facts.protocol == "ESMTPS"
    assert (taken.parameters.size, taken.parameters.body) == (7, "8BITMIME")


async def test_the_message_is_passed_on_and_not_held() -> None:
    conversation = Conversation()
    conversation.prepare("max_octets 100000")
    await conversation.send(ENVELOPE + b"DATA\r\n")
    assert conversation.session.is_receiving
    await conversation.send(b"x" * 60000)
    assert len(conversation.core.opened[0].octets) == 60000
    await conversation.send(b"\r\n.\r\n")
    assert not conversation.session.is_receiving


@pytest.mark.parametrize("sent", [b"", b"DATA\r\n", b"BDAT 100\r\nabc"])
async def test_a_lost_connection_gives_the_room_back(sent: bytes) -> None:
    conversation = Conversation()
    await conversation.send(ENVELOPE + sent)
    assert conversation.core.open_transactions
    conversation.session.close()
    assert not conversation.core.open_transactions
    assert not conversation.core.taken


async def test_a_line_without_end_closes_the_connection() -> None:
    conversation = Conversation()
    assert await conversation.send(b"x" * (MAX_SKIPPED + 5000), piece=65536) == [
        "500 5.5.6 The line is too long",
        "[closed]",
    ]
    assert await conversation.send(b"\r\nNOOP\r\n") == []


async def test_an_overlong_line_is_refused_and_the_next_one_read() -> None:
    conversation = Conversation()
    assert await conversation.send(b"NOOP " + b"x" * 13000 + b"\r\nNOOP\r\n") == [
        "500 5.5.6 The line is over 12288 octets",
        "250 2.0.0 Ok",
    ]


async def test_the_replies_of_the_driver() -> None:
    session = Conversation().session
    assert session.greet().encode() == b"220 mx.example.org ESMTP Postroad\r\n"
    assert session.timed_out().code == session.shutting_down().code == 421
    assert session.internal_error().is_temporary
    assert session.principal is None
