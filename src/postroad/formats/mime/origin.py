"""Where a message stands among others: what THREAD=REFERENCES asks of it (RFC 5256 section 3)."""

import struct
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from xxhash import xxh3_64_intdigest

from postroad.formats.mime import msgid
from postroad.formats.mime.headers import Header, to_text
from postroad.formats.mime.thread import is_reply_or_forward

_NONE = 0


@dataclass(frozen=True, slots=True)
class Origin:
    """Of identifiers nobody asks more than whether two are the same."""

    message_id: Hashable | None
    references: Sequence[Hashable]
    is_reply: bool  # or a forward


def encode(header: Header) -> bytes:
    """The origin, to be kept: an octet, and eight for each identifier, its own first."""
    subject = header.text("subject")
    is_reply = subject is not None and is_reply_or_forward(subject)
    message_id = msgid.message_id(header)
    keys = [_NONE if message_id is None else key(message_id), *map(key, _references(header))]
    return struct.pack(f">?{len(keys)}Q", is_reply, *keys)


def decode(octets: bytes) -> Origin:
    """What `encode` made; its identifiers are the keys of those in the header."""
    is_reply, message_id, *_ = known = struct.unpack(f">?{len(octets) // 8}Q", octets)
    return Origin(message_id or None, known[2:], is_reply)


def key(identifier: str) -> int:
    """What stands for an identifier."""
    return xxh3_64_intdigest(identifier.encode("utf-8", "replace")) or 1


def _references(header: Header) -> Sequence[str]:
    """RFC 5256 section 3: References, or else the first identifier in In-Reply-To."""
    found: dict[str, None] = {}
    for value in header.find_all("references"):
        found |= dict.fromkeys(_identifiers(to_text(value)))
    if not found and (answered := header.text("in-reply-to")):
        return _identifiers(answered)[:1]
    return tuple(found)[-msgid.IDENTIFIERS_LIMIT :]


def _identifiers(text: str) -> tuple[str, ...]:
    return msgid.find_all(text) if "<" in text else ()
