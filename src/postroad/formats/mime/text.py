"""The text of a message, for the search index and for PREVIEW (RFC 8970), by its part table."""

import re
from collections.abc import Iterator

from postroad.formats.mime import headers, transfer
from postroad.formats.mime.octets import Octets
from postroad.formats.mime.parttable import PartRow
from postroad.formats.text import charset, html

PREVIEW_CHARS = 200
"""RFC 8970 section 3.1."""
_PREVIEW_WORDS = PREVIEW_CHARS // 2 + 1  # what comes behind so many, and spaces, is cut off

# What of a part is looked at for the preview, in octets as transferred.
_PLAIN_OCTETS = 4 * 1024
_HTML_OCTETS = 96 * 1024

# Control characters, and the invisible ones that newsletters fill their preview with.
_UNSEEN = re.compile("[\0-\x08\x0e-\x1f\x7f\xad\u034f\u200b\u200c\u2060\ufeff\ufffe\uffff]+")


def body_texts(octets: Octets, root: PartRow, *, max_chars: int) -> Iterator[str]:
    """The text of all text/plain and text/html parts in order, and the headers of inner messages.

    At most about `max_chars` in all, and one part's octets in memory at a time, of which no
    more than `max_chars` times 8 are read. Attached text counts too.
    """
    left = max_chars
    waiting = [root]
    while waiting and left > 0:
        part = waiting.pop()
        waiting.extend(reversed(part.children))
        text = ""
        if part.is_message:
            inner = part.children[0]
            text = header_text(octets[inner.header_start : inner.body_start])[:left]
        elif part.media_type == "text" and not part.children:
            text = part_text(octets, part, max_chars=left)
        if text:
            left -= len(text)
            yield text


def part_text(octets: Octets, part: PartRow, *, max_chars: int) -> str:
    """The text of a text part, HTML without its tags; empty if its encoding is unknown."""
    end = min(part.body_end, part.body_start + max_chars * 8)
    decoded = transfer.decode(octets[part.body_start : end], part.encoding)
    if decoded is None:
        return ""
    text = charset.decode_beginning(decoded, part.charset)
    if part.subtype == "html":
        return html.to_text(text, max_chars)
    return text[:max_chars]


def header_text(block: bytes) -> str:
    """The fields of a header as lines of text, unfolded, with encoded words decoded."""
    return "\n".join(
        f"{field.name}: {headers.decode(field.raw(block))}"
        for field in headers.fields(block, 0, len(block))
    )


def preview(octets: Octets, root: PartRow) -> str:
    """The beginning of the text that a person would read first, at most 200 characters.

    White space is collapsed (RFC 8970 section 3.1). The first text/plain that says something,
    else the first text/html; neither attachments nor inner messages.
    """
    pages: list[PartRow] = []
    for part in _shown(root):
        if part.subtype == "html":
            pages.append(part)
            continue
        text = _beginning(octets, part, _PLAIN_OCTETS)
        if text:
            return text
    for part in pages[:3]:
        text = _beginning(octets, part, _HTML_OCTETS)
        if text:
            return text
    return ""


def _shown(root: PartRow) -> Iterator[PartRow]:
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if part.is_multipart:
            waiting.extend(reversed(part.children))
        elif part.media_type == "text" and part.disposition != "attachment":
            yield part


def _beginning(octets: Octets, part: PartRow, max_octets: int) -> str:
    raw = octets[part.body_start : min(part.body_end, part.body_start + max_octets)]
    decoded = transfer.decode(raw, part.encoding)
    if decoded is None:
        return ""
    text = charset.decode_beginning(decoded, part.charset)
    if part.subtype == "html":
        text = html.to_text(text, 4 * PREVIEW_CHARS)
    else:
        text = text[: 8 * PREVIEW_CHARS]
    words = _UNSEEN.sub("", text).split(None, _PREVIEW_WORDS)
    return " ".join(words)[:PREVIEW_CHARS].rstrip()
