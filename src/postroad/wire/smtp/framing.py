"""Cut the stream from an SMTP client into lines and message content.

A line ends at CRLF and nowhere else (RFC 5321 section 2.3.8), content sent with DATA ends at
CRLF.CRLF and nowhere else (section 4.1.1.4), a BDAT chunk ends when its octets are counted
(RFC 3030 section 2). What follows a line depends on the answer to it, so events are taken one by
one: after `feed`, call `next_event` until it returns None, and change the mode in between with
`expect_data`, `expect_chunk` or `expect_secret`.
"""

from dataclasses import dataclass
from enum import Enum, auto

from postroad.wire.errors import LimitExceeded
from postroad.wire.smtp.lineends import LineEndCheck

MAX_LINE = 12288
"""Octets of a command line; RFC 5321 section 4.5.3.1.4 asks for 512, and extensions add to it.

Interop: Thunderbird and others send an access token, some thousand octets long, with AUTH itself,
though RFC 4954 section 4 wants it in a line of its own.
"""
MAX_SECRET_LINE = 12288
"""Octets of a line in an AUTH exchange (RFC 4954 section 4)."""
MAX_SKIPPED = 1 << 20
"""Octets of an overlong line that are read past before the connection is given up."""

_END = b"\r\n.\r\n"
_HOLDABLE = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")


@dataclass(frozen=True, slots=True)
class Line:
    """A command, or an answer in an AUTH exchange, without its CRLF."""

    text: bytes


@dataclass(frozen=True, slots=True)
class OverlongLine:
    """A line was over the limit. It was read past, and the next one is readable."""

    limit: int


@dataclass(frozen=True, slots=True)
class Content:
    """A piece of the message, dots removed. The cuts between pieces mean nothing."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class ContentEnd:
    """The end of DATA, or of one BDAT chunk."""


Event = Line | OverlongLine | Content | ContentEnd


class _Mode(Enum):
    COMMANDS = auto()
    SECRET = auto()  # one line of an AUTH exchange
    SKIPPING = auto()  # past the rest of an overlong line
    DATA = auto()
    CHUNK = auto()


class DataReceiver:
    """The content after DATA: takes off the dots and finds the end (RFC 5321 section 4.5.2)."""

    __slots__ = ("_buffer", "_check", "_virtual")

    def __init__(self) -> None:
        self._buffer = b"\r\n"  # content begins at the start of a line
        self._virtual = 2  # octets at the start of the buffer that the peer did not send
        self._check = LineEndCheck()

    @property
    def is_bare(self) -> bool:
        """Whether a CR or LF stood alone; to be asked when the end has come."""
        return self._check.is_bare

    def feed(self, octets: bytes) -> tuple[bytes, bytes | None]:
        """The content that is certain now, and, if the end has come, what follows it."""
        buffer = self._buffer + octets
        dotted = buffer.find(b"\r\n.")
        end = buffer.find(_END, dotted) if dotted >= 0 else -1
        if end >= 0:
            raw, rest = buffer[: end + 2], buffer[end + len(_END) :]
            return self._emit(raw, dotted=dotted < end), rest
        held = next((len(tail) for tail in _HOLDABLE if buffer.endswith(tail)), 0)
        cut = len(buffer) - held
        self._buffer = buffer[cut:]
        return (self._emit(buffer[:cut], dotted=dotted >= 0) if cut else b""), None

    def _emit(self, raw: bytes, *, dotted: bool = True) -> bytes:
        self._check.update(raw)
        content = raw.replace(b"\r\n.", b"\r\n") if dotted else raw
        if self._virtual:
            content = content[self._virtual :]
            self._virtual = 0
        return content


class CommandReceiver:
    """Holds at most what one `feed` brought and one unfinished line of at most `MAX_LINE` octets.

    The caller feeds pieces of a bounded size and takes all events before it feeds again.
    """

    def __init__(self, *, max_line: int = MAX_LINE) -> None:
        self._max_line = max_line
        self._mode = _Mode.COMMANDS
        self._buffer = b""
        self._start = 0  # octets of the buffer that are used up
        self._searched = 0  # octets of the buffer known to hold no CRLF
        self._skipped = 0
        self._limit_passed = 0
        self._content: DataReceiver | None = None
        self._chunk_left = 0

    def feed(self, octets: bytes) -> None:
        rest = self._buffer[self._start :] if self._start else self._buffer
        self._searched -= self._start
        self._start = 0
        self._buffer = rest + octets if rest else octets

    @property
    def has_pending(self) -> bool:
        """Whether octets have come that no event has used up."""
        return self._start < len(self._buffer)

    def discard(self) -> None:
        """Forget what has come; for the start of TLS (RFC 3207 section 4.2)."""
        self._take_all()

    def expect_data(self) -> DataReceiver:
        """What follows is the content of a message, until CRLF.CRLF."""
        self._mode = _Mode.DATA
        self._content = DataReceiver()
        return self._content

    def expect_chunk(self, octets: int) -> None:
        """What follows is a BDAT chunk of this many octets, passed on as they are."""
        self._mode = _Mode.CHUNK
        self._chunk_left = octets

    def expect_secret(self) -> None:
        """The next line belongs to an AUTH exchange, and may be longer."""
        self._mode = _Mode.SECRET

    def next_event(self) -> Event | None:
        """The next event, or None when more octets are needed.

        Raises `LimitExceeded` when an overlong line does not end.
        """
        match self._mode:
            case _Mode.DATA:
                return self._next_content()
            case _Mode.CHUNK:
                return self._next_of_chunk()
            case _Mode.SKIPPING:
                return self._skip()
            case _Mode.SECRET:
                return self._next_line(MAX_SECRET_LINE)
            case _:
                return self._next_line(self._max_line)

    def _next_line(self, limit: int) -> Event | None:
        end = self._buffer.find(b"\r\n", max(self._start, self._searched))
        length = (end if end >= 0 else len(self._buffer)) - self._start
        if end >= 0 and length <= limit:
            line = self._buffer[self._start : end]
            self._start = end + 2
            self._mode = _Mode.COMMANDS
            return Line(line)
        # A CR at the end of a line of the greatest length may yet be followed by its LF.
        if end < 0 and length <= limit + 1:
            self._searched = max(self._start, len(self._buffer) - 1)
            return None
        self._mode = _Mode.SKIPPING
        self._skipped = 0
        self._limit_passed = limit
        return self._skip()

    def _skip(self) -> Event | None:
        end = self._buffer.find(b"\r\n", self._start)
        if end >= 0:
            self._start = end + 2
            self._mode = _Mode.COMMANDS
            return OverlongLine(self._limit_passed)
        keep = 1 if self._buffer.endswith(b"\r") else 0
        self._skipped += len(self._buffer) - self._start - keep
        self._start = len(self._buffer) - keep
        self._searched = self._start
        if self._skipped > MAX_SKIPPED:
            raise LimitExceeded("line", self._limit_passed)
        return None

    def _next_content(self) -> Event | None:
        receiver = self._content
        if receiver is None:  # its end was found with the event before
            self._mode = _Mode.COMMANDS
            return ContentEnd()
        if not self.has_pending:
            return None
        content, rest = receiver.feed(self._take_all())
        if rest is not None:
            self._content = None
            self._buffer = rest
        if content:
            return Content(content)
        return self._next_content() if rest is not None else None

    def _next_of_chunk(self) -> Event | None:
        if self._chunk_left == 0:
            self._mode = _Mode.COMMANDS
            return ContentEnd()
        if not self.has_pending:
            return None
        if self._start == 0 and len(self._buffer) <= self._chunk_left:
            content = self._take_all()
        else:
            stop = min(len(self._buffer), self._start + self._chunk_left)
            content = self._buffer[self._start : stop]
            self._start = stop
        self._chunk_left -= len(content)
        return Content(content)

    def _take_all(self) -> bytes:
        octets = self._buffer[self._start :] if self._start else self._buffer
        self._buffer = b""
        self._start = self._searched = 0
        return octets
