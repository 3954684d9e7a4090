"""The tree of a message's parts, found in one pass over its octets (RFC 2046 section 5).

The pass looks for lines that begin with "--", and nothing else in the bodies, so that its time is
linear in the octets whatever they are. The scanner never raises: a message that breaks the rules
has some tree all the same, and what is beyond a limit is an opaque part.

Deviation: RFC 2046 section 5.1.1 lets a delimiter line go on after the boundary. We want white
space or "--" there, so that a boundary may be the beginning of another one, as it is in the mail
of many senders.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from postroad.formats.mime import content as contents
from postroad.formats.mime import parameters
from postroad.formats.mime.content import Content
from postroad.formats.mime.headers import HEADER_LIMIT, Header
from postroad.formats.mime.octets import Octets, count_lines
from postroad.formats.mime.transfer import IDENTITY

# RFC 2046 section 5.1.1 allows 70 octets.
_LONGEST_BOUNDARY = 250
_LONGEST_DELIMITER = _LONGEST_BOUNDARY + 50

# Parts of many messages have the same header, of as few octets.
_USUAL_HEADER_OCTETS = 512
_USUAL_HEADERS = 1024


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """What a message may cost us. Nothing is refused: what is beyond is not taken apart."""

    max_depth: int = 100
    """Entities inside each other; a deeper multipart or message has no children."""
    max_parts: int = 1000
    """Entities in all; what comes after the last one is not taken apart."""
    max_header_octets: int = HEADER_LIMIT
    """Octets of one header block that are read."""
    max_headers_octets: int = 4 * 1024 * 1024
    """Octets of all header blocks that are read."""


@dataclass(frozen=True, slots=True)
class Part:
    """An entity: its header is `[header_start:body_start]`, its body `[body_start:body_end]`.

    The header includes the empty line. A multipart or a message has its children in the order
    they came; one that was not taken apart (no boundary, beyond a limit, encoded) has none.
    """

    header_start: int
    body_start: int
    body_end: int
    lines: int
    """Line ends in the body."""
    content: Content
    header: Header | None
    """The fields, where the entity is a message: at the root, and inside message/rfc822."""
    children: tuple["Part", ...] = ()

    @property
    def is_multipart(self) -> bool:
        """Whether it is a multipart that was taken apart."""
        return bool(self.children) and self.content.media_type == "multipart"

    @property
    def is_message(self) -> bool:
        """Whether it is a message/rfc822 or message/global that was taken apart; one child."""
        return bool(self.children) and self.content.media_type == "message"

    @property
    def size(self) -> int:
        """Octets of the body, as transferred."""
        return self.body_end - self.body_start

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, in the order they came."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.children))


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the scanner saw it."""

    size: int
    root: Part
    header: Header
    has_ascii_headers: bool
    """Whether no header in it, of any part, goes beyond ASCII."""


@dataclass(slots=True)
class _Open:
    """An entity whose end was not met yet."""

    header_start: int
    body_start: int
    lines_before: int
    content: Content
    header: Header | None
    children: list[Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Boundary:
    """The boundary of an open multipart, and what was in force before it."""

    octets: bytes
    level: int
    needle: bytes
    """What every delimiter line of this boundary and of those around it begins with."""
    shadowed: int | None


@dataclass(frozen=True, slots=True)
class _Delimiter:
    """A delimiter line of the multipart at `level`."""

    start: int
    end: int
    level: int
    is_last: bool


def scan(octets: Octets, limits: ScanLimits | None = None) -> Message:
    """Take a message apart. Linear in its octets; never raises."""
    scanner = _Scanner(octets, limits or _DEFAULT_LIMITS)
    root = scanner.run()
    assert root.header is not None  # noqa: S101  the root is a message
    return Message(len(octets), root, root.header, scanner.has_ascii_headers)


_DEFAULT_LIMITS = ScanLimits()


class _Scanner:
    """One pass. Always true: `_stack` are the open entities, each inside the one before it;
    `_boundaries` belong to some of them, the innermost last; `_levels` finds these by octets.
    """

    def __init__(self, octets: Octets, limits: ScanLimits) -> None:
        self._octets = octets
        self._size = len(octets)
        self._limits = limits
        self._stack: list[_Open] = []
        self._boundaries: list[_Boundary] = []
        self._levels: dict[bytes, int] = {}
        self._parts = 0
        self.has_ascii_headers = True
        self._header_octets_left = limits.max_headers_octets
        self._body_after_blank = -1
        self._crlf_blank = -1
        self._counted_to = 0
        self._counted_lines = 0

    def run(self) -> Part:
        at = self._open(0, contents.DEFAULT)
        while self._boundaries:
            delimiter = self._find_delimiter(at - 1, self._size)
            if delimiter is None:
                break
            self._close_above(delimiter.level, self._before_line_end(delimiter.start))
            if delimiter.is_last:
                self._forget_boundary()
                at = delimiter.end
            elif self._parts >= self._limits.max_parts:
                break
            else:
                at = self._open(delimiter.end, self._default_content())
        return self._close_above(-1, self._size)

    def _open(self, at: int, default: Content) -> int:
        """Open the entity at `at`, and those that begin with it; return where to look on."""
        is_message = not self._stack
        while True:
            body_start, is_cut = self._header_end(at)
            header, content = self._read_header(at, body_start, default, is_message)
            lines = self._lines_to(body_start)
            self._stack.append(_Open(at, body_start, lines, content, header))
            self._parts += 1
            if is_cut or not self._may_open(content):
                return body_start
            if content.media_type == "multipart":
                self._remember_boundary(content)
                return body_start
            at, default, is_message = body_start, contents.DEFAULT, True

    def _may_open(self, content: Content) -> bool:
        """Whether the entity just opened has parts that we look for."""
        if len(self._stack) > self._limits.max_depth or self._parts >= self._limits.max_parts:
            return False
        if content.media_type == "multipart":
            return True
        # RFC 2046 section 5.2.1: a message/rfc822 is not encoded; one that is stays closed.
        return (
            content.media_type == "message"
            and content.subtype in ("rfc822", "global")
            and content.encoding in IDENTITY
        )

    def _default_content(self) -> Content:
        is_digest = self._stack[-1].content.subtype == "digest"
        return contents.DEFAULT_IN_DIGEST if is_digest else contents.DEFAULT

    def _header_end(self, at: int) -> tuple[int, bool]:
        """Where the body begins, and whether a delimiter line cut the header off before."""
        end = self._find_body(at)
        if self._boundaries:
            delimiter = self._find_delimiter(at - 1, end)
            if delimiter is not None:
                return delimiter.start, True
        return end, False

    def _find_body(self, at: int) -> int:
        first = self._octets[at : at + 2]
        if first[:1] == b"\n":
            return at + 1
        if first == b"\r\n":
            return at + 2
        # The empty line found before may be the next one still: no octet is searched twice.
        if self._body_after_blank <= at + 2:
            self._body_after_blank = self._after_blank(at)
        return self._body_after_blank

    def _after_blank(self, at: int) -> int:
        if self._crlf_blank < at:
            found = self._octets.find(b"\n\r\n", at)
            self._crlf_blank = self._size if found < 0 else found
        lf_blank = self._octets.find(b"\n\n", at, self._crlf_blank + 1)
        if lf_blank >= 0:
            return lf_blank + 2
        return min(self._crlf_blank + 3, self._size)

    def _read_header(
        self, at: int, body_start: int, default: Content, is_message: bool
    ) -> tuple[Header | None, Content]:
        """The fields, where they are a message's, and what they say of the entity."""
        most = min(self._limits.max_header_octets, self._header_octets_left)
        block = self._octets[at : min(body_start, at + most)]
        self._header_octets_left -= len(block)
        if not block.isascii():
            self.has_ascii_headers = False
        if not is_message and len(block) <= _USUAL_HEADER_OCTETS:
            return None, _usual_content(block, default)
        header = Header(block)
        return header if is_message else None, contents.read(header, default)

    def _lines_to(self, at: int) -> int:
        if at > self._counted_to:
            self._counted_lines += count_lines(self._octets, self._counted_to, at)
            self._counted_to = at
        return self._counted_lines

    def _remember_boundary(self, content: Content) -> None:
        value = parameters.find(content.parameters, "boundary")
        octets = (value or "").encode("utf-8", "replace").rstrip()
        if not octets or len(octets) > _LONGEST_BOUNDARY:
            return
        level = len(self._stack) - 1
        needle = b"\n--" + octets
        if self._boundaries:
            needle = _common_prefix(self._boundaries[-1].needle, needle)
        self._boundaries.append(_Boundary(octets, level, needle, self._levels.get(octets)))
        self._levels[octets] = level

    def _forget_boundary(self) -> None:
        boundary = self._boundaries.pop()
        if boundary.shadowed is None:
            del self._levels[boundary.octets]
        else:
            self._levels[boundary.octets] = boundary.shadowed

    def _find_delimiter(self, at: int, end: int) -> _Delimiter | None:
        """The first delimiter line of an open multipart that begins in `(at, end)`."""
        needle = self._boundaries[-1].needle
        while (found := self._octets.find(needle, at, end)) >= 0:
            start = found + 1
            line = self._octets[start + 2 : start + _LONGEST_DELIMITER]
            length = line.find(b"\n")
            at = start
            if length < 0:
                if start + 2 + len(line) < self._size:
                    continue
                length = len(line)
            line_end = min(start + 3 + length, self._size)
            name = line[:length].rstrip()
            level = self._levels.get(name)
            if level is not None:
                return _Delimiter(start, line_end, level, False)
            if name.endswith(b"--"):
                level = self._levels.get(name[:-2])
                if level is not None:
                    return _Delimiter(start, line_end, level, True)
        return None

    def _before_line_end(self, line_start: int) -> int:
        """The line end before a delimiter line belongs to it (RFC 2046 section 5.1.1)."""
        return line_start - (2 if self._octets[line_start - 2 : line_start] == b"\r\n" else 1)

    def _close_above(self, level: int, end: int) -> Part:
        """Close all entities inside the one at `level`; return the outermost of them."""
        part = None
        while len(self._stack) - 1 > level:
            if self._boundaries and self._boundaries[-1].level == len(self._stack) - 1:
                self._forget_boundary()
            entity = self._stack.pop()
            end = max(end, entity.body_start)
            part = Part(
                entity.header_start,
                entity.body_start,
                end,
                self._lines_to(end) - entity.lines_before,
                entity.content,
                entity.header,
                tuple(entity.children),
            )
            if self._stack:
                self._stack[-1].children.append(part)
        return part if part is not None else _NOTHING


_NOTHING = Part(0, 0, 0, 0, contents.DEFAULT, None)


@lru_cache(_USUAL_HEADERS)
def _usual_content(block: bytes, default: Content) -> Content:
    return contents.read(Header(block), default)


def _common_prefix(one: bytes, other: bytes) -> bytes:
    for at, octet in enumerate(one):
        if other[at : at + 1] != bytes((octet,)):
            return one[:at]
    return one
