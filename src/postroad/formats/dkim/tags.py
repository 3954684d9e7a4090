"""Tag lists, the syntax of signatures and key records (RFC 6376 section 3.2)."""

import base64
import binascii
import re

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_FWS = " \t\r\n"
_FOLDING = re.compile(r"[ \t\r\n]+")
_MAX_TAGS = 100


def parse_tags(text: str) -> dict[str, str] | None:
    """The tags in their order, whitespace around values removed; None if it is no tag list.

    A name that comes twice makes the whole list invalid, as RFC 6376 section 3.2 says.
    """
    tags: dict[str, str] = {}
    pieces = text.split(";", _MAX_TAGS)
    if not pieces[-1].strip(_FWS):
        pieces.pop()
    for piece in pieces:
        name, equals, value = piece.partition("=")
        name = name.strip(_FWS)
        if not equals or not _NAME.match(name) or name in tags:
            return None
        tags[name] = value.strip(_FWS)
    return tags


def without_folding(value: str) -> str:
    """The value without any whitespace, as base64 and name lists want it."""
    return _FOLDING.sub("", value)


def names(value: str) -> tuple[str, ...]:
    """The members of a list separated by colons, in lower case."""
    return tuple(name.lower() for name in without_folding(value).split(":"))


def decode_base64(value: str) -> bytes | None:
    """The octets of a base64 value that may be folded; None if it is not base64."""
    try:
        return base64.b64decode(without_folding(value), validate=True)
    except (binascii.Error, ValueError):
        return None
