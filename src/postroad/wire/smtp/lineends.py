"""Find, and mend, CR and LF that do not stand together (RFC 5321 section 2.3.8)."""

import re

_ANY_LINE_END = re.compile(rb"\r\n|\r|\n")


class LineEndCheck:
    """Watches content that comes in pieces; a CRLF may be cut between two of them.

    Security: a bare CR or LF is how messages are smuggled, because some servers end a line,
    or a message, at it. It costs three counts in C for each piece.
    """

    __slots__ = ("_after_cr", "_bare")

    def __init__(self) -> None:
        self._bare = False
        self._after_cr = False  # the last octet seen was a CR that may still find its LF

    def update(self, piece: bytes) -> None:
        if self._bare or not piece:
            return
        pairs = piece.count(b"\r\n")
        lone_lf = piece.count(b"\n") - pairs
        lone_cr = piece.count(b"\r") - pairs
        if self._after_cr:
            if not piece.startswith(b"\n"):
                self._bare = True
                return
            lone_lf -= 1
        self._after_cr = piece.endswith(b"\r")
        if self._after_cr:
            lone_cr -= 1
        self._bare = lone_lf > 0 or lone_cr > 0

    @property
    def is_bare(self) -> bool:
        """Whether what was seen so far, taken as the whole, has a bare CR or LF."""
        return self._bare or self._after_cr


class LineEndMender:
    """Makes every line end a CRLF, for content that is about to leave; usually changes nothing."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""  # a CR whose LF may come with the next piece

    def update(self, piece: bytes) -> bytes:
        if self._held:
            piece = self._held + piece
            self._held = b""
        if piece.endswith(b"\r"):
            self._held = b"\r"
            piece = piece[:-1]
        pairs = piece.count(b"\r\n")
        if piece.count(b"\n") == pairs and piece.count(b"\r") == pairs:
            return piece
        return _ANY_LINE_END.sub(b"\r\n", piece)

    def finish(self) -> bytes:
        held, self._held = self._held, b""
        return b"\r\n" if held else b""
