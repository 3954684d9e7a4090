"""The part table: a message's tree in a few octets, kept with its row.

With it, FETCH of a part needs no parsing: a path is resolved to a range of the stored octets.
"""

from enum import Enum, unique

import msgspec

from postroad.formats.mime.content import Content
from postroad.formats.mime.scanner import Part

# Limit: what the table says of one part, in characters of one value.
_LONGEST_VALUE = 255


class PartRow(msgspec.Struct, frozen=True, array_like=True):
    """A part: offsets in the plain message, and what is needed to decode and to name it."""

    header_start: int
    body_start: int
    body_end: int
    lines: int
    media_type: str
    subtype: str
    encoding: str
    children: tuple["PartRow", ...] = ()
    charset: str | None = None
    disposition: str | None = None
    filename: str | None = None
    content_id: str | None = None

    @property
    def is_multipart(self) -> bool:
        """Whether it has parts of its own (RFC 9051 section 6.4.5.1)."""
        return bool(self.children) and self.media_type == "multipart"

    @property
    def is_message(self) -> bool:
        """Whether it is a message in a message, which is then its one child."""
        return bool(self.children) and self.media_type == "message"

    @property
    def size(self) -> int:
        """Octets of the body, as transferred."""
        return self.body_end - self.body_start


@unique
class Section(Enum):
    """What of a part is wanted (RFC 9051 section 6.4.5.1)."""

    WHOLE = ""
    HEADER = "HEADER"
    TEXT = "TEXT"
    MIME = "MIME"


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(PartRow)


def encode(root: Part) -> bytes:
    """The table of a message, to be kept."""
    return encode_row(row(root))


def encode_row(root: PartRow) -> bytes:
    """A table, to be kept."""
    return _encoder.encode(root)


def decode(table: bytes) -> PartRow:
    """The root of a kept table. Raises `msgspec.ValidationError` for what is none."""
    return _decoder.decode(table)


def row(part: Part) -> PartRow:
    """The table of a message, or of a part of it."""
    content = part.content
    charset, filename = _names(content)
    return PartRow(
        part.header_start,
        part.body_start,
        part.body_end,
        part.lines,
        content.media_type[:_LONGEST_VALUE],
        content.subtype[:_LONGEST_VALUE],
        content.encoding[:_LONGEST_VALUE],
        tuple([row(child) for child in part.children]),
        charset,
        None if content.disposition is None else content.disposition.kind[:_LONGEST_VALUE],
        filename,
        None if content.content_id is None else content.content_id[:_LONGEST_VALUE],
    )


def _names(content: Content) -> tuple[str | None, str | None]:
    charset = content.charset if content.media_type == "text" else None
    filename = content.filename
    return (
        None if charset is None else charset[:_LONGEST_VALUE],
        None if filename is None else filename[:_LONGEST_VALUE],
    )


def find(root: PartRow, path: tuple[int, ...]) -> PartRow | None:
    """The part with that number, as in `BODY[1.2]`; the root for an empty path; or None.

    Part 1 of a message that is no multipart is the message itself, whose body is meant then.
    """
    part = root
    container: PartRow | None = root
    for number in path:
        if container is None or number < 1:
            return None
        if container.is_multipart:
            if number > len(container.children):
                return None
            part = container.children[number - 1]
        elif number == 1:
            part = container
        else:
            return None
        container = _container(part)
    return part


def _container(part: PartRow) -> PartRow | None:
    """Whose parts the next number counts."""
    if part.is_multipart:
        return part
    return part.children[0] if part.is_message else None


def resolve(
    root: PartRow, path: tuple[int, ...], what: Section = Section.WHOLE
) -> tuple[int, int] | None:
    """Where `BODY[path.what]` is in the plain message, as start and end; None if there is none."""
    part = find(root, path)
    if part is None:
        return None
    if what is Section.MIME:
        return (part.header_start, part.body_start) if path else None
    if what is Section.WHOLE:
        return (part.body_start if path else part.header_start), part.body_end
    if path:
        # HEADER and TEXT with a number want a message (RFC 9051 section 6.4.5.1).
        if not part.is_message:
            return None
        part = part.children[0]
    if what is Section.HEADER:
        return part.header_start, part.body_start
    return part.body_start, part.body_end
