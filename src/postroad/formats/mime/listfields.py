"""The header fields that mail programs ask for in lists, kept beside a message as they stand.

`BODY[HEADER.FIELDS (...)]` of any of them is then answered without the message.
"""

import re
from collections.abc import Iterable

from postroad.formats.mime.headers import HEADER_LIMIT

KEPT = frozenset(
    # What people read, and what replies are made of.
    b"date from sender reply-to to cc bcc subject message-id in-reply-to references "
    # Asked for with these by Thunderbird, Apple Mail, K-9, mutt, Roundcube, Evolution and mbsync.
    b"autocrypt-setup-message chat-version content-class content-description content-type "
    b"delivered-to disposition-notification-to envelope-to importance lines list-archive "
    b"list-help list-id list-owner list-post list-subscribe list-unsubscribe "
    b"list-unsubscribe-post mail-followup-to mail-reply-to mailing-list mime-version newsgroups "
    b"precedence priority return-path x-calendar-attachment x-evolution-source "
    b"x-k9mail-identity x-label x-list x-loop x-mailing-list x-original-to x-priority x-tuid "
    b"x-uniform-type-identifier x-universally-unique-identifier".split()
)
"""In lower case."""

LIMIT = 4096
"""Octets that are kept of one message; if there are more, nothing is."""

_FIELD = re.compile(rb"^(([!-9;-~]++)[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+\n)", re.MULTILINE)


def kept(block: bytes) -> bytes | None:
    """The fields of `KEPT` in a header block, in their order.

    None if they are too many, or the last line has no end.

    `headers.select_fields` finds in it what it finds in the whole block, for any of the names.
    """
    if len(block) > HEADER_LIMIT or not block.endswith(b"\n"):
        return None
    fields = [field for field, name in _FIELD.findall(block) if name.lower() in KEPT]
    octets = b"".join(fields)
    return octets if len(octets) <= LIMIT else None


def are_kept(names: Iterable[bytes]) -> bool:
    """Whether fields of these names are among those that are kept."""
    return all(name.lower() in KEPT for name in names)
