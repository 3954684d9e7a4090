"""Replies, written and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import BadSyntax, LimitExceeded, WireError
from postroad.wire.smtp.replies import MAX_REPLY_LINE, Reply, ReplyReceiver

PAIRS = [
    (Reply(220, "", "mx.example.org ESMTP"), b"220 mx.example.org ESMTP\r\n"),
    (Reply(250, "2.1.5", "Ok"), b"250 2.1.5 Ok\r\n"),
    (Reply(250, "", "a\nSIZE 10\nHELP"), b"250-a\r\n250-SIZE 10\r\n250 HELP\r\n"),
    (Reply(550, "5.7.1", "no\nreally"), b"550-5.7.1 no\r\n550 5.7.1 really\r\n"),
    (Reply(334, "", ""), b"334 \r\n"),
]


@pytest.mark.parametrize(("reply", "octets"), PAIRS)
def test_a_reply_goes_there_and_back(reply: Reply, octets: bytes) -> None:
    assert reply.encode() == octets
    assert ReplyReceiver().feed(octets * 2) == [reply, reply]
    receiver = ReplyReceiver()
    assert [got for n in range(len(octets)) for got in receiver.feed(octets[n : n + 1])] == [reply]
    assert not receiver.has_pending


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"250\r\n", Reply(250, "", "")),
        (b"250-\r\n250\r\n", Reply(250, "", "\n")),
        (b"250 2.1.5\r\n", Reply(250, "2.1.5", "")),
        (b"550 4.1.1 x\r\n", Reply(550, "", "4.1.1 x")),  # the classes differ
        (b"550 5.1.1x\r\n", Reply(550, "", "5.1.1x")),
        (b"550 5.001.1000 x\r\n", Reply(550, "", "5.001.1000 x")),
        (b"250 a\nb\xff\r\n", Reply(250, "", "a b\ufffd")),
    ],
)
def test_replies_of_others_are_read(octets: bytes, reply: Reply) -> None:
    assert ReplyReceiver().feed(octets) == [reply]


@pytest.mark.parametrize(
    "octets", [b"\r\n", b"25\r\n", b"2500 x\r\n", b"199 x\r\n", b"abc\r\n", b"250-a\r\n251 b\r\n"]
)
def test_what_is_no_reply_is_refused(octets: bytes) -> None:
    with pytest.raises(BadSyntax):
        ReplyReceiver().feed(octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"250 " + b"x" * MAX_REPLY_LINE + b"\r\n",
        b"250 " + b"x" * MAX_REPLY_LINE,
        b"250-x\r\n" * 201,
    ],
)
def test_an_overlong_reply_is_refused(octets: bytes) -> None:
    with pytest.raises(LimitExceeded):
        ReplyReceiver().feed(octets)


def test_a_text_cannot_forge_a_reply() -> None:
    reply = Reply(550, "5.1.1", "a\r\n250 Ok\rb\x00\u2028" + "é" * 400)
    lines = reply.encode().split(b"\r\n")[:-1]
    assert [line[:10] for line in lines] == [b"550-5.1.1 ", b"550 5.1.1 "]
    assert all(len(line) <= 510 and line.decode().isprintable() for line in lines)


@given(st.lists(st.binary(max_size=20) | st.sampled_from([b"250-", b"250 x\r\n", b"\r\n"])))
def test_whatever_comes_only_wire_errors_are_raised(pieces: list[bytes]) -> None:
    receiver = ReplyReceiver()
    try:
        for piece in pieces:
            receiver.feed(piece)
    except WireError:
        pass
