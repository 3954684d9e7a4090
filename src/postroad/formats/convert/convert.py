"""Re-encode the parts that the next server cannot take (RFC 6152 section 3, RFC 2049).

A conversion is a list of edits on the original octets: what need not change is not touched, and
nothing is read into memory as a whole. It breaks signatures over the body, so DKIM signatures
have to be made again, and multipart/signed is left alone (RFC 1847 section 2.1).
"""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from postroad.formats.convert.encoding import (
    base64_chunks,
    quoted_printable_chunks,
    suits_quoted_printable,
)
from postroad.formats.convert.examine import examine, is_in_the_way
from postroad.formats.mime.octets import LINE_LIMIT, Octets, windows
from postroad.formats.mime.scanner import Part, ScanLimits, scan
from postroad.formats.mime.transfer import IDENTITY, KNOWN, decode_chunks
from postroad.model.queue import Needs

_LIMITS = ScanLimits(max_depth=20, max_parts=10_000)
_MAX_HEADER_OCTETS = 1 << 20
_ENCODING_FIELD = re.compile(rb"(?mi)^content-transfer-encoding[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?")
_SNIFFED = 1 << 16


@dataclass(frozen=True, slots=True)
class CannotConvert:
    """The message can only go as it is; `reason` names what stands in the way."""

    reason: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Octets `start` to `end` are replaced by what `chunks` gives, each time it is called."""

    start: int
    end: int
    chunks: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Converted:
    """The message with its edits; none if it could go as it was."""

    original: Octets = field(repr=False)
    edits: tuple[Edit, ...]

    def chunks(self) -> Iterator[bytes]:
        """The octets of the converted message, from the start at each call."""
        at = 0
        for edit in self.edits:
            yield from windows(self.original, at, edit.start)
            yield from edit.chunks()
            at = edit.end
        yield from windows(self.original, at, len(self.original))


class _Obstacle(Exception):
    pass


def convert(octets: Octets, lacks: Needs) -> Converted | CannotConvert:
    """Make the message fit a server that `lacks` some extensions.

    Lines over 998 octets are always dealt with. UTF-8 in header fields cannot be converted here
    without loss (RFC 6531 section 3.6 leaves it to the sender). Linear, twice over the octets.
    """
    planner = _Planner(octets, lacks)
    try:
        planner.plan(scan(octets, _LIMITS).root)
        planner.check_rest()
    except _Obstacle as obstacle:
        return CannotConvert(str(obstacle))
    return Converted(octets, tuple(planner.edits))


class _Planner:
    """Walks the tree in the order of the octets, so the edits come out sorted."""

    def __init__(self, octets: Octets, lacks: Needs) -> None:
        self._octets = octets
        self._lacks = lacks
        self.edits: list[Edit] = []

    def plan(self, part: Part) -> None:
        """Plan the edits of a part and of all below it."""
        if not self._is_in_the_way(part.header_start, part.body_end):
            return
        if part.is_multipart or part.is_message:
            self._plan_container(part)
        else:
            self._plan_leaf(part)

    def check_rest(self) -> None:
        """Refuse what no edit reaches, such as a delimiter line with octets of its own."""
        at = 0
        for start, end in [
            *((edit.start, edit.end) for edit in self.edits),
            (len(self._octets), 0),
        ]:
            if self._is_in_the_way(at, start):
                raise _Obstacle("octets between the parts")
            at = end

    def _is_in_the_way(self, start: int, end: int) -> bool:
        return is_in_the_way(examine(self._octets, start, end), self._lacks)

    def _plan_container(self, part: Part) -> None:
        kind = f"{part.content.media_type}/{part.content.subtype}"
        if part.is_multipart and part.content.subtype in ("signed", "encrypted"):
            raise _Obstacle(kind)
        encoding = "7bit" if part.content.encoding in ("8bit", "binary") else None
        self._edit_header(part, encoding)
        first, last = part.children[0], part.children[-1]
        if part.is_multipart:
            self._clear(part.body_start, self._delimiter_before(part, first.header_start))
        for child in part.children:
            self.plan(child)
        if part.is_multipart:
            self._clear(self._end_of_close(part, last.body_end), part.body_end)

    def _plan_leaf(self, part: Part) -> None:
        if not self._is_in_the_way(part.body_start, part.body_end):
            self._edit_header(part, None)
            return
        content = part.content
        kind = f"{content.media_type}/{content.subtype}"
        if content.media_type == "multipart":
            raise _Obstacle(f"{kind} without parts")
        # RFC 2045 section 6.4: no message is encoded, but for message/global (RFC 6532).
        if content.media_type == "message" and not content.subtype.startswith("global"):
            raise _Obstacle(kind)
        if content.encoding not in KNOWN:
            raise _Obstacle(f"unknown transfer encoding {content.encoding[:40]}")
        use_text = content.media_type == "text" or content.encoding == "quoted-printable"
        as_text = use_text and suits_quoted_printable(self._decoded(part))
        self._edit_header(part, "quoted-printable" if as_text else "base64")
        encode = quoted_printable_chunks if as_text else base64_chunks
        self.edits.append(
            Edit(part.body_start, part.body_end, lambda: encode(self._decoded(part)))
        )

    def _decoded(self, part: Part) -> Iterator[bytes]:
        body = windows(self._octets, part.body_start, part.body_end)
        return (
            body
            if part.content.encoding in IDENTITY
            else decode_chunks(body, part.content.encoding)
        )

    def _edit_header(self, part: Part, encoding: str | None) -> None:
        """Fold long lines and, if one is given, say the new transfer encoding."""
        start, end = part.header_start, part.body_start
        if end - start > _MAX_HEADER_OCTETS:
            raise _Obstacle("a header over 1 MiB")
        header = self._octets[start:end]
        new = _folded(header)
        needed = examine(new, 0, len(new))
        if is_in_the_way(needed, self._lacks) or (needed.eight_bit and self._lacks.utf8):
            raise _Obstacle("SMTPUTF8" if needed.eight_bit else "octets in a header")
        if encoding is not None:
            is_root = part.header_start == 0
            new = _with_encoding(new, encoding, self._missing(part) if is_root else b"")
        if new != header:
            self.edits.append(Edit(start, end, lambda: iter((new,))))

    def _missing(self, part: Part) -> bytes:
        """The fields without which an encoding means nothing (RFC 2045 section 4, RFC 1428)."""
        header = part.header
        fields = b""
        if header is None or "mime-version" not in header:
            fields += b"MIME-Version: 1.0\r\n"
        if header is None or "content-type" not in header:
            charset = self._charset(part)
            fields += f"Content-Type: text/plain; charset={charset}\r\n".encode("ascii")
        return fields

    def _charset(self, part: Part) -> str:
        start = self._octets[part.body_start : min(part.body_end, part.body_start + _SNIFFED)]
        try:
            codecs.getincrementaldecoder("utf-8")().decode(start)
        except UnicodeDecodeError:
            return "unknown-8bit"
        return "utf-8"

    def _delimiter_before(self, part: Part, header_start: int) -> int:
        """Where the line of the first delimiter begins."""
        found = self._octets.rfind(b"\n--", max(0, part.body_start - 1), header_start)
        return part.body_start if found < 0 else found + 1

    def _end_of_close(self, part: Part, body_end: int) -> int:
        """The end of the close delimiter after the last part; the epilogue begins there."""
        found = self._octets.find(b"\n", body_end, part.body_end)
        if found >= 0:
            found = self._octets.find(b"\n", found + 1, part.body_end)
        return part.body_end if found < 0 else found + 1

    def _clear(self, start: int, end: int) -> None:
        """Leave a preamble or an epilogue out that is in the way: nobody is meant to read it."""
        if start < end and self._is_in_the_way(start, end):
            self.edits.append(Edit(start, end, lambda: iter(())))


def _with_encoding(header: bytes, encoding: str, missing: bytes) -> bytes:
    fields = _ENCODING_FIELD.sub(b"", header)
    blank = b"\r\n" if fields.endswith(b"\r\n") else b"\n"
    named = f"Content-Transfer-Encoding: {encoding}\r\n".encode("ascii")
    if fields.removesuffix(blank).strip() and not fields.removesuffix(blank).endswith(b"\n"):
        # The header ended without an empty line; whatever follows it needs one.
        return fields + b"\r\n" + missing + named + b"\r\n"
    return fields.removesuffix(blank) + missing + named + b"\r\n"


def _folded(header: bytes) -> bytes:
    """Long lines folded at white space, which changes nothing but the line (RFC 5322 2.2.3)."""
    if not examine(header, 0, len(header)).long_lines:
        return header
    lines = []
    for line in header.split(b"\r\n"):
        while len(line) > LINE_LIMIT:
            # Not within the name, and not so that a line of white space alone would come out.
            at = max(line.rfind(b" ", 1, LINE_LIMIT), line.rfind(b"\t", 1, LINE_LIMIT))
            if at < 1 or not line[:at].strip():
                raise _Obstacle("a header line over 998 octets")
            lines.append(line[:at])
            line = line[at:]
        lines.append(line)
    return b"\r\n".join(lines)
