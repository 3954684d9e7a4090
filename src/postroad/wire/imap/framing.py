"""Cut the stream from a client into IMAP commands (RFC 9051 section 2.2).

No I/O here: octets go in through `feed`, `next_event` hands out what they complete. Events
are pulled one at a time, because what the session makes of one (refuse a literal, start TLS,
ask for a line of SASL) decides how the octets behind it are to be read.
"""

import re
from dataclasses import dataclass

from postroad.wire.errors import LimitExceeded

_LITERAL = re.compile(rb"(~?)\{(\d{1,20})(\+?)\}\Z")
# The message of an APPEND or REPLACE is streamed; a literal right behind is the mailbox, and one
# behind URL in CATENATE (RFC 4469) is the URL.
_STREAMED = re.compile(
    rb"[^ ]+ (?:APPEND|(?:UID )?REPLACE [^ ]+) (?!~?\{\d+\+?\}\Z)", re.IGNORECASE
)
_URL = re.compile(rb"[ (]URL ~?\{\d+\+?\}\Z", re.IGNORECASE)
_MAX_CHUNK = 256 * 1024
_MAX_LITERALS = 1000
_LITERAL_MINUS_OCTETS = 4096  # RFC 7888 section 5


@dataclass(frozen=True, slots=True)
class Literal:
    """One literal of a command; `end` is where its announcement ends in the text.

    `octets` is None for a literal that was streamed. `binary` is ``literal8``.
    """

    end: int
    size: int
    octets: bytes | None
    binary: bool = False


@dataclass(frozen=True, slots=True)
class RawCommand:
    """The lines of one command without the last CRLF, and its literals in order."""

    text: bytes
    literals: tuple[Literal, ...] = ()


@dataclass(frozen=True, slots=True)
class LiteralWanted:
    """The client waits for leave to send a literal (RFC 9051 section 4.3)."""

    size: int


@dataclass(frozen=True, slots=True)
class LiteralRefused:
    """A waiting client announced more than we collect; its command is forgotten."""

    command: RawCommand
    limit: int


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """A literal follows in chunks. `waits` says that the client wants leave first.

    `command` is the command so far, its last literal being the one announced.
    """

    command: RawCommand
    size: int
    binary: bool
    waits: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """Octets of a streamed literal, in order."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """All octets of a streamed literal have been handed out."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not a command: an answer to a continuation of ours."""

    octets: bytes


Event = RawCommand | LiteralWanted | LiteralRefused | StreamStarted | Chunk | StreamEnded | Line


class CommandReceiver:
    """Collects one command after another. Limits are in octets, and hold before buffering.

    `max_line` bounds the text of a command, `max_literals` the literals collected with it.
    `literal_minus` takes literals that do not wait up to 4096 octets only (RFC 7888 section 5).
    """

    def __init__(
        self,
        *,
        max_line: int = 65536,
        max_literals: int = 65536,
        literal_minus: bool = False,
    ) -> None:
        self._max_line = max_line
        self._max_literals = max_literals
        self._literal_minus = literal_minus
        self._buffer = bytearray()
        self._searched = 0  # octets of the buffer known to hold no CRLF
        self._wants_line = False
        self._streaming = False
        self._left = 0  # octets of the streamed literal still to come
        self._announced: Literal | None = None
        self._text = bytearray()
        self._literals: list[Literal] = []
        self._held = 0  # octets of the collected literals

    @property
    def has_more(self) -> bool:
        """Whether octets are waiting in the buffer (to be refused at STARTTLS)."""
        return bool(self._buffer)

    def feed(self, octets: bytes) -> None:
        """Take octets; call `next_event` until it returns None after this."""
        self._buffer += octets

    def forget(self) -> None:
        """Drop everything that was read and not handed out (after STARTTLS)."""
        self._buffer.clear()
        self._reset()

    def take_rest(self) -> bytes:
        """What was read and not handed out, between two commands: it is not for us to read."""
        rest = bytes(self._buffer)
        self.forget()
        return rest

    def expect_line(self) -> None:
        """Hand out the next line as it is, whatever it holds."""
        self._wants_line = True

    def refuse_literal(self) -> None:
        """Forget the command whose waiting literal was announced last."""
        self._reset()

    def next_event(self) -> Event | None:
        """The next event, or None when octets are missing. Raises `LimitExceeded`."""
        while True:
            if self._streaming:
                return self._take_chunk()
            if self._announced is not None:
                if not self._take_literal(self._announced):
                    return None
                continue
            line = self._take_line()
            if line is None:
                return None
            if self._wants_line:
                self._wants_line = False
                return Line(line)
            if (event := self._add_line(line)) is not None:
                return event

    def _take_chunk(self) -> Event | None:
        if not self._left:
            self._streaming = False
            return StreamEnded()
        if not self._buffer:
            return None
        octets = self._cut(min(self._left, len(self._buffer), _MAX_CHUNK))
        self._left -= len(octets)
        return Chunk(octets)

    def _take_literal(self, announced: Literal) -> bool:
        if len(self._buffer) < announced.size:
            return False
        octets = self._cut(announced.size)
        self._literals.append(
            Literal(announced.end, announced.size, octets, binary=announced.binary)
        )
        self._announced = None
        return True

    def _take_line(self) -> bytes | None:
        # Security: CRLF only. A bare LF or CR never ends a line.
        end = self._buffer.find(b"\r\n", self._searched)
        length = len(self._buffer) if end < 0 else end
        if length + len(self._text) > self._max_line:
            raise LimitExceeded("command line", self._max_line)
        if end < 0:
            self._searched = max(0, len(self._buffer) - 1)
            return None
        return self._cut(end + 2)[:-2]

    def _add_line(self, line: bytes) -> Event | None:
        self._text += line
        if (match := _LITERAL.search(line)) is not None:
            return self._announce(int(match[2]), binary=bool(match[1]), waits=not match[3])
        command = RawCommand(bytes(self._text), tuple(self._literals))
        self._reset()
        return command

    def _announce(self, size: int, *, binary: bool, waits: bool) -> Event | None:
        if not waits and self._literal_minus and size > _LITERAL_MINUS_OCTETS:
            raise LimitExceeded("literal that does not wait", _LITERAL_MINUS_OCTETS)
        if len(self._literals) >= _MAX_LITERALS:
            raise LimitExceeded("literals in a command", _MAX_LITERALS)
        literal = Literal(len(self._text), size, None, binary)
        if self._is_streamed():
            return self._start_stream(literal, waits=waits)
        if self._held + size > self._max_literals:
            return self._refuse(literal, waits=waits)
        self._held += size
        self._announced = literal
        return LiteralWanted(size) if waits else None

    def _is_streamed(self) -> bool:
        if not _STREAMED.match(self._text):
            return False
        return not (_URL.search(self._text[-32:]) and b" CATENATE (" in self._text.upper())

    def _start_stream(self, literal: Literal, *, waits: bool) -> Event:
        self._literals.append(literal)
        self._streaming = True
        self._left = literal.size
        command = RawCommand(bytes(self._text), tuple(self._literals))
        return StreamStarted(command, literal.size, literal.binary, waits)

    def _refuse(self, literal: Literal, *, waits: bool) -> Event:
        if not waits:
            raise LimitExceeded("literal", self._max_literals)
        command = RawCommand(bytes(self._text), (*self._literals, literal))
        self._reset()
        return LiteralRefused(command, self._max_literals)

    def _reset(self) -> None:
        self._text.clear()
        self._literals.clear()
        self._held = 0
        self._announced = None
        self._streaming = False
        self._left = 0

    def _cut(self, count: int) -> bytes:
        cut = bytes(memoryview(self._buffer)[:count])
        del self._buffer[:count]
        self._searched = 0
        return cut
