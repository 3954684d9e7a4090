"""Content transfer encodings (RFC 2045 section 6), decoded tolerantly, whole or in chunks."""

import re
from binascii import a2b_base64, a2b_qp
from collections.abc import Iterable, Iterator

IDENTITY = frozenset(("", "7bit", "8bit", "binary"))
"""The encodings that change nothing (RFC 2045 section 6.2)."""

KNOWN = IDENTITY | {"base64", "quoted-printable"}

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(octet for octet in range(256) if octet not in _BASE64)
_PADDED = re.compile(rb"([A-Za-z0-9+/]*+)(=*+)")

# RFC 2045 section 6.7 rule 3: white space at the end of a line was added on the way.
_LINE_PADDING = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n|\r?\Z)")
_MAYBE_PADDING = (b" \r", b"\t\r", b" \n", b"\t\n")

_MOST_HELD_OCTETS = 64 * 1024


def decode(raw: bytes, transfer_encoding: str) -> bytes | None:
    """The octets behind the encoding; None if it is unknown (UNKNOWN-CTE of RFC 3516)."""
    encoding = transfer_encoding.strip().lower()
    if encoding in IDENTITY:
        return raw
    if encoding == "base64":
        return decode_base64(raw)
    if encoding == "quoted-printable":
        return decode_quoted_printable(raw)
    return None


def decode_base64(raw: bytes) -> bytes:
    """Base64 whatever is between its letters (RFC 2045 section 6.8); never raises.

    Padding in the middle begins a new group. Interop: concatenated base64.
    """
    letters = raw.translate(None, _NOT_BASE64)
    pad = letters.find(b"=")
    if pad < 0 or len(letters) - pad <= 2:
        return _decode_group(letters[:pad] if pad >= 0 else letters)
    return b"".join([_decode_group(found[1]) for found in _PADDED.finditer(letters)])


def _decode_group(letters: bytes) -> bytes:
    rest = len(letters) % 4
    if rest == 1:
        letters = letters[:-1]  # six bits of an octet that never came
    elif rest:
        letters += b"=" * (4 - rest)
    return a2b_base64(letters)


def decode_quoted_printable(raw: bytes) -> bytes:
    """Quoted-printable; what is no valid escape stays as it is (RFC 2045 section 6.7)."""
    if raw[-1:] in (b" ", b"\t") or any(padding in raw for padding in _MAYBE_PADDING):
        raw = _LINE_PADDING.sub(b"", raw)
    return a2b_qp(raw)


class UnknownEncoding(ValueError):
    """Asked to decode a transfer encoding that is not in `KNOWN`."""


def decode_chunks(chunks: Iterable[bytes], transfer_encoding: str) -> Iterator[bytes]:
    """As `decode`, over chunks; holds at most a line of them (64 KiB).

    Raises `UnknownEncoding` at the call, before the first chunk is read.
    """
    encoding = transfer_encoding.strip().lower()
    if encoding in IDENTITY:
        return iter(chunks)
    if encoding == "base64":
        return _base64_chunks(chunks)
    if encoding == "quoted-printable":
        return _quoted_printable_chunks(chunks)
    raise UnknownEncoding(transfer_encoding)


def _base64_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        letters = held + chunk.translate(None, _NOT_BASE64)
        # Up to a whole group after the last padding.
        after_pad = letters.rfind(b"=") + 1
        whole = after_pad + (len(letters) - after_pad) // 4 * 4
        held = letters[whole:]
        if whole:
            yield decode_base64(letters[:whole])
    if held:
        yield decode_base64(held)


def _quoted_printable_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        held += chunk
        whole = held.rfind(b"\n") + 1
        if whole:
            yield decode_quoted_printable(held[:whole])
            held = held[whole:]
        elif len(held) > _MOST_HELD_OCTETS:
            # Limit: a line this long is cut, but never inside an escape.
            escape = held.find(b"=", len(held) - 3)
            whole = len(held) - 1 if escape < 0 else escape
            yield a2b_qp(held[:whole])
            held = held[whole:]
    if held:
        yield decode_quoted_printable(held)
