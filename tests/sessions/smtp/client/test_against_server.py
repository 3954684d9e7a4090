"""Our client and our server understand each other."""

from collections import deque

import pytest

from postroad.model.queue import Needs
from postroad.ports.transport import Accepted, PermanentFailure
from postroad.sessions.smtp.client.connection import Ready, SmtpClient
from postroad.sessions.smtp.client.ports import Stream, Wait
from postroad.sessions.smtp.client.settings import ClientSettings
from postroad.sessions.smtp.ports import Tls
from postroad.sessions.smtp.server import CloseConnection, UpgradeToTls
from postroad.wire.smtp.replies import Reply
from sessions.smtp.client.scripted import outgoing
from sessions.smtp.conversation import TLS, Conversation


class Joined(Stream):
    """What the client writes is what the session reads, and the other way."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._replies = deque([conversation.session.greet().encode()])

    async def read(self, wait: Wait) -> bytes:
        return self._replies.popleft() if self._replies else b""

    async def write(self, octets: bytes) -> None:
        async for output in self._conversation.session.receive(octets):
            match output:
                case Reply():
                    self._replies.append(output.encode())
                case UpgradeToTls() | CloseConnection():
                    pass

    async def start_tls(self) -> Tls:
        self._conversation.session.tls_started(TLS)
        return TLS


CONTENTS = [
    (b"", Needs(), b""),
    (b"Subject: x\r\n\r\n.\r\n..\r\n", Needs(), b"Subject: x\r\n\r\n.\r\n..\r\n"),
    (b"no end", Needs(eight_bit=True), b"no end\r\n"),
    (b"a\nb\r\x00\xff", Needs(binary=True), b"a\nb\r\x00\xff"),
    (b"x" * 5000, Needs(long_lines=True), b"x" * 5000),
]


@pytest.mark.parametrize(("content", "needs", "wanted"), CONTENTS)
async def test_a_message_arrives_as_it_was_sent(
    content: bytes, needs: Needs, wanted: bytes
) -> None:
    conversation = Conversation()
    conversation.prepare("max_octets 10000")
    subject = SmtpClient(Joined(conversation), ClientSettings("us.example"), remote="mx")
    assert await subject.open() == Ready()
    for number in (1, 2):
        message = outgoing("b@x", "nobody@example.org", "é@x", content=content, needs=needs)
        attempt = await subject.send(message)
        assert isinstance(attempt.results[0], Accepted)
        assert isinstance(attempt.results[1], PermanentFailure)
        assert isinstance(attempt.results[2], Accepted)
        assert len(conversation.core.taken) == number
        taken = conversation.core.taken[-1]
        assert taken.octets == wanted
        assert taken.recipients == ["b@x", "é@x"]
        assert taken.facts.protocol == "UTF8SMTPS"
    await subject.quit()
