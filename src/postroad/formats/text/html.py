"""The plain text of HTML, for previews and the search index: no sanitiser."""

import re
from html import unescape

# What is inside of these is no text of the page.
_SILENT = frozenset(("head", "script", "style", "title", "template", "noembed", "svg"))
_BREAKS = frozenset(
    (
        "address", "article", "aside", "blockquote", "br", "center", "dd", "div", "dl", "dt",
        "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
        "hr", "li", "main", "nav", "ol", "option", "p", "pre", "section", "table", "tbody",
        "tfoot", "thead", "tr", "ul",
    )
)  # fmt: skip
_CELLS = frozenset(("td", "th"))

# Tags without attributes, which are most, and their names.
_PLAIN = {
    f"<{slash}{spelled}>": name
    for name in (*_BREAKS, *_CELLS, "a", "b", "body", "em", "i", "span", "strong", "u")
    for slash in ("", "/")
    for spelled in (name, name.upper())
}
_LONGEST_PLAIN = max(map(len, _PLAIN))

_NAME = re.compile(r"/?([A-Za-z][A-Za-z0-9]{0,20})")
_SPACES = "\t\r\f\xa0"


def to_text(html: str, max_chars: int) -> str:
    """The text between the tags, about `max_chars` of it at most; linear, never raises.

    Blocks become lines, other white space is collapsed, character references are decoded.
    """
    html = html.replace("\n", " ")  # from here on a line feed is a break
    pieces: list[str] = []
    length = at = 0
    lower: str | None = None
    while length < max_chars:
        tag = html.find("<", at)
        piece = html[at:] if tag < 0 else html[at:tag]
        if piece and not piece.isspace():
            pieces.append(piece)
            length += len(piece)
        elif piece:
            pieces.append(" ")
        if tag < 0:
            break
        name, at = _tag(html, tag)
        if name in _BREAKS:
            pieces.append("\n")
        elif name in _CELLS:
            pieces.append(" ")
        elif name in _SILENT and html[tag + 1] != "/":
            if lower is None:
                lower = html.lower()
            at = _skip(lower, name, at)
        if at < 0:
            break
    return _collapsed(unescape("".join(pieces)))[:max_chars]


def _collapsed(text: str) -> str:
    """Single spaces, and no empty lines; by calls that pass over the text in C."""
    for space in _SPACES:
        text = text.replace(space, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    lines = [line.strip(" ") for line in text.split("\n")]
    return "\n".join(filter(None, lines)).strip()


def _tag(html: str, start: int) -> tuple[str, int]:
    """The name of the tag at `start` in lower case, and where it ends; -1 if it does not.

    What looks like no tag is text: its name is empty, and it ends behind the "<".
    """
    end = html.find(">", start, start + _LONGEST_PLAIN)
    plain = _PLAIN.get(html[start : end + 1])
    if plain is not None:
        return plain, end + 1
    if html.startswith("<!--", start):
        end = html.find("-->", start + 4)
        return "", end + 3 if end >= 0 else -1
    match = _NAME.match(html, start + 1)
    if match is None and html[start + 1 : start + 2] not in ("!", "?", "/"):
        return "", start + 1
    end = html.find(">", start)
    if end >= 0 and html.count('"', start, end) % 2:
        # A ">" inside of a quoted attribute.
        quote = html.find('"', end)
        end = html.find(">", quote) if quote >= 0 else end
    return match[1].lower() if match is not None else "", end + 1 if end >= 0 else -1


def _skip(lower: str, name: str, at: int) -> int:
    """Behind the end tag of a silent element; -1 if there is none."""
    if at < 0:
        return -1
    if name == "head":
        # Interop: </head> is often left out.
        body = lower.find("<body", at)
        end = lower.find("</head", at)
        return body if end < 0 or 0 <= body < end else end
    return lower.find("</" + name, at)
