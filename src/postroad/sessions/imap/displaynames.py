"""The first addresses of a stored ENVELOPE, to sort by.

What DISPLAYFROM and DISPLAYTO show (RFC 5957), and the mailboxes of FROM, TO and CC.
"""

import re
from collections.abc import Iterator

from postroad.formats.mime import encodedwords

FROM = 2
TO = 5
CC = 6

_TOKEN = re.compile(rb'\(|\)|NIL|"((?:[^"\\]++|\\.)*+)"|\{(\d{1,9})\}\r\n', re.DOTALL)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_OPEN, _CLOSE = object(), object()
_Token = bytes | object | None


def display_name(envelope: bytes, field: int) -> str:
    """The sort value of the first address of the field, `FROM` or `TO`."""
    name, mailbox, host = _first(envelope, field)
    if name and (shown := encodedwords.decode(name)):
        return shown
    if mailbox and host:
        return f"{mailbox}@{host}"
    return mailbox or ""


def mailbox(envelope: bytes, field: int) -> str:
    """The mailbox of the first address (RFC 5256 section 3); of a group this is its name."""
    _, found, host = _first(envelope, field)
    return found or "" if host else encodedwords.decode(found or "")


def _first(envelope: bytes, field: int) -> tuple[str | None, str | None, str | None]:
    """Name, mailbox and host of the first address."""
    tokens = _tokens(envelope)
    next(tokens)
    for _ in range(field):
        _skip(tokens)
    if next(tokens) is not _OPEN:
        return None, None, None
    next(tokens)
    name, _, found, host = (_text(next(tokens)) for _ in range(4))
    return name, found, host


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
