"""The names to sort by of DISPLAYFROM and DISPLAYTO (RFC 5957), from a stored ENVELOPE."""

import re
from collections.abc import Iterator

from postroad.formats.mime import encodedwords

FROM = 2
TO = 5

_TOKEN = re.compile(rb'\(|\)|NIL|"((?:[^"\\]++|\\.)*+)"|\{(\d{1,9})\}\r\n', re.DOTALL)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_OPEN, _CLOSE = object(), object()
_Token = bytes | object | None


def display_name(envelope: bytes, field: int) -> str:
    """The sort value of the first address of the field, `FROM` or `TO`."""
    tokens = _tokens(envelope)
    next(tokens)
    for _ in range(field):
        _skip(tokens)
    if next(tokens) is not _OPEN:
        return ""
    next(tokens)
    name, _, mailbox, host = (_text(next(tokens)) for _ in range(4))
    if name and (shown := encodedwords.decode(name)):
        return shown
    if mailbox and host:
        return f"{mailbox}@{host}"
    return mailbox or ""


def _skip(tokens: Iterator[_Token]) -> None:
    depth = 0
    for token in tokens:
        depth += (token is _OPEN) - (token is _CLOSE)
        if not depth:
            return


def _text(token: _Token) -> str | None:
    return token.decode(errors="replace") if isinstance(token, bytes) else None


def _tokens(octets: bytes) -> Iterator[_Token]:
    """Strings without their quoting, None for NIL, and parentheses."""
    at = 0
    while (found := _TOKEN.search(octets, at)) is not None:
        at = found.end()
        if found[1] is not None:
            yield _ESCAPE.sub(rb"\1", found[1]) if b"\\" in found[1] else found[1]
        elif found[2] is not None:
            start, at = at, at + int(found[2])
            yield octets[start:at]
        elif (word := found[0]) == b"NIL":
            yield None
        else:
            yield _OPEN if word == b"(" else _CLOSE
