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

# What is put in place of a tag.
_PLACED = {
    slash + name: placed
    for names, placed in ((_BREAKS, "\n"), (_CELLS, " "))
    for name in names
    for slash in ("", "/")
}

_NAME = re.compile(r"/?([A-Za-z][A-Za-z0-9]{0,20})")
_LETTERS = {name: "".join(f"[{each}{each.upper()}]" for each in name) for name in _SILENT}
_TAG = r"(/?[A-Za-z][A-Za-z0-9]*+)[^<>\"]*+(?:\"[^<>\"]*+\"[^<>\"]*+)*+>"
_SILENT_TAG = rf"(?:{'|'.join(_LETTERS.values())})(?![A-Za-z0-9])"
# Text and tags that mean the same wherever they stand, which is most of a page, and those tags.
_RUN = re.compile(rf"(?:[^<]++|<(?!{_SILENT_TAG}){_TAG.replace('(', '(?:', 1)})*+")
_TAGS = re.compile(f"<{_TAG}")
_LONGEST_RUN = 16_384
_SPACES = "\t\r\f\xa0"


def to_text(html: str, max_chars: int) -> str:
    """The text between the tags, about `max_chars` of it at most; linear, never raises.

    Blocks become lines, other white space is collapsed, character references are decoded.
    """
    # From here on a line feed is a break.
    html = html.replace("\r\n", " ").replace("\n", " ")
    pieces: list[str] = []
    length = at = 0
    lower: str | None = None
    while length < max_chars and 0 <= at < len(html):
        stop = at + min(_LONGEST_RUN, 500 + 8 * (max_chars - length))
        run = _RUN.match(html, at, stop)
        if run is not None and run.end() > at:
            at = run.end()
            length += _add(run[0], pieces)
        else:
            tag = at
            name, at = _tag(html, tag)
            if name in _SILENT and html[tag + 1] != "/":
                lower = html.lower() if lower is None else lower
                at = _skip(lower, name, at)
            else:
                pieces.append(_PLACED.get(name, ""))
    return _collapsed(unescape("".join(pieces)))[:max_chars]


def _add(run: str, pieces: list[str]) -> int:
    """The pieces of a run; returns how long its text is."""
    found = _TAGS.split(run)
    texts = [" " if text.isspace() else text for text in found[::2]]
    placed = [_PLACED.get(name.lower(), "") for name in found[1::2]]
    found[::2], found[1::2] = texts, placed
    pieces += found
    return sum(map(len, texts)) - texts.count(" ")


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
