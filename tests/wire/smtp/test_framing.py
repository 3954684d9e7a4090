"""Lines, DATA and BDAT, however the stream is cut."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import LimitExceeded
from postroad.wire.smtp.framing import (
    MAX_SECRET_LINE,
    MAX_SKIPPED,
    CommandReceiver,
    Content,
    ContentEnd,
    DataReceiver,
    Event,
    Line,
    OverlongLine,
)


def cut(octets: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = [0, *sorted({place % (len(octets) + 1) for place in cuts}), len(octets)]
    return [octets[a:b] for a, b in pairwise(places)]


def converse(pieces: list[bytes]) -> list[Event]:
    """All events, content joined, with a client whose DATA and BDAT are always taken."""
    receiver = CommandReceiver(max_line=40)
    events: list[Event] = []
    for piece in pieces:
        receiver.feed(piece)
        while (event := receiver.next_event()) is not None:
            if isinstance(event, Content) and events and isinstance(events[-1], Content):
                events[-1] = Content(events[-1].octets + event.octets)
            else:
                events.append(event)
            if event == Line(b"DATA"):
                receiver.expect_data()
            elif event == Line(b"BDAT"):
                receiver.expect_chunk(5)
            elif event == Line(b"AUTH"):
                receiver.expect_secret()
    return events


def content(octets: bytes, pieces: list[bytes] | None = None) -> tuple[bytes, bool, bytes | None]:
    """The content, whether it has a bare CR or LF, and what follows its end."""
    receiver = DataReceiver()
    got = b""
    for number, piece in enumerate(pieces or [octets]):
        more, rest = receiver.feed(piece)
        got += more
        if rest is not None:
            return got, receiver.is_bare, rest + b"".join((pieces or [b""])[number + 1 :])
    return got, receiver.is_bare, None


CONVERSATIONS = [
    (b"NOOP\r\n", [Line(b"NOOP")]),
    (b"\r\n", [Line(b"")]),
    (b"NOOP\nQUIT\r\n", [Line(b"NOOP\nQUIT")]),
    (b"NOOP\rQUIT\r\n", [Line(b"NOOP\rQUIT")]),
    (b"x" * 40 + b"\r\nNOOP\r\n", [Line(b"x" * 40), Line(b"NOOP")]),
    (b"x" * 41 + b"\r\nNOOP\r\n", [OverlongLine(40), Line(b"NOOP")]),
    (b"x" * 9000 + b"\r\nNOOP\r\n", [OverlongLine(40), Line(b"NOOP")]),
    (b"AUTH\r\n" + b"x" * 100 + b"\r\nNOOP\r\n", [Line(b"AUTH"), Line(b"x" * 100), Line(b"NOOP")]),
    (
        b"AUTH\r\n" + b"x" * (MAX_SECRET_LINE + 1) + b"\r\nNOOP\r\n",
        [Line(b"AUTH"), OverlongLine(MAX_SECRET_LINE), Line(b"NOOP")],
    ),
    (b"DATA\r\n.\r\nNOOP\r\n", [Line(b"DATA"), ContentEnd(), Line(b"NOOP")]),
    (b"DATA\r\n\r\n.\r\n", [Line(b"DATA"), Content(b"\r\n"), ContentEnd()]),
    (
        b"DATA\r\na\r\n..\r\n.b\r\n...\r\n.\r\nNOOP\r\n",
        [Line(b"DATA"), Content(b"a\r\n.\r\nb\r\n..\r\n"), ContentEnd(), Line(b"NOOP")],
    ),
    (
        b"BDAT\r\n\r\n.\r\nNOOP\r\n",
        [Line(b"BDAT"), Content(b"\r\n.\r\n"), ContentEnd(), Line(b"NOOP")],
    ),
]


@pytest.mark.parametrize(("octets", "events"), CONVERSATIONS)
def test_events_are_the_same_however_the_octets_are_cut(
    octets: bytes, events: list[Event]
) -> None:
    assert converse([octets]) == events
    assert converse([octets[n : n + 1] for n in range(len(octets))]) == events
    for place in range(0, len(octets), 1 + len(octets) // 60):
        assert converse([octets[:place], octets[place:]]) == events


SMUGGLED = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\n.\r",
    b"\r\n\x00.\r\n",
    b"\r\n.\x00\r\n",
    b"\r\r\n.\r\r\n",
]


@pytest.mark.parametrize("end", SMUGGLED)
def test_only_crlf_dot_crlf_ends_the_message(end: bytes) -> None:
    octets = b"one" + end + b"MAIL FROM:<x@example.com>"
    for pieces in ([octets], [octets[n : n + 1] for n in range(len(octets))]):
        assert content(octets, pieces)[2] is None
    got, bare, rest = content(octets + b"\r\n.\r\nQUIT\r\n")
    assert rest == b"QUIT\r\n"
    assert b"MAIL FROM" in got
    assert bare is (b"\x00" not in end)


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"x"]), max_size=40),
    st.lists(st.integers(0, 200), max_size=10),
)
def test_data_is_what_rfc_5321_section_4_5_2_says(tokens: list[bytes], cuts: list[int]) -> None:
    octets = b"".join(tokens)
    got, bare, rest = content(octets, cut(octets, cuts))
    whole, found, after = (b"\r\n" + octets).partition(b"\r\n.\r\n")
    if found:
        lines = (whole + b"\r\n").split(b"\r\n")
        wanted = b"\r\n".join(line[line.startswith(b".") :] for line in lines)[2:]
        assert got == wanted
        assert rest == after
        plain = (whole + b"\r\n").replace(b"\r\n", b"")
        assert bare is (b"\r" in plain or b"\n" in plain)
    else:
        assert rest is None


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=10))
def test_whatever_comes_is_taken_alike(octets: bytes, cuts: list[int]) -> None:
    octets = b"DATA\r\n" + octets + b"\r\n.\r\nBDAT\r\n" + octets
    assert converse(cut(octets, cuts)) == converse([octets])


def test_an_overlong_line_that_does_not_end_is_given_up() -> None:
    receiver = CommandReceiver()

    def flood() -> None:
        for _ in range(MAX_SKIPPED // 65536 + 2):
            receiver.feed(b"x" * 65536)
            assert receiver.next_event() is None

    with pytest.raises(LimitExceeded):
        flood()


def test_what_came_before_the_handshake_is_forgotten() -> None:
    receiver = CommandReceiver()
    receiver.feed(b"STARTTLS\r\nRSET\r\nNO")
    assert receiver.next_event() == Line(b"STARTTLS")
    assert receiver.has_pending
    receiver.discard()
    assert not receiver.has_pending
    receiver.feed(b"OP\r\n")
    assert receiver.next_event() == Line(b"OP")
