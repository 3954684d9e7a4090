"""How commands are cut out of the stream."""

import contextlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.wire.errors import LimitExceeded, WireError
from postroad.wire.imap.framing import (
    Chunk,
    CommandReceiver,
    Event,
    Line,
    Literal,
    LiteralRefused,
    LiteralWanted,
    RawCommand,
    StreamEnded,
    StreamStarted,
)


def events_of(receiver: CommandReceiver, pieces: Iterable[bytes]) -> list[Event]:
    """All events, with neighbouring chunks joined."""
    events: list[Event] = []
    for piece in pieces:
        receiver.feed(piece)
        while (event := receiver.next_event()) is not None:
            if isinstance(event, Chunk) and events and isinstance(last := events[-1], Chunk):
                events[-1] = Chunk(last.octets + event.octets)
            else:
                events.append(event)
    return events


def append(text: bytes, *literals: Literal) -> RawCommand:
    return RawCommand(text, literals)


CASES: list[tuple[str, bytes, list[Event]]] = [
    ("one line", b"a NOOP\r\n", [RawCommand(b"a NOOP")]),
    ("two at once", b"a X\r\nb Y\r\n", [RawCommand(b"a X"), RawCommand(b"b Y")]),
    ("half a line", b"a NOOP", []),
    ("empty line", b"\r\n", [RawCommand(b"")]),
    ("bare LF is text", b"a X\nb\r\n", [RawCommand(b"a X\nb")]),
    ("bare CR is text", b"a X\rb\r\r\n", [RawCommand(b"a X\rb\r")]),
    ("no literal before LF", b"a {3}\n\r\n", [RawCommand(b"a {3}\n")]),
    (
        "literals",
        b"a L {3}\r\nx\r\n {2+}\r\nyz\r\n",
        [
            LiteralWanted(3),
            RawCommand(b"a L {3} {2+}", (Literal(7, 3, b"x\r\n"), Literal(12, 2, b"yz"))),
        ],
    ),
    (
        "empty literal",
        b"a L {0+}\r\n\r\n",
        [RawCommand(b"a L {0+}", (Literal(8, 0, b""),))],
    ),
    (
        "literal8",
        b"a L ~{1+}\r\n\x00\r\n",
        [RawCommand(b"a L ~{1+}", (Literal(9, 1, b"\x00", binary=True),))],
    ),
]
CASES += [
    (
        "message of REPLACE in a stream",
        b"a uid Replace 4 x {2+}\r\nyz\r\n",
        [
            StreamStarted(
                append(b"a uid Replace 4 x {2+}", Literal(22, 2, None)),
                2,
                binary=False,
                waits=False,
            ),
            Chunk(b"yz"),
            StreamEnded(),
            append(b"a uid Replace 4 x {2+}", Literal(22, 2, None)),
        ],
    ),
    (
        "mailbox of REPLACE",
        b"a REPLACE 4 {2+}\r\nyz x\r\n",
        [append(b"a REPLACE 4 {2+} x", Literal(16, 2, b"yz"))],
    ),
    (
        "URL of CATENATE",
        b"a APPEND x CATENATE (URL {2+}\r\nyz)\r\n",
        [append(b"a APPEND x CATENATE (URL {2+})", Literal(29, 2, b"yz"))],
    ),
]
CASES.append(
    (
        "message of APPEND in a stream",
        b"a append {5+}\r\nDraft {7}\r\nA: b\r\nx\r\nb NOOP\r\n",
        [
            StreamStarted(
                append(b"a append {5+} {7}", Literal(13, 5, b"Draft"), Literal(17, 7, None)),
                7,
                binary=False,
                waits=True,
            ),
            Chunk(b"A: b\r\nx"),
            StreamEnded(),
            append(b"a append {5+} {7}", Literal(13, 5, b"Draft"), Literal(17, 7, None)),
            RawCommand(b"b NOOP"),
        ],
    )
)
CASES.append(
    (
        "message of APPEND as literal8 that does not wait",
        b"a APPEND X UTF8 (~{1+}\r\nx)\r\n",
        [
            StreamStarted(
                append(b"a APPEND X UTF8 (~{1+}", Literal(22, 1, None, binary=True)),
                1,
                binary=True,
                waits=False,
            ),
            Chunk(b"x"),
            StreamEnded(),
            append(b"a APPEND X UTF8 (~{1+})", Literal(22, 1, None, binary=True)),
        ],
    )
)


@pytest.mark.parametrize(("octets", "events"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
class TestEvents:
    def test_whole(self, octets: bytes, events: list[Event]) -> None:
        assert events_of(CommandReceiver(), [octets]) == events

    def test_octet_by_octet(self, octets: bytes, events: list[Event]) -> None:
        assert events_of(CommandReceiver(), [bytes([octet]) for octet in octets]) == events


@pytest.mark.parametrize(
    "octets",
    [
        b"x" * 33,
        b"a {65+}\r\n",
        b"a {40+}\r\n" + b"x" * 40 + b"{25+}\r\n",
        b"a {99999999999999999999+}\r\n",
    ],
)
def test_limits_hold_before_the_octets_arrive(octets: bytes) -> None:
    receiver = CommandReceiver(max_line=32, max_literals=64)
    with pytest.raises(LimitExceeded):
        events_of(receiver, [octets])


def test_a_waiting_literal_over_the_limit_is_refused_and_the_connection_goes_on() -> None:
    receiver = CommandReceiver(max_line=32, max_literals=64)
    events = events_of(receiver, [b"a LOGIN {65}\r\n", b"b NOOP\r\n"])
    command = RawCommand(b"a LOGIN {65}", (Literal(12, 65, None),))
    assert events == [LiteralRefused(command, 64), RawCommand(b"b NOOP")]


def test_a_refused_stream_is_forgotten() -> None:
    receiver = CommandReceiver()
    assert isinstance(events_of(receiver, [b"a APPEND X {9}\r\n"])[0], StreamStarted)
    receiver.refuse_literal()
    assert events_of(receiver, [b"b NOOP\r\n"]) == [RawCommand(b"b NOOP")]


def test_literal_minus() -> None:
    receiver = CommandReceiver(literal_minus=True)
    assert len(events_of(receiver, [b"a X {4096+}\r\n" + b"x" * 4096 + b"\r\n"])) == 1
    with pytest.raises(LimitExceeded):
        events_of(receiver, [b"a APPEND X {4097+}\r\n"])


def test_a_line_that_was_asked_for_is_not_a_command() -> None:
    receiver = CommandReceiver()
    receiver.feed(b"a AUTHENTICATE PLAIN\r\nAGE= {3}\r\nb NOOP\r\n")
    assert receiver.next_event() == RawCommand(b"a AUTHENTICATE PLAIN")
    receiver.expect_line()
    assert receiver.next_event() == Line(b"AGE= {3}")
    assert receiver.next_event() == RawCommand(b"b NOOP")


def test_what_came_before_tls_is_forgotten() -> None:
    receiver = CommandReceiver()
    receiver.feed(b"a STARTTLS\r\nb NOOP\r\n")
    receiver.next_event()
    assert receiver.has_more
    receiver.forget()
    assert receiver.next_event() is None


_STREAM = st.lists(
    st.sampled_from(
        [b"a NOOP\r\n", b"b X {3+}\r\nx\r\n\r\n", b"c APPEND Y {4+}\r\nmail\r\n", b"{2+}", b"\r\n"]
    )
    | st.binary(max_size=40),
    max_size=8,
).map(b"".join)


@given(_STREAM, st.data())
def test_the_same_events_however_the_octets_are_split(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert outcome([stream]) == outcome(pieces)


def outcome(pieces: list[bytes]) -> list[Event] | str:
    try:
        return events_of(CommandReceiver(max_line=64, max_literals=64), pieces)
    except WireError as error:
        return str(error)


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_nothing_but_wire_errors(pieces: list[bytes]) -> None:
    receiver = CommandReceiver(max_line=64, max_literals=64)
    with contextlib.suppress(WireError):
        events_of(receiver, pieces)
