"""The plain text of an HTML body, for readers that show no HTML."""

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "fieldset"),
        *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
        *("hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul"),
    )
)
_HIDDEN = frozenset({"style", "script", "title", "template", "noscript"})
_SPACES = re.compile(r"[ \t\r\n\f]+")
_EMPTY_LINES = re.compile(r"\n{3,}")
_AROUND_BREAKS = re.compile(r" ?\n ?")
_MAX_CHARACTERS = 1_000_000


def text_of_html(html: str) -> str:
    """Paragraphs, list items and the targets of links; linear, at most a million characters in."""
    reader = _Reader()
    # html.parser raises AssertionError at some marked sections; now they are bogus comments.
    reader.feed(html[:_MAX_CHARACTERS].replace("<![", "<!-"))
    reader.close()
    text = _AROUND_BREAKS.sub("\n", "".join(reader.pieces))
    return _EMPTY_LINES.sub("\n\n", text).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0
        self._link: str | None = None
        self._link_start = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag == "br":
            self.pieces.append("\n")
        elif tag == "a":
            self._link = dict(attrs).get("href")
            self._link_start = len(self.pieces)
        elif tag == "img":
            self.pieces.append(dict(attrs).get("alt") or "")
        elif tag in _BLOCKS:
            self.pieces.append("\n- " if tag == "li" else "\n" if tag == "tr" else "\n\n")
        elif tag in {"td", "th"}:
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag == "a":
            self._end_link()
        elif tag in _BLOCKS and tag not in {"li", "tr"}:
            self.pieces.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(_SPACES.sub(" ", data))

    def _end_link(self) -> None:
        target, self._link = self._link, None
        if target and target.startswith(("http://", "https://", "mailto:")):
            shown = "".join(self.pieces[self._link_start :]).strip()
            if shown not in (target, target.removeprefix("mailto:")):
                self.pieces.append(f" ({target})")
