"""SMTP replies, as we write them and as we read them (RFC 5321 section 4.2, RFC 2034)."""

import re
from dataclasses import dataclass

from postroad.wire.errors import BadSyntax, LimitExceeded

MAX_REPLY_LINE = 4096
"""Octets of a line we read. RFC 5321 section 4.5.3.1.5 asks for 512; Interop: some send more."""
MAX_REPLY_LINES = 200
_MAX_TEXT = 480  # octets of text in a line we write: 512 less code, enhanced code and CRLF
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LINE = re.compile(rb"([2-5][0-5][0-9])(?:([ -])(.*))?\Z", re.DOTALL)
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?: +|\Z)")


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. `enhanced` is empty where none is allowed: greeting, EHLO, 334 and 354.

    The text may have several lines, parted by LF; anything that could forge a reply line is
    taken out when it is encoded.
    """

    code: int
    enhanced: str
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @property
    def is_positive(self) -> bool:
        return 200 <= self.code < 300

    @property
    def is_temporary(self) -> bool:
        return 400 <= self.code < 500

    @property
    def is_permanent(self) -> bool:
        return 500 <= self.code < 600

    @property
    def status(self) -> str:
        """The enhanced code, or what the code alone says of it (RFC 3463 section 3.1)."""
        return self.enhanced or f"{self.code // 100}.0.0"

    def encode(self) -> bytes:
        lines = [_one_line(self.enhanced, line) for line in self.lines]
        code = b"%d" % self.code
        last = lines.pop()
        return b"".join(b"%b-%b\r\n" % (code, line) for line in lines) + (
            b"%b %b\r\n" % (code, last)
        )

    def __str__(self) -> str:
        """As a person reads it, on one line; for stories and DSNs."""
        text = " ".join(self.lines)
        return f"{self.code} {self.enhanced} {text}" if self.enhanced else f"{self.code} {text}"


def _one_line(enhanced: str, text: str) -> bytes:
    clean = _CONTROLS.sub(" ", text).encode("utf-8", "replace")
    if len(clean) > _MAX_TEXT:
        clean = clean[:_MAX_TEXT].decode("utf-8", "ignore").encode()
    return b"%b %b" % (enhanced.encode(), clean) if enhanced else clean


class ReplyReceiver:
    """Collects the replies of a server, which may be many lines and may come many at a time."""

    def __init__(self, *, max_lines: int = MAX_REPLY_LINES) -> None:
        self._max_lines = max_lines
        self._buffer = b""
        self._code: bytes | None = None  # of the reply whose lines are being collected
        self._lines: list[str] = []
        self._enhanced = ""

    @property
    def has_pending(self) -> bool:
        """Whether part of a reply has come; after STARTTLS it must not (RFC 3207 section 4.2)."""
        return bool(self._buffer) or self._code is not None

    def feed(self, octets: bytes) -> list[Reply]:
        """Take octets, return the replies they complete.

        Raises `BadSyntax` and `LimitExceeded`; after either, nothing more can be made of the
        connection.
        """
        lines = (self._buffer + octets).split(b"\r\n")
        self._buffer = lines.pop()
        replies: list[Reply] = []
        for line in lines:
            reply = self._take(line)
            if reply is not None:
                replies.append(reply)
        if len(self._buffer) > MAX_REPLY_LINE:
            raise LimitExceeded("reply line", MAX_REPLY_LINE)
        return replies

    def _take(self, line: bytes) -> Reply | None:
        if len(line) > MAX_REPLY_LINE:
            raise LimitExceeded("reply line", MAX_REPLY_LINE)
        match = _LINE.match(line)
        if match is None:
            raise BadSyntax("a reply code", 0)
        code, more, octets = match[1], match[2] == b"-", match[3] or b""
        if self._code not in (None, code):
            raise BadSyntax("the same code on each line of a reply", 0)
        if len(self._lines) >= self._max_lines:
            raise LimitExceeded("lines of a reply", self._max_lines)
        self._collect(code, octets)
        if more:
            return None
        reply = Reply(int(code), self._enhanced, "\n".join(self._lines))
        self._code, self._lines, self._enhanced = None, [], ""
        return reply

    def _collect(self, code: bytes, octets: bytes) -> None:
        text = _CONTROLS.sub(" ", octets.decode("utf-8", "replace"))
        found = _ENHANCED.match(text)
        if found and found[1].encode() == code[:1]:
            text = text[found.end() :]
            if self._code is None:
                self._enhanced = f"{found[1]}.{int(found[2])}.{int(found[3])}"
        self._code = code
        self._lines.append(text.rstrip(" "))
