"""Parameters of Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2231)."""

import re
from collections.abc import Sequence
from itertools import islice
from urllib.parse import quote, unquote_to_bytes

from postroad.formats.mime import encodedwords
from postroad.formats.text import charset

PARAMETERS_LIMIT = 64

Parameters = tuple[tuple[str, str], ...]
"""Names in lower case and values, in the order they came, extended values still encoded."""

# Interop: values without quotes may have spaces in them ("name=my file.txt").
_PARAMETER = re.compile(
    r';[ \t]*+([^\s=;"()<>@,:\\/\[\]?]++)[ \t]*+=[ \t]*+(?:"((?:[^"\\]++|\\.)*+)"?|([^;]*+))',
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SECTION = re.compile(r"([^*]++)(?:\*(0|[1-9][0-9]{0,3}))?(\*)?\Z")
_EXTENDED = re.compile(r"([^']*)'([^']*)'(.*)\Z", re.DOTALL)
_COMMENT_OR_QUOTED = re.compile(r'"(?:[^"\\]++|\\.)*+"?|\\.|[()]', re.DOTALL)


def strip_comments(text: str) -> str:
    """The text without comments (RFC 5322 section 3.2.2); an open comment lasts to the end."""
    if "(" not in text:
        return text
    kept: list[str] = []
    depth = kept_to = 0
    for found in _COMMENT_OR_QUOTED.finditer(text):
        match found[0]:
            case "(":
                if not depth:
                    kept.append(text[kept_to : found.start()])
                depth += 1
            case ")" if depth:
                depth -= 1
                kept_to = found.end()
    if not depth:
        kept.append(text[kept_to:])
    return " ".join(kept)


def parse(text: str) -> Parameters:
    """The parameters in a field's text, from its first ";" on; at most `PARAMETERS_LIMIT`.

    Continuations (RFC 2231 section 3) are joined: into `name` if all are plain, and into
    `name*` in the form of section 4 if any is encoded. Of two of one name the first counts.
    """
    found: dict[str, str] = {}
    for match in islice(_PARAMETER.finditer(text), PARAMETERS_LIMIT):
        value = match[2]
        if value is None:
            value = match[3].strip()
        elif "\\" in value:
            value = _ESCAPE.sub(r"\1", value)
        found.setdefault(match[1].lower(), value)
    if any("*" in name for name in found):
        found = _join_sections(found)
    return tuple(found.items())


def _join_sections(found: dict[str, str]) -> dict[str, str]:
    joined: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, value in found.items():
        match = _SECTION.match(name)
        if match is None or match[2] is None:
            joined[name] = value
        else:
            by_number = sections.setdefault(match[1], {})
            by_number.setdefault(int(match[2]), (value, match[3] is not None))
    for name, by_number in sections.items():
        pieces: list[tuple[str, bool]] = []
        while len(pieces) in by_number:
            pieces.append(by_number[len(pieces)])
        if not pieces:
            continue  # no section 0: nothing to begin with
        if any(is_extended for _, is_extended in pieces):
            joined[name + "*"] = _join_extended(pieces)
        else:
            joined[name] = "".join(value for value, _ in pieces)
    return joined


def _join_extended(pieces: Sequence[tuple[str, bool]]) -> str:
    first, is_extended = pieces[0]
    head = first if is_extended else "''" + quote(first, safe="")
    return head + "".join(
        value if is_extended else quote(value, safe="") for value, is_extended in pieces[1:]
    )


def find(parameters: Parameters, name: str) -> str | None:
    """The value of a parameter for people: extended values decoded (RFC 2231 section 4).

    Interop: encoded words in a value, which RFC 2047 section 5 forbids, are decoded too.
    """
    plain = None
    for key, value in parameters:
        if key == name + "*":
            return decode_extended(value)
        if key == name:
            plain = value
    if plain is not None and "=?" in plain:
        return encodedwords.decode(plain)
    return plain


def decode_extended(value: str) -> str:
    """`charset'language'percent-encoded` as text; tolerates what is not of that form."""
    match = _EXTENDED.match(value)
    if match is None:
        return charset.guess(unquote_to_bytes(value))
    return charset.decode(unquote_to_bytes(match[3]), match[1] or None)


def encode_extended(name: str, value: str) -> tuple[str, str]:
    """A parameter with a value that is not ASCII, as `name*` (RFC 2231 section 4)."""
    return name + "*", "utf-8''" + quote(value, safe="!#$&+-.^_`|~", errors="replace")
