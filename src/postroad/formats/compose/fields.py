"""Writing header fields: encoded words, folding (RFC 5322 section 2.2.3, RFC 2047, RFC 2231)."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote

from postroad.base.errors import Invalid

_LINE = 76
# RFC 5322 section 2.1.1: a line must not be longer; what cannot be folded is encoded.
_MAX_WORD = 900
# RFC 2047 section 2: an encoded word has at most 75 characters, its line 76. These leave room for
# the field's name.
_MAX_ENCODED = 50
_MAX_BASE64_OCTETS = 36
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FIELD_NAME = re.compile(r"[!-9;-~]{1,76}\Z")
_TOKEN = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+\Z")
# RFC 2047 section 5 (3): what may stand for itself in the words of a phrase.
_SAFE_IN_Q = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q = [chr(octet) if octet in _SAFE_IN_Q else f"={octet:02X}" for octet in range(256)]
_Q[0x20] = "_"


def demand_clean(text: str, field: str) -> str:
    """The text, if it can stand in a header field.

    Security: a line break would let whoever wrote the text add fields of their own, so it is
    refused, not repaired. Raises `Invalid`, naming `field`.
    """
    found = _FORBIDDEN.search(text)
    if found:
        what = "a line break" if found[0] in "\r\n" else "a control character"
        raise Invalid(f"`{field}` must not contain {what}.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Invalid(f"`{field}` is not valid Unicode.") from None
    return text


def demand_name(name: str) -> str:
    """The name of a header field (RFC 5322 section 3.6.8). Raises `Invalid`."""
    if not _FIELD_NAME.match(name):
        raise Invalid(f"`headers` has a name that is not valid: {name[:80]!r}.")
    return name


def unstructured(name: str, text: str) -> bytes:
    """A field whose value is text for people, non-ASCII words encoded. `text` must be clean."""
    return fold(name, encoded_words(text))


def fold(name: str, words: Iterable[str]) -> bytes:
    """A field of words parted by single spaces, folded at 76 where a space allows it."""
    lines: list[str] = []
    start = line = f"{name}:"
    for word in words:
        # Interop: some readers stumble over a value that begins on the second line, so only an
        # encoded word may, for which RFC 2047 section 2 leaves no choice.
        if len(line) + 1 + len(word) > _LINE and word and (line != start or word[:2] == "=?"):
            lines.append(line)
            line = ""
        line += f" {word}"
    lines.append(line)
    return "\r\n".join(lines).encode("utf-8") + b"\r\n"


def encoded_words(text: str) -> list[str]:
    """The words of a text: those between the first and the last that need it are encoded."""
    words = text.replace("\t", " ").split(" ")
    needing = [index for index, word in enumerate(words) if _needs_encoding(word)]
    # White space at either end would be lost in folding, so it is encoded with its neighbour.
    if words and (not words[0] or not words[-1]) and text.strip():
        needing += [0, len(words) - 1]
    if not needing:
        return words
    first, last = min(needing), max(needing)
    encoded = encode_text(" ".join(words[first : last + 1]))
    return [*words[:first], *encoded, *words[last + 1 :]]


def encode_text(text: str) -> Iterator[str]:
    """Encoded words of at most 75 characters, whichever of Q and B is shorter."""
    octets = text.encode("utf-8")
    if len(_q(octets)) <= len(octets) * 4 // 3 + 4:
        for piece in _pieces(text, lambda character: len(_q(character)), _MAX_ENCODED):
            yield f"=?utf-8?q?{_q(piece)}?="
    else:
        for piece in _pieces(text, len, _MAX_BASE64_OCTETS):
            yield f"=?utf-8?b?{b64encode(piece).decode('ascii')}?="


def parameter(name: str, value: str) -> list[str]:
    """`name=value` as words without the semicolon: token, quoted string, or RFC 2231 section 4.

    A long value is written in sections (RFC 2231 section 3).
    """
    if value.isascii() and len(value) <= _LINE - len(name) - 6:
        if _TOKEN.match(value):
            return [f"{name}={value}"]
        return [f"{name}={quoted(value)}"]
    encoded = quote(value.encode("utf-8"), safe="!#$&+-.^_`|~")
    room = _LINE - len(name) - 20
    if len(encoded) <= room:
        return [f"{name}*=utf-8''{encoded}"]
    sections = re.findall(rf"(?:%[0-9A-F]{{2}}|[^%]){{1,{room // 3}}}", encoded)
    starts = ["utf-8''", *[""] * (len(sections) - 1)]
    return [
        f"{name}*{number}*={start}{section}"
        for number, (start, section) in enumerate(zip(starts, sections, strict=True))
    ]


def with_parameters(name: str, value: str, parameters: Iterable[tuple[str, str]]) -> bytes:
    """A field such as Content-Type, its parameters folded one by one."""
    words = [value]
    for key, text in parameters:
        for word in parameter(key, text):
            words[-1] += ";"
            words.append(word)
    return fold(name, words)


def quoted(text: str) -> str:
    """A quoted string (RFC 5322 section 3.2.4)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _needs_encoding(word: str) -> bool:
    return not word.isascii() or "=?" in word or len(word) > _MAX_WORD


def _q(octets: bytes) -> str:
    return "".join(map(_Q.__getitem__, octets))


def _pieces(text: str, cost_of: Callable[[bytes], int], limit: int) -> Iterator[bytes]:
    """Whole characters, up to `limit`: an encoded word must not split one (RFC 2047 section 5)."""
    piece, total = b"", 0
    for character in text:
        octets = character.encode("utf-8")
        cost = cost_of(octets)
        if total + cost > limit:
            yield piece
            piece, total = b"", 0
        piece += octets
        total += cost
    yield piece
