"""Message identifiers of a header (RFC 5322 section 3.6.4, RFC 5256 section 2)."""

import re
from itertools import islice

from postroad.formats.mime.headers import Header, to_text

IDENTIFIERS_LIMIT = 100
"""Identifiers that are kept of one field; the first, and then the latest."""

# Limit: an identifier is kept in an index.
_LONGEST_IDENTIFIER = 500
_READ_LIMIT = 10_000

_IDENTIFIER = re.compile(r"<((?:[^<>\"]++|\"(?:[^\"\\]++|\\.)*+\")++)>")
_ESCAPE = re.compile(r"\\(.)")
_BARE = re.compile(r"[^\s<>@,;]+@[^\s<>@,;]+")


def find_all(text: str) -> tuple[str, ...]:
    """The identifiers of a field's text without their brackets, normalised, once each, in order.

    White space is dropped, and quoting that says nothing, as RFC 5256 section 2 wants for
    comparing. Interop: an identifier without brackets is taken if there is no other.
    """
    found: dict[str, None] = {}
    for match in islice(_IDENTIFIER.finditer(text), _READ_LIMIT):
        identifier = _normalise(match[1])
        if identifier is not None:
            found[identifier] = None
    if not found:
        for bare in islice(_BARE.findall(text), 1):
            if len(bare) <= _LONGEST_IDENTIFIER:
                found[bare] = None
    identifiers = tuple(found)
    if len(identifiers) > IDENTIFIERS_LIMIT:
        return (identifiers[0], *identifiers[1 - IDENTIFIERS_LIMIT :])
    return identifiers


def _normalise(text: str) -> str | None:
    if '"' in text:
        text = _ESCAPE.sub(r"\1", text.replace('"', ""))
    identifier = "".join(text.split())
    if "@" not in identifier or len(identifier) > _LONGEST_IDENTIFIER:
        return None
    return identifier


def message_id(header: Header) -> str | None:
    """The identifier of the message itself, or None if it has no valid one."""
    text = header.text("message-id")
    found = find_all(text) if text else ()
    return found[0] if found else None


def references(header: Header) -> tuple[str, ...]:
    """The messages it belongs to, eldest first: References, then what In-Reply-To adds.

    At most `IDENTIFIERS_LIMIT`.
    """
    found: tuple[str, ...] = ()
    for value in header.find_all("references"):
        found += tuple(one for one in find_all(to_text(value)) if one not in found)
        if len(found) >= IDENTIFIERS_LIMIT:
            break
    answered = header.text("in-reply-to")
    if answered is not None:
        # Interop: old mailers write text with an address in it, not an identifier.
        found += tuple(
            one for one in (find_all(answered) if "<" in answered else ()) if one not in found
        )
    if len(found) > IDENTIFIERS_LIMIT:
        return (found[0], *found[1 - IDENTIFIERS_LIMIT :])
    return found
