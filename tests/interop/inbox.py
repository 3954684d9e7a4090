"""What a person finds in a mailbox, through Python's IMAP client over TLS."""

import imaplib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import TypeVar

from support.server import RunningServer

T = TypeVar("T")


@contextmanager
def logged_in(server: RunningServer, who: str) -> Iterator[imaplib.IMAP4_SSL]:
    client = imaplib.IMAP4_SSL("localhost", server.ports["imaps"], ssl_context=server.tls())
    client.login(who, server.passwords[who])
    try:
        yield client
    finally:
        client.logout()


def messages(
    server: RunningServer, who: str, word: str, mailbox: str = "INBOX"
) -> list[EmailMessage]:
    """All messages whose octets have a word."""
    with logged_in(server, who) as client:
        kind, _ = client.select(mailbox, readonly=True)
        assert kind == "OK"
        numbers = client.search(None, "ALL")[1][0].split()
        found = [_octets(client, number) for number in numbers]
    return [parsed(octets) for octets in found if word.encode() in octets]


def arrived(
    server: RunningServer, who: str, word: str, mailbox: str = "INBOX", seconds: float = 20
) -> EmailMessage:
    """The one message with a word, once it is there."""
    found = wait_for(lambda: messages(server, who, word, mailbox), f"{word} in {mailbox}", seconds)
    assert len(found) == 1, f"{len(found)} messages with {word}"
    return found[0]


def wait_for(look: Callable[[], T], what: str, seconds: float = 20) -> T:
    """What `look` gives once that is true."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.1)
    return found


def parsed(octets: bytes) -> EmailMessage:
    message = message_from_bytes(octets, policy=SMTP)
    assert isinstance(message, EmailMessage)
    return message


def _octets(client: imaplib.IMAP4_SSL, number: bytes) -> bytes:
    for piece in client.fetch(number.decode(), "(BODY.PEEK[])")[1]:
        if isinstance(piece, tuple):
            return bytes(piece[1])
    raise AssertionError("no such message")
