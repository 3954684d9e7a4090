"""All that a message's row keeps of the message, worked out once, at arrival."""

from dataclasses import dataclass
from datetime import date

from postroad.formats.mime import (
    bodystructure,
    envelope,
    listfields,
    msgid,
    origin,
    parttable,
    text,
    thread,
)
from postroad.formats.mime.headers import HEADER_LIMIT, Header, find_body
from postroad.formats.mime.octets import Octets, is_ascii, longest_line
from postroad.formats.mime.scanner import Part, ScanLimits, scan

PREPARED_VERSION = 2
"""Raised when the outcome of `prepare` changes: rows of an older version are prepared again."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message, read. Octets are as IMAP sends them; the `_utf8` forms only where they differ."""

    size: int
    envelope: bytes
    """ENVELOPE, in ASCII."""
    envelope_utf8: bytes | None
    """ENVELOPE with UTF-8 in it, for IMAP4rev2 and UTF8=ACCEPT; None: the same as `envelope`."""
    body: bytes
    """BODY without extension data, in ASCII."""
    body_structure: bytes
    body_structure_utf8: bytes | None
    part_table: bytes
    """See `parttable.decode`."""
    preview: str
    sent_at: int | None
    """The Date field, in microseconds since 1970 UTC; None if it has no valid one."""
    sent_on: date | None
    """The Date field's day, as the sender wrote it, for SENTON and its like."""
    subject_base: str
    sort_from: str
    sort_to: str
    sort_cc: str
    sort_subject: str
    message_id: str | None
    """Without brackets; None if it has no valid one."""
    references: tuple[str, ...]
    """References and In-Reply-To without brackets, eldest first, at most 100."""
    header_fields: bytes | None
    """See `listfields.kept`."""
    origin: bytes
    """See `origin.decode`."""
    has_attachment: bool
    needs_8bit: bool
    """Whether an octet is over 127."""
    has_nul: bool
    longest_line: int
    """Octets of the longest line if that is over 998, else 0 (RFC 5322 section 2.1.1)."""
    header_octets: int
    """Where the body begins."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a message asks of its way: of `Prepared` the fields of these names."""

    message_id: str | None
    needs_8bit: bool
    has_nul: bool
    longest_line: int
    header_octets: int


def measure(octets: Octets) -> Measured:
    """Look at a message without taking it apart; never raises."""
    header_octets = find_body(octets)
    block = octets[: min(header_octets, HEADER_LIMIT)]
    return Measured(
        message_id=msgid.message_id(Header(block)),
        needs_8bit=not is_ascii(octets),
        has_nul=octets.find(b"\0") >= 0,
        longest_line=longest_line(octets),
        header_octets=header_octets,
    )


def prepare(octets: Octets, limits: ScanLimits | None = None) -> Prepared:
    """Read a message; never raises. Its time is linear in the octets."""
    message = scan(octets, limits)
    header, root = message.header, message.root
    from_header = envelope.read(header)
    row = parttable.row(root)
    sent = thread.sent_date(header)
    base = thread.base_subject(from_header.subject) if from_header.subject else ""
    plain_envelope = envelope.encode(from_header)
    utf8_envelope = None if header.is_ascii else envelope.encode(from_header, utf8=True)
    structure = bodystructure.encode(root, extensible=True)
    utf8_structure = None
    if not message.has_ascii_headers or b'*" "' in structure:
        utf8_structure = bodystructure.encode(root, extensible=True, utf8=True)
    return Prepared(
        size=message.size,
        envelope=plain_envelope,
        envelope_utf8=None if utf8_envelope == plain_envelope else utf8_envelope,
        body=bodystructure.encode(root, extensible=False),
        body_structure=structure,
        body_structure_utf8=None if utf8_structure == structure else utf8_structure,
        part_table=parttable.encode_row(row),
        preview=text.preview(octets, row),
        sent_at=None if sent is None else sent.at_microseconds,
        sent_on=None if sent is None else sent.on,
        subject_base=base,
        sort_from=thread.sort_address(from_header.from_),
        sort_to=thread.sort_address(from_header.to),
        sort_cc=thread.sort_address(from_header.cc),
        sort_subject=thread.collation_key(base),
        message_id=msgid.message_id(header),
        references=msgid.references(header),
        header_fields=listfields.kept(bytes(octets[root.header_start : root.body_start])),
        origin=origin.encode(header),
        has_attachment=has_attachment(root),
        needs_8bit=not is_ascii(octets),
        has_nul=octets.find(b"\0") >= 0,
        longest_line=longest_line(octets),
        header_octets=root.body_start,
    )


def has_attachment(root: Part) -> bool:
    """Whether people would say that something is attached.

    A leaf that is an attachment by its disposition, or is neither text nor shown in the text
    (RFC 2183 section 2.1, RFC 2387), or an inner message.
    """
    waiting = [root]
    while waiting:
        part = waiting.pop()
        content = part.content
        if part.is_multipart:
            if content.subtype not in ("related", "signed", "report"):
                waiting.extend(part.children)
            else:
                # A page with its pictures, a text with its signature, a report with its data.
                waiting.append(part.children[0])
                waiting += [
                    child
                    for child in part.children[1:]
                    if child.content.disposition is not None
                    and child.content.disposition.kind == "attachment"
                    and content.subtype == "related"
                ]
        elif _is_attached(part):
            return True
    return False


def _is_attached(part: Part) -> bool:
    content = part.content
    kind = None if content.disposition is None else content.disposition.kind
    if kind == "attachment":
        return True
    if content.media_type in ("text", "multipart"):
        return False
    return not (kind == "inline" and content.content_id is not None)
