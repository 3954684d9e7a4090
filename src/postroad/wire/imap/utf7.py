"""Modified UTF-7, the spelling of mailbox names in IMAP4rev1 (RFC 3501 section 5.1.3)."""

import re
from base64 import b64decode, b64encode

from postroad.wire.errors import BadSyntax

_FOREIGN = re.compile(r"[^\x20-\x7e]+|&")
_SHIFTED = re.compile(rb"&([A-Za-z0-9+,]*)-")
_PLAIN = re.compile(rb"[\x20-\x7e]*")


class BadName(BadSyntax):
    """An astring that is no name in modified UTF-7: no mailbox can be called so."""

    def __init__(self) -> None:
        super().__init__("a mailbox name in modified UTF-7", 0)


def encode(name: str) -> bytes:
    """Write a name in ASCII; a lone surrogate cannot be written and becomes ``?``."""
    return _FOREIGN.sub(_shift, name).encode("ascii")


def decode(octets: bytes) -> str:
    """Read a name. Raises `BadName` unless `encode` would spell it just so.

    Security: one name has one spelling, so that no two of them select the same mailbox.
    """
    if not _PLAIN.fullmatch(octets):
        raise BadName
    if b"&" not in octets:
        return octets.decode("ascii")
    try:
        name = "".join(_pieces(octets))
    except ValueError:
        raise BadName from None
    if encode(name) != octets:
        raise BadName
    return name


def _shift(match: re.Match[str]) -> str:
    if match[0] == "&":
        return "&-"
    utf16 = match[0].encode("utf-16-be", "replace")
    return "&" + b64encode(utf16).rstrip(b"=").replace(b"/", b",").decode("ascii") + "-"


def _pieces(octets: bytes) -> list[str]:
    pieces = []
    done = 0
    for match in _SHIFTED.finditer(octets):
        pieces.append(octets[done : match.start()].decode("ascii"))
        pieces.append(_unshift(match[1]) if match[1] else "&")
        done = match.end()
    pieces.append(octets[done:].decode("ascii"))
    return pieces


def _unshift(shifted: bytes) -> str:
    padded = shifted.replace(b",", b"/") + b"=" * (-len(shifted) % 4)
    return b64decode(padded, validate=True).decode("utf-16-be")
