"""Identifiers that are minted here and never used twice."""

import secrets
import time
import uuid

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_octets() -> bytes:
    """16 octets, a UUID of version 7: 48 bits of milliseconds, 74 random bits (RFC 9562)."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(secrets.token_bytes(10), "big")
    value = (milliseconds & (2**48 - 1)) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return value.to_bytes(16, "big")


def minted_at_milliseconds(octets: bytes) -> int:
    """When `new_octets` made this identifier, in milliseconds since 1970."""
    return int.from_bytes(octets[:6], "big")


def new_uuid() -> str:
    """A UUID of version 7 in its usual text form."""
    return str(uuid.UUID(bytes=new_octets()))


def new_trace_id() -> str:
    """A short name for a message's way through the program: 22 characters, ordered by time."""
    return _letters(int.from_bytes(new_octets()[:14], "big") >> 2)


def trace_id_at(microseconds: int) -> str:
    """The smallest trace id that could be made at a moment."""
    return _letters((microseconds // 1000) << 62)


def _letters(value: int) -> str:
    letters = []
    for _ in range(22):
        value, rest = divmod(value, 32)
        letters.append(_ALPHABET[rest])
    return "".join(reversed(letters))
